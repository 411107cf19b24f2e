"""Both languages: the Chinese of questions and claims, from `specs/zh.toml`, and of the page's own texts.

The English stands where it is used: in the specs, and in the templates.
"""

import json
from pathlib import Path
from typing import Any, Dict

from reports.language import specs

INTERFACE = Path(__file__).with_name("templates") / "interface.json"


class Wording:
    """What stands beside the English. `interface` has the page's own texts by their English."""

    def __init__(self) -> None:
        """Read both files."""
        self._spoken: Dict[str, Any] = specs()
        self.interface: Dict[str, str] = json.loads(INTERFACE.read_text(encoding="utf-8"))

    def question(self, identity: str) -> str:
        """The title of a question; empty where it has none, as that of another suite."""
        return self._spoken.get(identity, {}).get("question", "")

    def claim(self, identity: str) -> str:
        """The sentence of a claim; empty where it has none."""
        question, _, name = identity.partition("/")
        return self._spoken.get(question, {}).get(name, "")

    def text(self, english: str) -> str:
        """One of the page's own texts.

        Raises:
            KeyError: `interface.json` has no Chinese for it.
        """
        return self.interface[english]
