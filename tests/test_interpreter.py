"""A fresh interpreter gives each job its result or says what became of it, and leaves nothing behind."""

import os
import random
import signal
import sys
import time

import numpy as np
import pytest

from fixtures import interpreter
from fixtures.collection import use_subject
from fixtures.interpreter import Interpreter, JobError, interpreters_of, run_in_each


@pytest.fixture(scope="module")
def both(pytestconfig):
    """Two interpreters with different hash seeds, started at the same time; the second has no `wave`."""
    use_subject(pytestconfig)
    pair = Interpreter(hash_seed="1"), Interpreter(hash_seed="2", without=["wave"])
    for one in pair:
        one.start()
    yield pair
    for one in pair:
        one.stop()


@pytest.fixture
def fresh(both):
    """The first of them."""
    return both[0]


@pytest.fixture
def bare():
    """An interpreter that leaves it to its jobs to import the subject."""
    one = Interpreter(bare=True)
    yield one
    one.stop()


class NoKeras(Interpreter):
    """An interpreter that starts at once: it asks for a Keras that is not there."""

    def start(self):
        """Begin to start."""
        chosen, interpreter.choice = interpreter.choice, "no_such_keras"
        super().start()
        interpreter.choice = chosen


def add(keras, *numbers):
    """A job that gives a result."""
    return sum(numbers), keras.__name__


def noisy(keras):
    """A job that prints."""
    print("to stdout", flush=True)
    os.write(1, b"to the file descriptor")
    return "quiet"


def divide(keras, number):
    """A job that may raise."""
    return 1 / number


def unpicklable(keras):
    """A job whose result cannot travel."""
    return lambda: None


def end(keras, status):
    """A job whose process ends itself."""
    os._exit(status)


def kill(keras):
    """A job whose process is killed."""
    os.kill(os.getpid(), signal.SIGKILL)


def leave(keras):
    """A job that wants to exit."""
    sys.exit("enough")


def sleep(keras, seconds):
    """A job that takes its time."""
    time.sleep(seconds)


def count(keras):
    """A job that leaves a trace in its process, and where it found one."""
    traces = getattr(sys, "traces", 0)
    sys.traces = traces + 1
    return traces


def draw(keras, nth):
    """A job that draws from the generators that every process has."""
    torch = sys.modules.get("torch")
    return [random.random(), np.random.random()] + ([float(torch.rand(1))] if torch else [])


def look(keras):
    """A job that tells the hash of a string and whether `wave` can be imported."""
    try:
        import wave  # noqa: F401
    except ImportError:
        return hash("keras"), False
    return hash("keras"), True


def process(keras, nth):
    """A job that tells its process, and its parent's."""
    return os.getpid(), os.getppid()


def bring_in(import_keras, module, nth="first"):
    """A job that tells whether the module was there before it imported it, and its name."""
    there = module in sys.modules
    return there, import_keras().__name__


def fault(keras, patch):
    """A falsifier's fault."""
    patch.setattr(sys, "traces", 7, raising=False)


def process_of(keras):
    """A job that tells its own process."""
    return os.getpid()


def test_does_all_prepared_jobs_though_one_fails(fresh):
    """The second prepared job was done ahead: to ask for it adds no result."""
    fresh.prepare(divide, 0)
    fresh.prepare(process_of)
    fresh._do_prepared()
    ahead = len(fresh._results)
    fresh.run(process_of)
    assert len(fresh._results) == ahead


def test_gives_the_result_of_a_job(fresh):
    """The result of a job, of its arguments and the subject, is what the job returns."""
    assert fresh.run(add, 1, 2)[0] == 3
    assert fresh.run(add, 1, 2)[1].endswith("keras")


def test_keeps_answers_apart_from_what_is_printed(fresh):
    """What a job prints does not get into its answer."""
    assert fresh.run(noisy) == "quiet"


