"""The pages: the verified FAQ as `index.html`, one file that needs neither a network nor a script, and its other faces."""

import os
from pathlib import Path
from typing import List, Sequence

from reports.faces import faces
from reports.faq import assemble
from reports.language import Language
from reports.markdown import markdown as _markdown
from reports.results import Run
from reports.web import html

__all__ = ["html", "markdown", "write"]


def write(runs: Sequence[Run], folder: Path) -> List[Path]:
    """Write `index.html` of these runs, a column each, and its other faces into the folder, and return their paths.

    Pages that are there are replaced, each by a whole one.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    texts = {"index.html": html(runs), **faces(assemble(runs))}
    for name, text in texts.items():
        unfinished = folder / f"{name}.part"
        unfinished.write_bytes(text.encode("utf-8", "replace"))
        os.replace(str(unfinished), str(folder / name))
    return [folder / name for name in texts]


def markdown(runs: Sequence[Run]) -> str:
    """The FAQ in Markdown, in English."""
    return _markdown(assemble(runs), Language())
