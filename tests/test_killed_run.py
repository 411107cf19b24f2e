"""A run that is killed leaves a results file that reads as incomplete, with all that was measured until then."""

import signal
import subprocess
import sys
import time
from random import Random

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

MANY = '''"""How many are there?"""
import time
from fixtures.claims import claim
def one_more():
    time.sleep(0.01)
''' + "".join(f'@claim()\ndef test_number_{n}():\n    """It is {n}."""\n    one_more()\n' for n in range(20))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


def lines(path):
    """How many lines the file has, if there is one."""
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.fixture
def project(tmp_path):
    """A project whose third claim never ends."""
    return Project(tmp_path, test_time=WAITS)


def started(project, *options):
    """A run of the project that has begun."""
    return subprocess.Popen(
        project.command(*options),
        cwd=project.folder,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a shell's job may ignore it
        start_new_session=True,
    )


def killed(run, path, number, wanted=3, pause=0.0):
    """End a run with a signal, when its file has so many lines and a pause is over: its status, and the lines until then."""
    try:
        deadline = time.monotonic() + PATIENCE
        while lines(path) < wanted and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(pause)
        written = lines(path)
        run.send_signal(number)
        return run.wait(PATIENCE), written
    finally:
        run.kill()
        run.wait()


@pytest.fixture
def kill(project):
    """Ends a run with a signal, when two of its claims are measured."""
    return lambda number, *options: killed(started(project, *options), project.folder / RESULTS, number)[0]


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


def test_nothing_is_lost_at_any_moment(tmp_path):
    """At twenty moments, while it starts, checks and writes: each line that was there can be read, and none is cut short."""
    project, random = Project(tmp_path, test_many=MANY), Random(0)
    for moment in range(20):
        path = project.folder / f"{moment}.jsonl"
        run = started(project, "--results", path)
        number = random.choice([signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
        _, written = killed(run, path, number, wanted=random.randrange(22), pause=random.uniform(0, 0.02))
        if written:
            assert min(written - 1, 20) <= len(read(path).outcomes) <= 20  # after the header, and before a footer


def test_two_runs_at_once_are_both_whole(tmp_path):
    """In one checkout, with the latest results of both in one place: neither fails, and what is there at the end is whole."""
    project = Project(tmp_path, test_many=MANY)
    runs = [started(project) for _ in range(2)]
    assert [run.wait(PATIENCE) for run in runs] == [0, 0]
    latest = read(project.folder / RESULTS)
    assert (latest.complete, len(latest.outcomes)) == (True, 20)


def test_so_it_is_beside_workers(project, kill):
    """Also where workers check the claims."""
    assert kill(signal.SIGINT, "-n", "1") != 0
    assert [outcome.verdict for outcome in read(project.folder / RESULTS).outcomes] == ["holds", "holds"]
