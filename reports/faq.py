"""The verified FAQ: results files, a column each, put together by group, topic, question and claim."""

import itertools
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from reports.catalogue import Catalogue, Row, load, place, topic_of
from reports.results import Outcome, Run
from reports.verdicts import DOES_NOT_HOLD, ERROR, HOLDS, VARIES, VERDICTS

SLOWEST = 10  # claims whose time is listed


@dataclass(frozen=True)
class Cell:
    """What one column found of a claim: `outcome` is None where the column did not check it.

    Where it found that the claim does not hold, `instead` is the claim that does.
    """

    column: str
    outcome: Optional[Outcome]
    instead: Optional[str]


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
    def instead(self) -> List[str]:
        """The claims that say what is true where this one was found not to hold."""
        return list(dict.fromkeys(cell.instead for cell in self.measured if cell.instead))

    @property
    def seconds(self) -> float:
        """The time of its test in the column where it took longest."""
        return max((cell.outcome.seconds or 0 for cell in self.measured), default=0)


@dataclass(frozen=True)
class Question:
    """A question with its claims, in the order of their tests."""

    id: str
    title: str
    group: str
    entries: Tuple[Entry, ...]

    @property
    def answers(self) -> List[str]:
        """The rows of the catalogue that its claims answer, each as often as one does."""
        return [row for entry in self.entries for row in entry.said.answers]

    def count(self, column: str, verdict: str) -> int:
        """How many of its claims have this verdict in this column."""
        cells = [cell for entry in self.entries for cell in entry.measured if cell.column == column]
        return sum(cell.outcome.verdict == verdict for cell in cells)


@dataclass(frozen=True)
class Part:
    """The questions of a group that belong to one topic of the catalogue; to none, if `number` is None."""

    number: Optional[int]
    title: str
    questions: Tuple[Question, ...]


@dataclass(frozen=True)
class Faq:
    """All that the report says. `columns` names each run's subject, two runs of one subject by their time."""

    columns: Tuple[str, ...]
    runs: Tuple[Run, ...]
    catalogue: Catalogue
    groups: Tuple[Tuple[str, Tuple[Part, ...]], ...]

    @property
    def entries(self) -> Dict[str, Entry]:
        """Every claim by its id."""
        questions = [question for _, parts in self.groups for part in parts for question in part.questions]
        return {entry.said.id: entry for question in questions for entry in question.entries}

    @property
    def answered(self) -> Dict[str, List[Entry]]:
        """The claims that answer each row of the catalogue."""
        entries = self.entries.values()
        return {row: [entry for entry in entries if row in entry.said.answers] for row in self.catalogue.rows}

    @property
    def slowest(self) -> List[Entry]:
        """The claims whose tests took longest, the slowest one first."""
        timed = [entry for entry in self.entries.values() if entry.seconds]
        return sorted(timed, key=lambda entry: -entry.seconds)[:SLOWEST]

    def rows(self, entry: Entry) -> List[Row]:
        """The rows that a claim answers. Of one that is not in the catalogue its number alone is known."""
        known = self.catalogue.rows
        return [known.get(number, Row(number, "", None)) for number in entry.said.answers]

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
        cells = tuple(_cell(column, outcome.id, outcomes) for column, outcomes in zip(columns, found))
        questions.setdefault(outcome.id.partition("/")[0], []).append(Entry(outcome, cells))
    made = [Question(key, list_[0].said.question, list_[0].said.group, tuple(list_)) for key, list_ in questions.items()]
    made.sort(key=lambda question: place(question.group, question.answers, question.id))
    catalogue = load()
    groups = {question.group: _parts([q for q in made if q.group == question.group], catalogue) for question in made}
    return Faq(columns, tuple(runs), catalogue, tuple(groups.items()))


def _cell(column: str, identity: str, outcomes: Dict[str, Outcome]) -> Cell:
    """What a column found. Of the claims that may be true instead, the one that it found to hold, or if none the first."""
    outcome = outcomes.get(identity)
    if outcome is None or outcome.verdict not in (DOES_NOT_HOLD, VARIES):
        return Cell(column, outcome, None)
    true = [other for other in outcome.instead if other in outcomes and outcomes[other].verdict == HOLDS]
    return Cell(column, outcome, next(iter(true + outcome.instead), None))


def _parts(questions: Sequence[Question], catalogue: Catalogue) -> Tuple[Part, ...]:
    """The questions, which are in their order, by topic."""
    topics = itertools.groupby(questions, key=lambda question: topic_of(question.answers))
    return tuple(Part(number, catalogue.title(number), tuple(members)) for number, members in topics)


def _names(runs: Sequence[Run]) -> Tuple[str, ...]:
    """A name for each column: its subject; with the time of the run, or its number, where others have the same."""
    names = [run.subject.name for run in runs]
    names = [f"{name}, {run.started}" if names.count(name) > 1 else name for name, run in zip(names, runs)]
    return tuple(f"{name} ({n})" if names.count(name) > 1 else name for n, name in enumerate(names, start=1))


def _place(outcome: Outcome) -> Tuple[str, int]:
    path, _, line = outcome.source.rpartition(":")
    return path, int(line)
