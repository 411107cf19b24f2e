"""The faces of the verified FAQ beside its page, of one model: Markdown in two languages, JSON for programs, and a badge."""

import json
from pathlib import Path
from typing import Any, Dict, List, Tuple

import jinja2

from reports.boundaries import boundaries
from reports.columns import Column
from reports.faq import Entry, Faq, Question
from reports.language import Chinese, Language
from reports.markdown import TEMPLATES, markdown, newest_column

FORMAT = 1  # of faq.json; `faq.schema.json` describes it
SCHEMA = Path(__file__).with_name("faq.schema.json")
CALM, ALARMED, UNFINISHED = "#2d6a4f", "#b3261e", "#6b6b6b"  # colours of the badge
LETTER, MARGIN = 7, 12  # widths in the badge, in pixels: of a letter, about, and around a text


def faces(faq: Faq) -> Dict[str, str]:
    """Each by the name of its file."""
    english, chinese = Language(), Chinese()
    return {
        "FAQ.md": markdown(faq, english),
        "FAQ.zh.md": markdown(faq, chinese),
        "faq.json": json.dumps(data(faq, english, chinese), ensure_ascii=False, separators=(",", ":")) + "\n",
        "badge.svg": badge(faq),
    }


def data(faq: Faq, english: Language, chinese: Language) -> Dict[str, Any]:
    """What `faq.json` says, as `faq.schema.json` describes it."""
    newest = newest_column(faq)

    def told(question: Question, topic: Any) -> Dict[str, Any]:
        title = {say.code: say.question(question.id, question.title) for say in (english, chinese)}
        claims = [_claim(entry, newest, (english, chinese)) for entry in question.entries]
        return {"id": question.id, "group": question.group, "topic": topic, "title": title, "claims": claims}

    return {
        "format": FORMAT,
        "newest": faq.columns.index(newest),
        "columns": [_column(column) for column in faq.columns],
        "questions": [told(question, part.number) for _, parts in faq.groups for part in parts for question in part.questions],
    }


def _column(column: Column) -> Dict[str, Any]:
    subject, run = column.run.subject, column.run
    told = {name: getattr(subject, name) for name in ("distribution", "version", "backend", "backend_version", "python")}
    return {"name": column.name, **told, "started": run.started, "complete": run.complete, "deselected": run.deselected}


def _claim(entry: Entry, newest: Column, languages: Tuple[Language, ...]) -> Dict[str, Any]:
    said, outcomes = entry.said, [cell.outcome for cell in entry.cells]
    answer = next(cell.outcome.verdict if cell.outcome else None for cell in entry.cells if cell.column is newest)
    return {
        "id": said.id,
        "sentence": {say.code: say.sentence(said.id, said.sentence) for say in languages},
        "verdict": answer,
        "boundaries": {say.code: boundaries(entry.cells, answer or "", say) for say in languages},
        "verdicts": [outcome and outcome.verdict for outcome in outcomes],
        "drifted": [number for number, outcome in enumerate(outcomes) if outcome and outcome.drifted],
        "instead": said.instead,
        "answers": said.answers,
        "bug": said.bug,
        "test": said.source,
    }


def badge(faq: Faq) -> str:
    """An SVG: how much was measured, and whether something was found that was not recorded."""
    alarms = len({entry.said.id for entry, _ in [*faq.drifted, *faq.undecided]})
    claims, columns = len(faq.entries), len(faq.columns)
    message = f"{claims} claims on {columns} releases" if columns > 1 else f"{claims} claims checked"
    colour = CALM
    if alarms:
        message, colour = f"{alarms} of {claims} claims drifted", ALARMED
    elif faq.incomplete:
        message, colour = f"incomplete: {message}", UNFINISHED
    texts: List[Tuple[str, int]] = [(text, len(text) * LETTER) for text in ("Keras FAQ", message)]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(TEMPLATES)), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("badge.svg").render(texts=texts, colour=colour, margin=MARGIN) + "\n"
