"""How long a run takes, and the memory it needs, as `nox -s bench` measured it on some columns."""

import json
from pathlib import Path
from typing import Any, Dict

MEASURED = Path(__file__).parent / "published" / "speed.json"


def speed(file: Path = MEASURED) -> Dict[str, Dict[str, Any]]:
    """By column: `unit` in seconds, `collect`, `serial` and `two` (processes) in seconds, `memory` in GB."""
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
