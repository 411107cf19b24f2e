"""The page: the verified FAQ as one HTML file that needs no network, whose answers are there without its script, too.

What the script needs besides is in the page as JSON: a letter for each claim in each column, in the page's order.
"""

import base64
import hashlib
import json
import re
from collections import Counter, defaultdict
from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

import jinja2
from markupsafe import Markup

from reports import proofs, stories
from reports.columns import Column, labels, stretches
from reports.faq import Cell, Entry, Faq, Part, Question, assemble
from reports.faults import faults
from reports.figures import Drawing, drawing
from reports.mutants import noticed
from reports.prose import html_linked, html_prose, paragraphs, value
from reports.results import Run
from reports.speed import speed
from reports.text import shortened
from reports.verdicts import HOLDS, LETTERS, NOT_CHECKED, SIGNS, VERDICTS
from reports.wording import Wording

TEMPLATES = Path(__file__).with_name("templates")
SCRIPTS = ("page.js", "search.js", "matrix.js")
NOTHING = "-"  # the letter where a column has no such claim


def html(runs: Sequence[Run]) -> str:
    """The FAQ of these runs, a column each, as one page."""
    wording = Wording()
    style, *scripts = ((TEMPLATES / name).read_text(encoding="utf-8") for name in ("style.css", *SCRIPTS))
    script = "".join(scripts)
    page = _environment(wording).get_template("index.html")
    return page.render(
        report=Report(assemble(runs), wording),
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )


class Shown(NamedTuple):
    """A piece of evidence, with the columns shown that measured the same; `picture` is its figure, if it is one."""

    name: str
    measured: Any
    picture: Optional[Drawing]
    columns: List[Column]


class Report:
    """What the templates ask for."""

    def __init__(self, faq: Faq, wording: Wording) -> None:
        """Of these results, in both languages."""
        self.faq = faq
        self.wording = wording
        self.entries = faq.entries
        self.answered = faq.answered
        self.faults = defaultdict(list, faults())
        self.noticed, self.noticed_in_tf_keras = noticed()
        self.speed = speed()
        self.several = len(faq.columns) > 1
        self.newest = stories.newest_column(faq)
        self.often_repeated = stories.often_repeated(faq)
        topics = {topic.number: topic for topic in faq.catalogue.topics}
        self.candidates = {number: stories.candidates(faq, topic) for number, topic in topics.items()}
        self.topics = topics
        self.groups = _one_place(faq.groups)

    @property
    def changes(self) -> List[Tuple[str, List[stories.Change]]]:
        """What changed, by the release in which it did first, the newest one first."""
        found: Dict[str, List[stories.Change]] = {}
        for change in stories.changes(self.faq):
            found.setdefault(next(iter(change.releases), ""), []).append(change)
        ages = {f"{column.family.partition(' on ')[0]} {column.version}": column.age[0] for column in self.faq.columns}
        return sorted(((name, found[name]) for name in found if name), key=lambda pair: ages[pair[0]], reverse=True)

    def standing_out(self, cells: Sequence[Tuple[Entry, Cell]]) -> List[Tuple[Entry, Cell, List[Column]]]:
        """Claims that need a maintainer's eye, columns that found the same of one together."""
        found: Dict[Any, Tuple[Entry, Cell, List[Column]]] = {}
        for entry, cell in cells:
            assert cell.outcome
            key = entry.said.id, cell.outcome.verdict, cell.outcome.reason
            found.setdefault(key, (entry, cell, []))[2].append(cell.column)
        return list(found.values())

    def cell(self, entry: Entry) -> Cell:
        """What the newest column found of a claim."""
        return next(cell for cell in entry.cells if cell.column == self.newest)

    def short_answer(self, part: Part) -> List[Entry]:
        """The short answer of a topic, for the newest column."""
        return stories.short_answer(self.candidates.get(part.number or 0, []), self.newest)

    def examples(self, part: Part) -> List[Entry]:
        """The worked examples of a topic, those that hold on the newest column first."""
        found = [entry for q in part.questions for entry in q.entries if proofs.is_example(entry.said)]
        return sorted(found, key=lambda entry: entry.verdict(self.newest) != HOLDS)

    def counts(self, entries: Iterable[Entry]) -> List[Tuple[str, int]]:
        """How many of these claims have which verdict in the newest column."""
        found = Counter(entry.verdict(self.newest) for entry in entries)
        return [(verdict, found[verdict]) for verdict in VERDICTS if found[verdict]]

    def found(self, entry: Entry) -> List[Tuple[str, List[str]]]:
        """Each verdict that was found, and where: neighbouring versions together."""
        found: Dict[str, Dict[str, List[str]]] = {verdict: {} for verdict in VERDICTS}
        for stretch in stretches(entry.cells):
            distribution, _, backend = stretch.family.partition(" on ")
            found[stretch.verdict].setdefault(f"{distribution} {stretch.versions}", []).append(backend)
        return [
            (verdict, [" · ".join(filter(None, (name, ", ".join(backends)))) for name, backends in places.items()])
            for verdict, places in found.items()
            if places
        ]

    def unchecked(self, entry: Entry) -> List[str]:
        """Why it is not checked in the newest columns of the families, each reason once; the places tell the backends."""
        reasons = [cell.outcome.reason or "" for cell in entry.shown if cell.outcome.verdict == NOT_CHECKED]
        reasons = [re.sub(r"^the backend is \w+, not ", "the backend is not ", reason) for reason in reasons]
        return list(filter(None, dict.fromkeys(reasons)))

    def is_example(self, entry: Entry) -> bool:
        """Whether the claim is a worked example."""
        return proofs.is_example(entry.said)

    def group(self, name: str) -> Markup:
        """A group of questions, in both languages if it is one of the FAQ's."""
        return both(name, self.wording.interface.get(name, ""))

    def title(self, part: Part) -> Markup:
        """A topic's title, in both languages."""
        return both(part.title, self.wording.interface.get(part.title, ""))

    def proof(self, entry: Entry) -> Optional[Markup]:
        """The source of the claim's test, highlighted."""
        source = proofs.proof(entry.said)
        return None if source is None else proofs.highlighted(source)

    def evidence(self, entry: Entry) -> List[Shown]:
        """What was measured: of each family's newest column, values that are the same together."""
        found: Dict[Tuple[str, str], Shown] = {}
        for cell in entry.shown:
            told = dict(cell.outcome.evidence)
            if cell.outcome.reason and not (self.several and cell.outcome.verdict == NOT_CHECKED):
                told["because"] = cell.outcome.reason
            for name, measured in told.items():
                key = name, json.dumps(measured, sort_keys=True)
                found.setdefault(key, Shown(name, measured, drawing(measured), [])).columns.append(cell.column)
        return list(found.values())

    @property
    def data(self) -> Markup:
        """What the script needs, as JSON that ends no script element."""
        order = {identity: n for n, identity in enumerate(self._in_order())}
        columns = [
            [column.name, column.distribution, column.version, column.run.subject.backend, column.generation, column.family]
            for column in self.faq.columns
        ]
        said = {
            "columns": columns,
            "newest": self.faq.columns.index(self.newest),
            "found": ["".join(map(_letter, self.entries[name].cells)) for name in order],
            "instead": {
                order[name]: [order[other] for other in self.entries[name].said.instead if other in order]
                for name in order
                if self.entries[name].said.instead
            },
            "answers": {
                number: [[order[entry.said.id] for entry in row] for row in rows] for number, rows in self.candidates.items()
            },
            "chinese": self.wording.interface,
        }
        text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
        return Markup(text.replace("<", "\\u003c"))

    def _in_order(self) -> List[str]:
        """The claims as they stand on the page."""
        return [e.said.id for _, parts in self.groups for part in parts for q in part.questions for e in q.entries]


