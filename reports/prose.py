"""Prose: the sentences of claims and the values of evidence, as HTML shows them."""

import json
import re
from typing import Any, List

from markupsafe import Markup, escape

from reports.marked import THREAD, thread

LONGEST = 240  # characters of a piece of evidence


def value(measured: Any) -> str:
    """A piece of evidence in one line."""
    text = measured if isinstance(measured, str) else json.dumps(measured, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


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
        Markup('<a href="{}">{}</a>').format(thread(p), p) if n % 2 else html_prose(p) for n, p in enumerate(THREAD.split(text))
    ]
    return Markup("").join(parts)


def paragraphs(text: str) -> List[Any]:
    """The paragraphs of a docstring, each with whether it is code, which is indented."""
    found = [paragraph for paragraph in re.split(r"\n\s*\n", text) if paragraph.strip()]
    return [(all(line.startswith("    ") for line in paragraph.splitlines()), paragraph) for paragraph in found]
