"""The verified FAQ: results files, a column each, put together by group, question and claim."""

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from reports.results import Outcome, Run
from reports.verdicts import DOES_NOT_HOLD, ERROR, VARIES, VERDICTS

GROUPS = ("general", "saving", "training", "modeling")  # in the FAQ's order; others follow by name


@dataclass(frozen=True)
class Cell:
    """What one column found of a claim: `outcome` is None where the column did not check it."""

    column: str
    outcome: Optional[Outcome]


@dataclass(frozen=True)
class Entry:
    """A claim with what every column found of it. What it says of itself is taken from the first column that has it."""

    said: Outcome
    cells: Tuple[Cell, ...]

    @property
    def by_verdict(self) -> List[Tuple[str, List[str]]]:
        """Each verdict that was found, with the columns that found it."""
        found = [(verdict, [cell.column for cell in self.measured if cell.outcome.verdict == verdict]) for verdict in VERDICTS]
        return [(verdict, columns) for verdict, columns in found if columns]

    @property
    def measured(self) -> List[Any]:
        """The cells that have an outcome."""
        return [cell for cell in self.cells if cell.outcome]

    @property
    def stands_out(self) -> bool:
        """Whether it needs a maintainer's eye: its verdict is not the recorded one somewhere, or there is none."""
        return any(cell.outcome.drifted or cell.outcome.verdict == ERROR for cell in self.measured)

    @property
    def instead(self) -> Optional[str]:
        """The claim that says what is true where this one was found not to hold; None where it was not."""
        named = [cell.outcome.instead for cell in self.measured if cell.outcome.verdict in (DOES_NOT_HOLD, VARIES)]
        return next(filter(None, named), None)


@dataclass(frozen=True)
class Question:
    """A question with its claims, in the order of their tests."""

    id: str
    title: str
    group: str
    entries: Tuple[Entry, ...]

    def count(self, column: str, verdict: str) -> int:
        """How many of its claims have this verdict in this column."""
        cells = [cell for entry in self.entries for cell in entry.measured if cell.column == column]
        return sum(cell.outcome.verdict == verdict for cell in cells)


@dataclass(frozen=True)
class Faq:
    """All that the report says. `columns` names each run's subject, two runs of one subject by their time."""

    columns: Tuple[str, ...]
    runs: Tuple[Run, ...]
    groups: Tuple[Tuple[str, Tuple[Question, ...]], ...]

    @property
    def entries(self) -> Dict[str, Entry]:
        """Every claim by its id."""
        return {entry.said.id: entry for _, questions in self.groups for q in questions for entry in q.entries}

    @property
    def drifted(self) -> List[Tuple[Entry, Cell]]:
        """The claims whose verdict is not the recorded one, and where."""
        return [(e, cell) for e in self.entries.values() for cell in e.measured if cell.outcome.drifted]

    @property
    def undecided(self) -> List[Tuple[Entry, Cell]]:
        """The claims whose test neither confirmed nor refuted them, and where."""
        return [(e, cell) for e in self.entries.values() for cell in e.measured if cell.outcome.verdict == ERROR]

    @property
    def incomplete(self) -> List[Tuple[str, Run]]:
        """The columns whose run did not come to its end."""
        return [(column, run) for column, run in zip(self.columns, self.runs) if not run.complete]

    @property
    def verdicts(self) -> List[str]:
        """Those that some claim has."""
        found = {cell.outcome.verdict for entry in self.entries.values() for cell in entry.measured}
        return [verdict for verdict in VERDICTS if verdict in found]


def assemble(runs: Sequence[Run]) -> Faq:
    """Put the runs together, a column each, in the order given."""
    columns = _names(runs)
    found = [{outcome.id: outcome for outcome in run.outcomes} for run in runs]
    said: Dict[str, Outcome] = {}
    for outcomes in found:
        said = {**outcomes, **said}
    questions: Dict[str, List[Entry]] = {}
    for outcome in sorted(said.values(), key=_place):
        cells = tuple(Cell(column, outcomes.get(outcome.id)) for column, outcomes in zip(columns, found))
        questions.setdefault(outcome.id.partition("/")[0], []).append(Entry(outcome, cells))
    made = [Question(key, list_[0].said.question, list_[0].said.group, tuple(list_)) for key, list_ in questions.items()]
    made.sort(key=_number)
    groups = sorted({question.group for question in made}, key=_group_place)
    return Faq(columns, tuple(runs), tuple((g, tuple(q for q in made if q.group == g)) for g in groups))


def _names(runs: Sequence[Run]) -> Tuple[str, ...]:
    """A name for each column: its subject; with the time of the run, or its number, where others have the same."""
    names = [run.subject.name for run in runs]
    names = [f"{name}, {run.started}" if names.count(name) > 1 else name for name, run in zip(names, runs)]
    return tuple(f"{name} ({n})" if names.count(name) > 1 else name for n, name in enumerate(names, start=1))


def _place(outcome: Outcome) -> Tuple[str, int]:
    path, _, line = outcome.source.rpartition(":")
    return path, int(line)


def _group_place(group: str) -> Tuple[int, str]:
    return (GROUPS.index(group) if group in GROUPS else len(GROUPS)), group


def _number(question: Question) -> Tuple[int, str]:
    """The question's number in the catalogue, from the rows that its claims answer."""
    rows = [row.partition(".")[0] for entry in question.entries for row in entry.said.answers]
    return min((int(row) for row in rows if row.isdigit()), default=10**6), question.id
