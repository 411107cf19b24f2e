"""A run that is killed leaves a results file that reads as incomplete, with all that was measured until then."""

import signal
import subprocess
import sys
import time

import pytest

from reports.results import read
from tests.miniatures import RESULTS, Project

PATIENCE = 60  # seconds for a run to get to the claim that waits
WAITS = '''"""How long does it take?"""
import time
from fixtures.claims import claim
@claim()
def test_begins():
    """It begins."""
@claim()
def test_goes_on():
    """It goes on."""
@claim()
def test_never_ends():
    """It never ends."""
    time.sleep(600)
'''

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


def lines(path):
    """How many lines the file has, if there is one."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.fixture
def project(tmp_path):
    """A project whose third claim never ends."""
    return Project(tmp_path, test_time=WAITS)


@pytest.fixture
def kill(project):
    """Ends a run with a signal, when two of its claims are measured."""
    path = project.folder / RESULTS

    def kill(number, *options):
        run = subprocess.Popen(
            project.command(*options),
            cwd=project.folder,
            env=project.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a shell's job may ignore it
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + PATIENCE
            while lines(path) < 3 and time.monotonic() < deadline:
                time.sleep(0.02)
            run.send_signal(number)
            return run.wait(PATIENCE)
        finally:
            run.kill()
            run.wait()

    return kill


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_builds_into_a_report_that_is_marked(project, kill, number):
    """Killed, terminated or interrupted with Ctrl-C: the report is built of what there is, marked, and says so."""
    assert kill(number) != 0
    run = read(project.folder / RESULTS)
    assert not run.complete
    assert [outcome.verdict for outcome in run.outcomes] == ["holds", "holds"]
    ended = project.report("build")
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert "is incomplete, its run was cut short after 2 of 3 claims: run pytest specs again" in ended.stderr
    for name, says in {"index.html": ": 2 / 3 ", "FAQ.md": "2 of 3 claims were checked"}.items():
        assert says in (project.folder / RESULTS).with_name(name).read_text(encoding="utf-8")


def test_so_it_is_beside_workers(project, kill):
    """Also where workers check the claims."""
    assert kill(signal.SIGINT, "-n", "1") != 0
    assert [outcome.verdict for outcome in read(project.folder / RESULTS).outcomes] == ["holds", "holds"]
