"""The verified FAQ: results files, a column each, put together by group, topic, question and claim."""

import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from reports.catalogue import Catalogue, Row, load, place, topic_of
from reports.columns import Column, arranged, stretches
from reports.results import Outcome, Run
from reports.verdicts import DOES_NOT_HOLD, ERROR, HOLDS, MEASURED, VARIES, VERDICTS

SLOWEST = 10  # claims whose time is listed


@dataclass(frozen=True)
class Cell:
    """What one column found of a claim: `outcome` is None where the column did not check it.

    Where it found that the claim does not hold, `instead` is the claim that does.
    """

    column: Column
    outcome: Optional[Outcome]
    instead: Optional[str]


@dataclass(frozen=True)
class Entry:
    """A claim with what every column found of it. What it says of itself is taken from the newest column that has it."""

    said: Outcome
    cells: Tuple[Cell, ...]

    @property
    def by_verdict(self) -> List[Tuple[str, List[str]]]:
        """Each verdict that was found, and where: neighbouring versions together, `keras 3.0.5 to 3.8.0 on jax`."""
        found = [(stretch.verdict, stretch.place) for stretch in stretches(self.cells)]
        grouped = [(verdict, [place for kind, place in found if kind == verdict]) for verdict in VERDICTS]
        return [(verdict, places) for verdict, places in grouped if places]

    @property
    def is_same_everywhere(self) -> bool:
        """Whether all columns found the same."""
        return len(self.measured) == len(self.cells) and len(self.by_verdict) == 1

    @property
    def measured(self) -> List[Any]:
        """The cells that have an outcome."""
        return [cell for cell in self.cells if cell.outcome]

    @property
    def shown(self) -> List[Any]:
        """The cells whose evidence is shown: of each family the newest column that has an outcome."""
        return list({cell.column.family: cell for cell in self.measured}.values())

    def verdict(self, column: Column) -> Optional[str]:
        """What this column found; None where it did not check the claim."""
        return next((cell.outcome.verdict for cell in self.cells if cell.column == column and cell.outcome), None)

    @property
    def stands_out(self) -> bool:
        """Whether it needs a maintainer's eye: its verdict is not the recorded one somewhere, or there is none."""
        return any(cell.outcome.drifted or cell.outcome.verdict == ERROR for cell in self.measured)

    @property
    def instead(self) -> List[str]:
        """The claims that say what is true where this one was found not to hold."""
        return list(dict.fromkeys(cell.instead for cell in self.measured if cell.instead))

    @property
    def slowest(self) -> Any:
        """The cell of the column where its test took longest; None where it ran nowhere."""
        return max(self.measured, key=lambda cell: cell.outcome.seconds or 0, default=None)

    @property
    def seconds(self) -> float:
        """The time of its test there."""
        return self.slowest.outcome.seconds or 0 if self.slowest else 0


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

    @property
    def alike(self) -> Dict[str, int]:
        """How many of its claims each verdict was found of in every column that decided them; `differs` for the others."""
        kinds = [[verdict for verdict, _ in entry.by_verdict if verdict in MEASURED] for entry in self.entries]
        return dict(Counter(kind[0] if len(kind) == 1 else "differs" for kind in kinds if kind))

    def count(self, column: Column, verdict: str) -> int:
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
    """All that the report says. The columns are in families, one after another, each from old to new."""

    columns: Tuple[Column, ...]
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
    def incomplete(self) -> List[Column]:
        """The columns whose run did not come to its end."""
        return [column for column in self.columns if not column.run.complete]

    @property
    def families(self) -> List[Tuple[str, List[Column]]]:
        """The columns by family."""
        return [(family, list(members)) for family, members in itertools.groupby(self.columns, lambda column: column.family)]

    @property
    def verdicts(self) -> List[str]:
        """Those that some claim has."""
        found = {cell.outcome.verdict for entry in self.entries.values() for cell in entry.measured}
        return [verdict for verdict in VERDICTS if verdict in found]


def assemble(runs: Sequence[Run]) -> Faq:
    """Put the runs together, a column each."""
    columns = arranged(runs)
    found = [{outcome.id: outcome for outcome in column.run.outcomes} for column in columns]
    newest = max(columns, key=lambda column: column.age, default=None)
    said: Dict[str, Outcome] = {outcome.id: outcome for outcome in newest.run.outcomes} if newest else {}
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
    return Faq(columns, catalogue, tuple(groups.items()))


def _cell(column: Column, identity: str, outcomes: Dict[str, Outcome]) -> Cell:
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


def _place(outcome: Outcome) -> Tuple[str, int]:
    path, _, line = outcome.source.rpartition(":")
    return path, int(line)
