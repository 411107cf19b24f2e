"""English and Chinese of what is no page of HTML: the terminal, Markdown, JSON.

English stands where it is used, with places for what varies in braces; `templates/faces.zh.json` has the Chinese of it,
`templates/interface.json` that of words which the page of HTML uses too, `specs/zh.toml` that of the questions and claims.
"""

import json
import os
from pathlib import Path
from typing import Any, Dict, Mapping, Sequence

SHARED = Path(__file__).with_name("templates") / "interface.json"
FACES = Path(__file__).with_name("templates") / "faces.zh.json"
SPECS = Path(__file__).parent.parent / "specs" / "zh.toml"
CHINESE = "zh"


class Language:
    """English. What the specs say is as it stands there."""

    code = "en"

    def __call__(self, english: str, **values: Any) -> str:
        """A text of the suite's own, with these values in its places."""
        return english.format(**values)

    def known(self, english: str) -> str:
        """A word that may be the suite's own, or that of another suite's results file: a group, a topic."""
        return english

    def listed(self, names: Sequence[str]) -> str:
        """Names, one after another."""
        return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)

    def question(self, identity: str, title: str) -> str:
        """The title of the question that this is, or that a claim of this id belongs to."""
        return title

    def sentence(self, identity: str, sentence: str) -> str:
        """The sentence of a claim."""
        return sentence


class Chinese(Language):
    """Chinese, but for questions and claims that have none, as those of another suite."""

    code = CHINESE

    def __init__(self) -> None:
        """Read what there is."""
        self._texts: Dict[str, str] = {**_read(SHARED), **_read(FACES)}
        self._specs = specs()

    def __call__(self, english: str, **values: Any) -> str:
        """The Chinese of it.

        Raises:
            KeyError: there is none.
        """
        return self._texts[english].format(**values)

    def known(self, english: str) -> str:
        """The Chinese of it, if there is any."""
        return self._texts.get(english, english)

    def listed(self, names: Sequence[str]) -> str:
        """Names, one after another."""
        return "、".join(names)

    def question(self, identity: str, title: str) -> str:
        """The title of the question that this is, or that a claim of this id belongs to."""
        return self._specs.get(identity.partition("/")[0], {}).get("question", title)

    def sentence(self, identity: str, sentence: str) -> str:
        """The sentence of a claim."""
        question, _, name = identity.partition("/")
        return self._specs.get(question, {}).get(name, sentence)


def _read(file: Path) -> Dict[str, str]:
    return json.loads(file.read_text(encoding="utf-8"))


def specs() -> Dict[str, Any]:
    """The Chinese of each question and its claims; nothing without such a file, or where this Python cannot read it."""
    try:
        import tomllib as toml
    except ImportError:
        try:
            import tomli as toml
        except ImportError:
            return {}
    return toml.loads(SPECS.read_text(encoding="utf-8")) if SPECS.is_file() else {}


def spoken(encoding: str = "utf-8", environment: Mapping[str, str] = os.environ) -> Language:
    """The language of whoever reads this terminal, as `LC_ALL`, `LC_MESSAGES` or else `LANG` has it, if it can be shown."""
    name = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return Chinese() if name.startswith(CHINESE) and can_show("成", encoding) else Language()


def can_show(text: str, encoding: str) -> bool:
    """Whether the text has a form in this encoding."""
    try:
        text.encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True
