"""How well the claims notice: faults that were put into the source of a Keras, as `nox -s mutants` measured it."""

import json
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Tuple

MEASURED = Path(__file__).parent.parent / "tests" / "mutants" / "measured.json"


class Noticed(NamedTuple):
    """How many faults the claims noticed, how many they did not, and how many they did not that break no promise."""

    noticed: int = 0
    survived: int = 0
    harmless: int = 0


def noticed(file: Path = MEASURED) -> Tuple[Dict[int, Noticed], Noticed]:
    """Of the newest Keras, by the question's number, and of tf_keras: nothing where the suite's tests are not there."""
    measured = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []
    of_question: Dict[int, List[Dict[str, Any]]] = defaultdict(list)
    others: List[Dict[str, Any]] = []
    for one in measured:
        (others if one["id"].startswith("tf_keras/") else of_question[one["question"]]).append(one)
    return {number: _counted(of_question[number]) for number in sorted(of_question)}, _counted(others)


def _counted(measured: List[Dict[str, Any]]) -> Noticed:
    kinds = Counter("noticed" if one["noticed"] else "harmless" if one["judged"] else "survived" for one in measured)
    return Noticed(**kinds)
