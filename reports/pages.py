"""The pages: the verified FAQ as `index.html`, one file that needs neither a network nor a script, and as `FAQ.md`."""

import os
import re
from pathlib import Path
from typing import List, Sequence

import jinja2

from reports.faq import assemble
from reports.figures import drawing
from reports.prose import markdown_code, markdown_linked, markdown_prose, value
from reports.results import Run
from reports.verdicts import SIGNS
from reports.web import TEMPLATES, html

__all__ = ["html", "markdown", "write"]


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


def markdown(runs: Sequence[Run]) -> str:
    """The FAQ in Markdown, as GitHub reads it."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(str(TEMPLATES)), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.update(signs=SIGNS)
    environment.filters.update(prose=markdown_prose, linked=markdown_linked, code=markdown_code, value=value, drawing=drawing)
    text = environment.get_template("FAQ.md").render(faq=assemble(runs))
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"
