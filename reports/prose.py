"""Prose: the sentences of claims and the values of evidence, as HTML and as Markdown show them."""

import json
import re
from typing import Any, List

from markupsafe import Markup, escape

TRACKERS = {
    "keras": "https://github.com/keras-team/keras/issues/",
    "tf-keras": "https://github.com/keras-team/tf-keras/issues/",
    "tensorflow": "https://github.com/tensorflow/tensorflow/issues/",
}
THREAD = re.compile(r"\b((?:keras|tf-keras|tensorflow)#[0-9]+)")
LONGEST = 240  # characters of a piece of evidence


def value(measured: Any) -> str:
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


def html_prose(text: str) -> Markup:
    """Prose in which what stands in backquotes is code."""
    parts = [Markup("<code>{}</code>").format(p) if n % 2 else escape(p) for n, p in enumerate(_pieces(text))]
    return Markup("").join(parts)


def html_linked(text: str) -> Markup:
    """Prose in which the public issues are links. It must not stand in a link itself."""
    parts = [
        Markup('<a href="{}">{}</a>').format(_thread(p), p) if n % 2 else html_prose(p)
        for n, p in enumerate(THREAD.split(text))
    ]
    return Markup("").join(parts)


def paragraphs(text: str) -> List[Any]:
    """The paragraphs of a docstring, each with whether it is code, which is indented."""
    found = [paragraph for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]
    return [(all(line.startswith("    ") for line in paragraph.splitlines()), paragraph) for paragraph in found]


def markdown_prose(text: str) -> str:
    """Prose in which what stands in backquotes is code."""
    parts = [markdown_code(p) if n % 2 else _markdown_plain(p) for n, p in enumerate(_pieces(re.sub(r"\s+", " ", text)))]
    return "".join(parts)


def markdown_linked(text: str) -> str:
    """Prose in which the public issues are links."""
    parts = [f"[{p}]({_thread(p)})" if n % 2 else markdown_prose(p) for n, p in enumerate(THREAD.split(text))]
    return "".join(parts)


def _markdown_plain(text: str) -> str:
    text = re.sub(r"([\\`*_\[\]|~])", r"\\\1", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def markdown_code(text: str) -> str:
    """A code span whose fence no backquotes in the text can close."""
    text = " ".join(text.split())
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}"
