"""English and Chinese of what is no page of HTML: the terminal, Markdown, JSON.

English stands where it is used, with places for what varies in braces; `templates/faces.zh.json` has the Chinese of it, and
`specs/zh.toml` that of the questions and claims.
"""

import json
import os
from pathlib import Path
from typing import Any, Dict, Mapping

FACES = Path(__file__).with_name("templates") / "faces.zh.json"
SPECS = Path(__file__).parent.parent / "specs" / "zh.toml"
CHINESE = "zh"


class Language:
    """English. What the specs say is as it stands there."""

    code = "en"

    def __call__(self, english: str, **values: Any) -> str:
        """A text of the suite's own, with these values in its places."""
        return english.format(**values)

    def question(self, identity: str, title: str) -> str:
        """The title of a question."""
        return title

    def sentence(self, identity: str, sentence: str) -> str:
        """The sentence of a claim."""
        return sentence


class Chinese(Language):
    """Chinese, but for questions and claims that have none, as those of another suite."""

    code = CHINESE

    def __init__(self) -> None:
        """Read what there is."""
        self._texts: Dict[str, str] = json.loads(FACES.read_text(encoding="utf-8"))
        self._specs = _specs()

    def __call__(self, english: str, **values: Any) -> str:
        """The Chinese of it.

        Raises:
            KeyError: there is none.
        """
        return self._texts[english].format(**values)

    def question(self, identity: str, title: str) -> str:
        """The title of the question that a claim belongs to."""
        return self._specs.get(identity.partition("/")[0], {}).get("question", title)

    def sentence(self, identity: str, sentence: str) -> str:
        """The sentence of a claim."""
        question, _, name = identity.partition("/")
        return self._specs.get(question, {}).get(name, sentence)


def _specs() -> Dict[str, Any]:
    """What the specs' file says; nothing where there is none, or where this Python cannot read it."""
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
