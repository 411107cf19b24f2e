"""No process survives a run, however it ends, and none listens where others could reach it."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from fixtures.devices import missing
from tests.miniatures import Project

PATIENCE = 60  # seconds for a run to get where it is wanted, and for its processes to end after it
CLAIMS = '''"""Do the others end?"""
import os, time
from fixtures.claims import claim
from fixtures.interpreter import Interpreter
from fixtures.machines import run_machines
FRESH = Interpreter()
def listen(index, addresses):
    import socket
    host, _, port = addresses[index].partition(":")
    with socket.create_server((host, int(port))):
        open(os.environ["LISTENING"], "a").write(f"{os.getpid()} {os.getppid()} {addresses[index]}\\n")
        time.sleep(float(os.environ["SECONDS"]))
def work(keras):
    return len(run_machines(listen, 2))
@claim()
def test_it_ends():
    """It ends."""
    assert FRESH.run(work) == int(os.environ["EXPECTED"])
'''

pytestmark = pytest.mark.skipif(bool(missing("own_network", None)), reason="processes have no network of their own here")


@pytest.fixture
def project(tmp_path):
    """A project whose one claim has two workers in a fork of a fresh interpreter, which listen for a while."""
    return Project(tmp_path, test_others=CLAIMS)


@pytest.fixture
def listening(project):
    """The file in which each worker writes its number, its parent's and its address."""
    return project.folder / "listening"


def processes(listening):
    """The numbers of the run's workers and their parents, and the addresses that they listen on."""
    lines = [line.split() for line in listening.read_text().splitlines()]
    return {int(number) for worker, parent, _ in lines for number in (worker, parent)}, [address for *_, address in lines]


def alive(number):
    """Whether there is such a process. One that has ended, but was not yet waited for, is none."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition):
    """Wait until it is true, or for too long."""
    deadline = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return condition()


def start(project, listening, seconds, expected=2):
    """A run that has begun, its process in a group of its own."""
    variables = {"LISTENING": str(listening), "SECONDS": str(seconds), "EXPECTED": str(expected)}
    variables["OPENBLAS_NUM_THREADS"] = "1"  # a fork that imports NumPy, which a real Keras has done, keeps its one thread
    return subprocess.Popen(
        project.command("-q"),
        cwd=project.folder,
        env=project.environment(**variables),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # a shell's job may ignore it
        start_new_session=True,
    )


@pytest.mark.parametrize(("expected", "status"), [(2, 0), (3, 1)], ids=["it passes", "it fails"])
def test_that_came_to_its_end(project, listening, expected, status):
    """Neither where its claims hold nor where one fails."""
    assert start(project, listening, 0.1, expected).wait(PATIENCE) == status
    numbers, _ = processes(listening)
    assert len(numbers) == 3
    assert not any(map(alive, numbers))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_that_was_stopped(project, listening, number):
    """Neither after Ctrl-C nor where it is terminated or killed: then the workers see that they are alone."""
    run = start(project, listening, 600)
    try:
        assert wait_for(lambda: listening.exists() and len(processes(listening)[1]) == 2)
        numbers, _ = processes(listening)
        assert all(map(alive, numbers))
        run.send_signal(number)
        run.wait(PATIENCE)
        assert wait_for(lambda: not any(map(alive, numbers)))
    finally:
        run.kill()
        run.wait()


def listeners(number):
    """The sockets on which a process's network is listened to, as Linux lists them: the address in hexadecimal digits."""
    rows = [line.split() for kind in ("tcp", "tcp6") for line in Path(f"/proc/{number}/net/{kind}").read_text().splitlines()]
    return {row[1].partition(":")[0] for row in rows if row[3] == "0A"}


def test_listens_on_the_loopback_alone(project, listening):
    """Its workers' network has no other way in or out than the loopback, and their ports are given by the system."""
    run = start(project, listening, 5)
    try:
        assert wait_for(lambda: listening.exists() and len(processes(listening)[1]) == 2)
        numbers, addresses = processes(listening)
        worker = max(numbers)
        interfaces = {line.partition(":")[0].strip() for line in Path(f"/proc/{worker}/net/dev").read_text().splitlines()[2:]}
        assert interfaces == {"lo"}
        assert listeners(worker) == {"0100007F"}
        assert len(set(addresses)) == 2
        assert all(address.startswith("127.0.0.1:") for address in addresses)
    finally:
        run.kill()
        run.wait()
