"""The catalogue of what the FAQ of 2018 says, and the order that its numbers give to questions.

It is read from `specs/catalogue.json`. JSON, because pages are also made by a Python that reads no TOML.
"""

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, Optional, Tuple

FILE = Path(__file__).parent.parent / "specs" / "catalogue.json"
GROUPS = ("general", "saving", "training", "modeling")  # in the report's order; others follow by name
NOWHERE = 10**6  # what answers no row comes last
ROW = re.compile(r"([0-9]{1,5})\.(R?)([0-9]{1,5})")


@dataclass(frozen=True)
class Row:
    """One statement of the FAQ, or one question of its reader. `waived` says why none can test it; None where one can."""

    number: str
    statement: str
    waived: Optional[str]


@dataclass(frozen=True)
class Topic:
    """A question of the FAQ. The suite may take it in several questions of its own."""

    number: int
    title: str
    rows: Tuple[Row, ...]


@dataclass(frozen=True)
class Catalogue:
    """All topics, in the FAQ's order, and what the catalogue says of itself."""

    about: str
    topics: Tuple[Topic, ...]

    @property
    def rows(self) -> Dict[str, Row]:
        """Every row by its number."""
        return {row.number: row for topic in self.topics for row in topic.rows}

    def title(self, number: Optional[int]) -> str:
        """The title of the topic with this number; empty where there is none."""
        return next((topic.title for topic in self.topics if topic.number == number), "")


def load(file: Path = FILE) -> Catalogue:
    """Read the catalogue."""
    said = json.loads(file.read_text(encoding="utf-8"))
    waived = said["not a behaviour"]
    topics = [
        Topic(int(number), topic["title"], tuple(Row(row, text, waived.get(row)) for row, text in topic["rows"].items()))
        for number, topic in said["topics"].items()
    ]
    return Catalogue(said["about"], tuple(topics))


def topic_of(answers: Iterable[str]) -> Optional[int]:
    """The number of the topic that most of these rows belong to; None where none is a row."""
    numbers = Counter(topic for topic, _, _ in map(_parts, answers) if topic != NOWHERE)
    return min(numbers, key=lambda number: (-numbers[number], number), default=None)


def place(group: str, answers: Iterable[str], name: str) -> Tuple[Any, ...]:
    """What to sort questions by: group, topic, the first of the topic's rows that a claim answers, and at last the name."""
    answers = list(answers)
    topic = topic_of(answers)
    first = min(parts for parts in [*map(_parts, answers), _parts("")] if parts[0] in (topic, NOWHERE))
    return (GROUPS.index(group) if group in GROUPS else len(GROUPS)), group, first, name


def _parts(row: str) -> Tuple[int, bool, int]:
    """A row's number taken apart, the reader's questions after the statements."""
    found = ROW.fullmatch(row)
    return (int(found.group(1)), bool(found.group(2)), int(found.group(3))) if found else (NOWHERE, False, 0)
