"""The pages: the verified FAQ as `FAQ.md` and as `index.html`, one file that needs neither a network nor a script."""

import base64
import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple

import jinja2
from markupsafe import Markup, escape

from reports.columns import Column
from reports.faq import Entry, assemble
from reports.figures import Drawing, drawing, shortened
from reports.results import Run
from reports.verdicts import LETTERS, SIGNS

TRACKERS = {
    "keras": "https://github.com/keras-team/keras/issues/",
    "tf-keras": "https://github.com/keras-team/tf-keras/issues/",
    "tensorflow": "https://github.com/tensorflow/tensorflow/issues/",
}
THREAD = re.compile(r"\b((?:keras|tf-keras|tensorflow)#[0-9]+)")
TEMPLATES = Path(__file__).with_name("templates")
LONGEST = 240  # characters of a piece of evidence


def write(runs: Sequence[Run], folder: Path) -> List[Path]:
    """Write `index.html` and `FAQ.md` of these runs, a column each, into the folder, and return their paths.

    Pages that are there are replaced, each by a whole one.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pages = {folder / "index.html": html(runs), folder / "FAQ.md": markdown(runs)}
    for path, text in pages.items():
        unfinished = path.with_name(path.name + ".part")
        unfinished.write_bytes(text.encode("utf-8", "replace"))
        os.replace(str(unfinished), str(path))
    return list(pages)


def html(runs: Sequence[Run]) -> str:
    """The FAQ as one page."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    page = _environment(autoescape=True, prose=_html_prose, linked=_html_linked, paragraphs=_paragraphs, pictured=_pictured)
    return page.get_template("index.html").render(faq=assemble(runs), style=Markup(style), style_hash=digest)


def markdown(runs: Sequence[Run]) -> str:
    """The FAQ in Markdown, as GitHub reads it."""
    page = _environment(autoescape=False, prose=_markdown_prose, linked=_markdown_linked, code=_markdown_code)
    text = page.get_template("FAQ.md").render(faq=assemble(runs))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _environment(autoescape: bool, **filters: Any) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(TEMPLATES)),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(signs=SIGNS, letters=LETTERS)
    environment.filters.update(filters, value=_value, drawing=drawing, shortened=shortened)
    return environment


class Pictured(NamedTuple):
    """The figures of a claim, by name, as one column measured them."""

    column: Optional[Column]
    pictures: List[Tuple[str, Drawing]]


def _pictured(entry: Entry) -> Pictured:
    """The figures of the first of the columns shown that has any."""
    for cell in entry.shown:
        drawn = [(name, drawing(measured)) for name, measured in cell.outcome.evidence.items()]
        pictures = [(name, picture) for name, picture in drawn if picture]
        if pictures:
            return Pictured(cell.column, pictures)
    return Pictured(None, [])


def _value(measured: Any) -> str:
    """A piece of evidence in one line."""
    text = measured if isinstance(measured, str) else json.dumps(measured, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _thread(bug: str) -> str:
    """The address of a public issue, `keras#22787`."""
    tracker, _, number = bug.partition("#")
    return TRACKERS[tracker] + number


def _pieces(text: str) -> List[str]:
    """The text in turn outside and inside backquotes."""
    return re.split(r"``?([^`]+)``?", text)


def _html_prose(text: str) -> Markup:
    parts = [Markup("<code>{}</code>").format(p) if n % 2 else escape(p) for n, p in enumerate(_pieces(text))]
    return Markup("").join(parts)


def _html_linked(text: str) -> Markup:
    """Prose in which the public issues are links. It must not stand in a link itself."""
    parts = [
        Markup('<a href="{}">{}</a>').format(_thread(p), p) if n % 2 else _html_prose(p)
        for n, p in enumerate(THREAD.split(text))
    ]
    return Markup("").join(parts)


def _paragraphs(text: str) -> List[Any]:
    """The paragraphs of a docstring, each with whether it is code, which is indented."""
    found = [paragraph for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]
    return [(all(line.startswith("    ") for line in paragraph.splitlines()), paragraph) for paragraph in found]


def _markdown_prose(text: str) -> str:
    parts = [_markdown_code(p) if n % 2 else _markdown_plain(p) for n, p in enumerate(_pieces(re.sub(r"\s+", " ", text)))]
    return "".join(parts)


def _markdown_linked(text: str) -> str:
    parts = [f"[{p}]({_thread(p)})" if n % 2 else _markdown_prose(p) for n, p in enumerate(THREAD.split(text))]
    return "".join(parts)


def _markdown_plain(text: str) -> str:
    text = re.sub(r"([\\`*_\[\]|~])", r"\\\1", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _markdown_code(text: str) -> str:
    """A code span whose fence no backquotes in the text can close."""
    text = " ".join(text.split())
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}"
