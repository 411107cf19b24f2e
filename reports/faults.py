"""The faults that a claim is known to tell: what its falsifiers under `tests/falsifiers/` break, in their own words."""

import ast
from pathlib import Path
from typing import Dict, List

FALSIFIERS = Path(__file__).parent.parent / "tests" / "falsifiers"


def faults(folder: Path = FALSIFIERS) -> Dict[str, List[str]]:
    """The sentences of the falsifiers by claim id. They are read, not run: empty where the suite's tests are not there."""
    found: Dict[str, List[str]] = {}
    for file in sorted(folder.glob("*/test_*.py")):
        question = file.stem[len("test_") :].replace("_", "-")
        for function in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(function, ast.FunctionDef):
                sentence = (ast.get_docstring(function) or "").partition("\n")[0]
                for name in _falsified(function):
                    told = found.setdefault(f"{question}/{name}", [])
                    told += [sentence] if sentence and sentence not in told else []
    return found


def _falsified(function: ast.FunctionDef) -> List[str]:
    """The claims named in its decorators, as `spec.test_name`."""
    named = [
        node.attr for decorator in function.decorator_list for node in ast.walk(decorator) if isinstance(node, ast.Attribute)
    ]
    return [name[len("test_") :].replace("_", "-") for name in named if name.startswith("test_")]
