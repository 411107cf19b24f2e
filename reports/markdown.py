"""The verified FAQ in Markdown, as a code host shows it: the newest column's answers, and in words where others differ."""

import functools
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Optional, Tuple

import jinja2

from reports import marked
from reports.boundaries import BACKENDS, boundaries
from reports.columns import Column
from reports.faq import Entry, Faq
from reports.language import Language
from reports.verdicts import ERROR, NOT_CHECKED, SIGNS, VERDICTS

TEMPLATES = Path(__file__).with_name("templates")
ABSENT = "not there"  # of a claim that the newest column does not have


@dataclass(frozen=True)
class Answer:
    """What is said of a claim: the newest column's verdict, where others found another one, and what is true instead."""

    verdict: str
    boundaries: str
    instead: Optional[Entry]
    reason: str


def markdown(faq: Faq, say: Language) -> str:
    """The FAQ in this language."""
    newest = newest_column(faq)
    found = answers(faq, newest, say)
    questions = [question for _, parts in faq.groups for part in parts for question in part.questions]
    text = (
        _environment()
        .get_template("FAQ.md")
        .render(
            faq=faq,
            say=say,
            newest=newest,
            several=len(faq.columns) > 1,
            families=_families(faq),
            answers=found,
            counts={q.id: Counter(found[entry.said.id].verdict for entry in q.entries) for q in questions},
            verdicts=[verdict for verdict in VERDICTS if verdict in {answer.verdict for answer in found.values()}],
            signs=SIGNS,
        )
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


@functools.lru_cache(maxsize=None)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(TEMPLATES)), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(prose=marked.prose, cell=marked.cell, linked=marked.linked, code=marked.code)
    return environment


def newest_column(faq: Faq) -> Column:
    """The newest column that is the standalone Keras, if there is one; of several backends the first."""
    standalone = [column for column in faq.columns if column.run.subject.distribution == "keras"] or faq.columns
    return max(standalone, key=lambda column: column.age[0])


def answers(faq: Faq, newest: Column, say: Language) -> Dict[str, Answer]:
    """What is said of each claim."""
    entries = faq.entries
    return {identity: _answer(entry, newest, entries, say) for identity, entry in entries.items()}


def _answer(entry: Entry, newest: Column, entries: Dict[str, Entry], say: Language) -> Answer:
    cell = next(cell for cell in entry.cells if cell.column is newest)
    verdict = cell.outcome.verdict if cell.outcome else ABSENT
    reason = cell.outcome.reason or "" if cell.outcome and verdict in (NOT_CHECKED, ERROR) else ""
    return Answer(verdict, boundaries(entry.cells, verdict, say), entries.get(cell.instead or ""), reason)


def _families(faq: Faq) -> List[Tuple[str, List[str]]]:
    """Each family as a reader calls it, with its versions."""
    found = []
    for family, members in faq.families:
        distribution, on, backend = family.partition(" on ")
        versions = list(dict.fromkeys(column.version for column in members))
        found.append((f"{distribution}{on}{BACKENDS.get(backend, backend)}", versions))
    return found