def test_runs_a_job_once(fresh):
    """The same job with the same arguments is run once and remembered; with others it is run again."""
    assert fresh.run(draw, 1) == fresh.run(draw, 1)
    assert fresh.run(draw, 2) != fresh.run(draw, 1)


def test_jobs_share_no_random_numbers(fresh):
    """No generator gives two jobs the same numbers."""
    assert not set(fresh.run(draw, 3)) & set(fresh.run(draw, 4))


def test_jobs_leave_no_trace(fresh):
    """A job does not see what another has left in its process."""
    fresh.run(add, 3)
    assert fresh.run(count) == 0


def test_a_job_that_raises(fresh):
    """What a job raises arrives as a JobError that says what and, as its cause, where; the next job runs."""
    with pytest.raises(JobError, match=r"^ZeroDivisionError: division by zero$") as raised:
        fresh.run(divide, 0)
    assert "in divide" in str(raised.value.__cause__)
    assert fresh.run(divide, 1) == 1


@pytest.mark.parametrize(
    ("job", "args", "message"),
    [
        (unpicklable, (), "pickle|local object"),
        (leave, (), "SystemExit: enough"),
        (end, (0,), "died with exit status 0"),
        (end, (3,), "died with exit status 3"),
        (kill, (), "died with signal 9"),
    ],
)
def test_a_job_that_ends_otherwise(fresh, job, args, message):
    """A job without an answer is a JobError that says what became of it; the next job runs."""
    with pytest.raises(JobError, match=message):
        fresh.run(job, *args)
    assert fresh.run(add, 5)[0] == 5


def test_hash_seeds_and_blocked_modules(both):
    """Each interpreter has its own hash seed, and cannot import what it is started without."""
    (first, there), (second, not_there) = run_in_each(both, look)
    assert first != second
    assert there
    assert not not_there


def test_a_bare_one_leaves_the_import_to_its_jobs(bare, pytestconfig):
    """In a bare interpreter Keras is not imported: each job is given the function that does it, and does it anew."""
    module = use_subject(pytestconfig).keras.__name__
    assert [bare.run(bring_in, module), bare.run(bring_in, module, "again")] == [(False, module)] * 2


def test_a_fault_is_applied_in_the_fork(fresh, monkeypatch):
    """A falsifier's fault is applied before the job, and not remembered for the job without it."""
    monkeypatch.setattr(interpreter, "fault", (fault.__module__, fault.__name__))
    assert fresh.run(count) == 7
    monkeypatch.setattr(interpreter, "fault", None)
    assert fresh.run(count) == 0


def test_a_subject_that_does_not_import():
    """That the subject cannot be imported is what every job says."""
    missing = NoKeras()
    try:
        with pytest.raises(JobError, match="no_such_keras"):
            missing.run(add, 1)
    finally:
        missing.stop()


def test_finds_the_interpreters_of_a_module(both):
    """The interpreters that a module declares are found among its names."""
    module = type(sys)("module")
    module.first, module.second, module.other = [*both, 1]
    assert interpreters_of(module) == list(both)


def alive(number):
    """Whether there is such a process. One that has ended, but was not yet waited for, is none."""
    try:
        with open(f"/proc/{number}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(not interpreter.FORKS, reason="only where jobs run in forks")
def test_takes_too_long_and_starts_again(both, monkeypatch):
    """A job past the limit is a TimeoutError; its interpreter is ended with it, and the next job starts another."""
    second = both[1]
    server = second.run(process, 1)[1]
    monkeypatch.setattr(interpreter, "TIME_LIMIT", 0.2)
    with pytest.raises(TimeoutError, match=r"no answer within 0\.2 seconds"):
        second.run(sleep, 60)
    assert not alive(server)
    monkeypatch.undo()
    monkeypatch.setattr(interpreter, "FORKS", False)  # the next start is one for a single job, as where forks are unsafe
    job, parent = second.run(process, 2)
    assert parent == os.getpid()
    assert not alive(job)
    second.stop()
    second.stop()
