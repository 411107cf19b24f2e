"""Text in Markdown, as GitHub reads it: whatever it says stays text."""

import re
from typing import Any, Callable, List, Optional

TRACKERS = {
    "keras": "https://github.com/keras-team/keras/issues/",
    "tf-keras": "https://github.com/keras-team/tf-keras/issues/",
    "tensorflow": "https://github.com/tensorflow/tensorflow/issues/",
}
THREAD = re.compile(r"\b((?:keras|tf-keras|tensorflow)#[0-9]+)")


def prose(text: str, span: Optional[Callable[[str], str]] = None) -> str:
    """Prose in one line, in which what stands in backquotes is code."""
    pieces = re.split(r"``?([^`]+)``?", text)
    return "".join((span or code)(piece) if n % 2 else plain(piece) for n, piece in enumerate(pieces))


def cell(text: str) -> str:
    """Prose in a table."""
    return prose(text, code_cell)


def linked(text: str) -> str:
    """Prose in which the public issues are links."""
    pieces = THREAD.split(text)
    return "".join(f"[{piece}]({thread(piece)})" if n % 2 else prose(piece) for n, piece in enumerate(pieces))


def plain(text: str) -> str:
    """Text in which nothing is markup, a formula or a link."""
    text = re.sub(r"([\\`*_\[\]|~#$])", r"\\\1", re.sub(r"\s+", " ", text))
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"\bwww\.", "www&#46;", text.replace("://", "&#58;//"), flags=re.IGNORECASE)


def code(text: str) -> str:
    """A code span whose fence no backquotes in the text can close."""
    text = " ".join(text.split())
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}" if text else ""


def table(heading: List[Any], rows: List[List[Any]]) -> str:
    """A table of cells that are Markdown already. What is no text is a number, which stands at the right."""
    last = rows[-1] if rows else heading
    lines = [heading, ["---" if isinstance(cell, str) else "---:" for cell in last], *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def code_cell(text: str) -> str:
    """A code span in a table, where a bar ends the cell even in code."""
    return code(text).replace("|", "\\|")


def thread(bug: str) -> str:
    """The address of a public issue, `keras#22787`."""
    tracker, _, number = bug.partition("#")
    return TRACKERS[tracker] + number
