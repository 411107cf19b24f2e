"""The verdicts, as results files and reports word them, in the order in which reports list them."""

HOLDS, DOES_NOT_HOLD, VARIES, NOT_CHECKED, ERROR = "holds", "does not hold", "varies", "not checked", "error"
VERDICTS = (HOLDS, DOES_NOT_HOLD, VARIES, NOT_CHECKED, ERROR)
MEASURED = (HOLDS, DOES_NOT_HOLD, VARIES)  # the others decide nothing, so they are no drift

SIGNS = {HOLDS: "✔", DOES_NOT_HOLD: "✘", VARIES: "≈", NOT_CHECKED: "○", ERROR: "!"}
LETTERS = {HOLDS: "h", DOES_NOT_HOLD: "n", VARIES: "v", NOT_CHECKED: "o", ERROR: "e"}  # classes of the matrix's cells


def drifted(verdict: str, expected: str) -> bool:
    """Whether a measured verdict differs from the recorded one."""
    return verdict in MEASURED and verdict != expected
