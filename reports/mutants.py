"""How well the claims notice: faults that were put into the source of the newest Keras, as `nox -s mutants` measured it."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Dict, NamedTuple

MEASURED = Path(__file__).parent.parent / "tests" / "mutants" / "measured.json"


class Noticed(NamedTuple):
    """How many faults the claims of a question noticed, how many they did not, and how many of these break no promise."""

    noticed: int = 0
    survived: int = 0
    harmless: int = 0


def noticed(file: Path = MEASURED) -> Dict[int, Noticed]:
    """By the question's number: empty where the suite's tests are not there."""
    found: Dict[int, Noticed] = defaultdict(Noticed)
    for one in json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []:
        kind = "noticed" if one["noticed"] else "harmless" if one["judged"] else "survived"
        before = found[one["question"]]
        found[one["question"]] = before._replace(**{kind: getattr(before, kind) + 1})
    return dict(sorted(found.items()))
