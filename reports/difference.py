"""What differs between two runs."""

from typing import List

from reports.results import Outcome, Run


def differences(one: Run, other: Run) -> List[str]:
    """A heading, then a line for each claim whose verdict differs or that only one of the runs has."""
    first, second = ({outcome.id: outcome for outcome in run.outcomes} for run in (one, other))
    lines = [
        f"{identity}: {outcome.verdict} -> {second[identity].verdict}{_because(second[identity])}"
        for identity, outcome in first.items()
        if identity in second and second[identity].verdict != outcome.verdict
    ]
    lines += [f"{identity}: {first[identity].verdict} -> (not in this run)" for identity in first if identity not in second]
    lines += [f"{identity}: (not in this run) -> {second[identity].verdict}" for identity in second if identity not in first]
    return [f"{one.subject.name} -> {other.subject.name}: {_number(len(lines))}", *sorted(lines)]


def _because(outcome: Outcome) -> str:
    return f" ({outcome.reason})" if outcome.reason else ""


def _number(count: int) -> str:
    return "no claim differs" if count == 0 else "1 claim differs" if count == 1 else f"{count} claims differ"
