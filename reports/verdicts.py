"""The verdicts, as results files and reports word them, in the order in which reports list them."""

HOLDS, DOES_NOT_HOLD, VARIES, NOT_CHECKED, ERROR = "holds", "does not hold", "varies", "not checked", "error"
VERDICTS = (HOLDS, DOES_NOT_HOLD, VARIES, NOT_CHECKED, ERROR)
MEASURED = (HOLDS, DOES_NOT_HOLD, VARIES)  # the others decide nothing, so they are no drift

SIGNS = {HOLDS: "✔", DOES_NOT_HOLD: "✘", VARIES: "≈", NOT_CHECKED: "○", ERROR: "!"}


def drifted(verdict: str, expected: str) -> bool:
    """Whether a measured verdict differs from the recorded one."""
    return verdict in MEASURED and verdict != expected
