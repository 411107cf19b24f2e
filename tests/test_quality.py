"""Style, formatting and types."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = [["ruff", "check"], ["ruff", "format", "--check"], ["mypy"]]


@pytest.mark.parametrize("command", TOOLS, ids=" ".join)
def test_is_clean(command):
    """ruff and mypy have nothing to say."""
    if shutil.which(command[0], path=str(Path(sys.executable).parent)) is None:
        pytest.fail(f'{command[0]} is not installed: pip install -e ".[dev]"')
    found = subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