def _one_place(groups: Sequence[Tuple[str, Sequence[Part]]]) -> List[Tuple[str, List[Part]]]:
    """The groups, a topic that has questions in several of them wholly in the first."""
    found: Dict[str, List[Part]] = {name: [] for name, _ in groups}
    first: Dict[Any, Tuple[str, int]] = {}
    for name, parts in groups:
        for part in parts:
            place, n = first.setdefault(part.title or name, (name, len(found[name])))
            if n < len(found[place]):
                part = replace(found[place][n], questions=found[place][n].questions + part.questions)
            found[place] = [*found[place][:n], part, *found[place][n + 1 :]]
    return list(found.items())


def both(english: str, chinese: str) -> Markup:
    """Prose in both languages; in English alone where there is no Chinese."""
    spoken = Markup("<span>{}</span>").format(html_prose(english))
    return spoken + Markup("<span lang=zh>{}</span>").format(html_prose(chinese)) if chinese else spoken


def _letter(cell: Cell) -> str:
    """The verdict's letter, a capital where it is not the recorded one."""
    if cell.outcome is None:
        return NOTHING
    letter = LETTERS[cell.outcome.verdict]
    return letter.upper() if cell.outcome.drifted else letter


def _environment(wording: Wording) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(TEMPLATES)),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def text(english: str) -> Markup:
        """One of the page's own texts in both languages."""
        return both(english, wording.text(english))

    def known(english: str) -> str:
        """One of them in English, which the script will put the Chinese beside."""
        return english if wording.text(english) else ""

    def question(asked: Question) -> Markup:
        return both(asked.title, wording.question(asked.id))

    def sentence(entry: Entry) -> Markup:
        return both(entry.said.sentence, wording.claim(entry.said.id))

    environment.globals.update(t=text, known=known, question=question, sentence=sentence, letters=LETTERS, signs=SIGNS)
    environment.filters.update(
        prose=html_prose, linked=html_linked, paragraphs=paragraphs, value=value, shortened=shortened, labels=labels
    )
    return environment


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")
