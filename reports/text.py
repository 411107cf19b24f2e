"""Text on a terminal: how wide it is, where it may be broken, and what of it can be printed."""

import re
import unicodedata
from typing import Any, List

# A word with the spaces after it. Each Chinese character is one, with the marks after it that begin no line.
CLOSING = "\uff0c\u3002\uff1f\uff01\uff1a\uff1b\u3001\uff09\u201d\u300b"
PIECE = re.compile(rf"(?:[!-~\u00a1-\u1fff]+|.)[{CLOSING}]* *")


def printable(text: Any) -> str:
    """The text in one line, without what would act on a terminal or end the line."""
    return "".join(character for character in " ".join(str(text).split()) if character.isprintable())


def width(text: str) -> int:
    """How many cells of a terminal the text takes: two for a Chinese character, none for an accent."""
    return sum(_cells(character) for character in text)


def _cells(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shortened(text: str, letters: int) -> str:
    """The text, cut to so many letters, the last of which then tells that it was."""
    return text if len(text) <= letters else text[: letters - 1] + "…"


def padded(text: str, cells: int) -> str:
    """The text and spaces up to this width."""
    return text + " " * (cells - width(text))


def wrapped(text: str, cells: int) -> List[str]:
    """The text in lines of at most this width, broken between words or Chinese characters; a longer word is broken, too."""
    lines = [""]
    for piece in PIECE.findall(text):
        for part in [piece] if width(piece.rstrip()) <= cells else piece:
            if width(lines[-1] + part.rstrip()) > cells:
                lines.append("")
            lines[-1] += part
    return [line.rstrip() for line in lines]
