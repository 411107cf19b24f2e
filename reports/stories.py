"""What the results tell together: short answers, what is often repeated and false, and what has changed over the years.

All of it is found from the verdicts and from the catalogue's rows: which claims answer what the FAQ of 2018 *said*.
"""

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

from reports.catalogue import Row, Topic
from reports.columns import Column, stretches
from reports.faq import Entry, Faq
from reports.verdicts import DOES_NOT_HOLD, HOLDS, MEASURED

SHORT = 4  # sentences of a short answer
WORD = re.compile(r"\w{3,}")


@dataclass(frozen=True)
class Change:
    """A claim that came to hold, or ceased to, and the releases in which it did: `keras 3.0.5`, `tf.keras 2.6.5`."""

    entry: Entry
    holds_now: bool
    releases: Tuple[str, ...]


def is_said(row: Row) -> bool:
    """Whether it is a statement of the FAQ: no reader's question, and nothing on which the FAQ is silent."""
    return not row.waived and "R" not in row.number and not row.statement.startswith("Not said")


def often_repeated(faq: Faq) -> List[Entry]:
    """The claims on what the FAQ said that were found to hold on no column, and are refuted by a newest one."""
    newest = newest_columns(faq)
    return [
        entry
        for entry in _on_what_was_said(faq)
        if not any(cell.outcome.verdict == HOLDS for cell in entry.measured)
        and any(cell.outcome.verdict == DOES_NOT_HOLD for cell in _of(entry, newest))
    ]


def changes(faq: Faq) -> List[Change]:
    """The claims on what the FAQ said that were true of the oldest Keras, which it described, and of no newest one.

    And the other way round: those that were false then, and are true of every newest column that decided them.
    """
    newest, oldest = newest_columns(faq), _columns_like(faq, min(faq.columns, key=_standalone_first))
    found = []
    for entry in _on_what_was_said(faq):
        then, now = ({cell.outcome.verdict for cell in _of(entry, columns)} & set(MEASURED) for columns in (oldest, newest))
        if len(then) == 1 and len(now) == 1 and then != now and then | now == {HOLDS, DOES_NOT_HOLD}:
            found.append(Change(entry, now == {HOLDS}, _releases(entry, now.pop())))
    return found


def newest_columns(faq: Faq) -> List[Column]:
    """The newest version that was checked, on every backend."""
    return _columns_like(faq, newest_column(faq))


def newest_column(faq: Faq) -> Column:
    """The newest column; of several backends the first, of several Pythons too."""
    newest = max(faq.columns, key=lambda column: column.age[0])
    return next(column for column in faq.columns if column.age[0] == newest.age[0])


def candidates(faq: Faq, topic: Topic) -> List[List[Entry]]:
    """For each row of the topic the claims that answer it, best first: those that have most words in common with it.

    What the FAQ said comes before what its readers ask.
    """
    answered = faq.answered
    rows = sorted((row for row in topic.rows if answered[row.number]), key=lambda row: not is_said(row))
    return [sorted(answered[row.number], key=lambda entry: -_likeness(entry.said.sentence, row.statement)) for row in rows]


def short_answer(found: Sequence[Sequence[Entry]], column: Column) -> List[Entry]:
    """The first few of these claims that hold on this column, at most one a row."""
    chosen: Dict[str, Entry] = {}
    for entries in found:
        true = next((entry for entry in entries if entry.verdict(column) == HOLDS and entry.said.id not in chosen), None)
        if true and len(chosen) < SHORT:
            chosen[true.said.id] = true
    return list(chosen.values())


def _on_what_was_said(faq: Faq) -> List[Entry]:
    said = {row.number for row in faq.catalogue.rows.values() if is_said(row)}
    return [entry for entry in faq.entries.values() if said & set(entry.said.answers)]


def _of(entry: Entry, columns: Sequence[Column]) -> List[Any]:
    return [cell for cell in entry.measured if cell.column in columns]


def _columns_like(faq: Faq, one: Column) -> List[Column]:
    return [column for column in faq.columns if (column.generation, column.version) == (one.generation, one.version)]


def _standalone_first(column: Column) -> Tuple[bool, object]:
    return column.generation == "tf.keras", column.age[0]


def _releases(entry: Entry, verdict: str) -> Tuple[str, ...]:
    """The first version of each distribution's last stretch, where that has this verdict and is not its first."""
    found: Dict[str, None] = {}
    by_family: Dict[str, list] = {}
    for stretch in stretches([cell for cell in entry.measured if cell.outcome.verdict in MEASURED]):
        by_family.setdefault(stretch.family, []).append(stretch)
    for family, told in by_family.items():
        if len(told) > 1 and told[-1].verdict == verdict:
            found[f"{family.partition(' on ')[0]} {told[-1].first}"] = None
    return tuple(found)


def _likeness(sentence: str, statement: str) -> float:
    one, other = ({word.lower() for word in WORD.findall(text)} for text in (sentence, statement))
    return len(one & other) / (len(one) or 1) ** 0.5
