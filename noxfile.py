"""Columns of the matrix, the suite's own tests, lint, mutants and speed. Interpreters and environments are uv's.

A column's name is a parameter of its sessions: `nox -s "specs(keras-2.2.4-theano)"`; `nox -s specs` runs every column,
`nox -t pull-request` those that tell most, `-j 2` two at once.
"""

import json
import resource
import time
from pathlib import Path
from typing import Any, Callable, Iterable

import nox
import tomllib

nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["lint", "tests"]

COLUMNS = tomllib.loads(Path("matrix.toml").read_text())
SPEED = Path("reports/published/speed.json")  # what the page says of it


def per_column(names: Iterable[str] = COLUMNS, tagged: bool = False) -> Callable[..., Any]:
    """A session of each column; with the column's tags, for the one session that they choose from."""
    columns = {name: COLUMNS[name] for name in names}
    return nox.parametrize(
        "python, column",
        [nox.param(c["python"], name, id=name, tags=c.get("tags", []) if tagged else []) for name, c in columns.items()],
    )


# The unit of speed: one import of Keras and one tiny fit. The names cover every subject.
TINY_FIT = """
try:
    import keras; keras.layers.Dense
    keras = keras if not "2.4" <= keras.__version__ < "3" else __import__("tensorflow").keras
except ImportError:
    from tensorflow import keras
import numpy as np
model = keras.models.Sequential([keras.layers.Dense(1, input_shape=(1,))])
model.compile("sgd", "mse")
model.fit(np.zeros((4, 1)), np.zeros((4, 1)), verbose=0)
"""


def install(session: nox.Session, column: str) -> dict[str, str]:
    """Install a column and the suite beside it; return its environment variables."""
    # Compiled at once, as pip does: the first start would else pay for it, and every start where nothing may be written.
    try:
        session.install("--compile-bytecode", "-e", ".[report]", *COLUMNS[column]["requires"])
    except nox.command.CommandFailed:
        session.error(f"{column} cannot be installed: uv says why above")
    return COLUMNS[column].get("environment", {})


@nox.session(allow_parallel=True)
@per_column(tagged=True)
def specs(session: nox.Session, column: str) -> None:
    """Check the claims against one column, or all, and publish the results; with pytest's arguments after --, only check."""
    environment = install(session, column)
    if session.posargs:
        session.run("pytest", "specs", *session.posargs, env=environment)
        return
    results = Path(session.create_tmp()) / f"{column}.jsonl"
    session.run("pytest", "specs", "--results", str(results), env=environment, success_codes=[0, 1])
    session.run("python", "-m", "reports", "publish", str(results))


@nox.session
@per_column()
def falsifiers(session: nox.Session, column: str) -> None:
    """Prove on one column, or all, that every claim can drift; arguments after -- are pytest's."""
    environment = install(session, column)
    session.run("pytest", "tests/falsifiers", *session.posargs, env=environment)


@nox.session(python="3.11")
def tests(session: nox.Session) -> None:
    """The suite's own tests, on the newest Keras and TensorFlow."""
    session.install("--compile-bytecode", "-e", ".[dev]")
    session.run("pytest", "tests", *session.posargs)


@nox.session(python="3.11")
def lint(session: nox.Session) -> None:
    """Style, formatting and types."""
    session.install("-e", ".[dev]")
    session.run("pytest", "tests/test_quality.py", "-q")


@nox.session
@per_column()
def soak(session: nox.Session, column: str) -> None:
    """Check a column ten times, or as often as the number after -- says, in random order with fresh seeds: none may drift."""
    environment = install(session, column)
    session.install("pytest-random-order")
    for seed in map(str, range(int(session.posargs[0]) if session.posargs else 10)):
        order = ["--random-order-bucket=global", "--random-order-seed", seed]
        examples = ["--hypothesis-profile=dev", "--hypothesis-seed", seed]
        results = ["--results", str(Path(session.create_tmp()) / f"{seed}.jsonl")]
        session.run("pytest", "specs", "-q", *order, *examples, *results, env=environment)


@nox.session
@per_column()
def surroundings(session: nox.Session, column: str) -> None:
    """Check a column, or a selection after --, on machines that are set up otherwise: none may drift."""
    environment = install(session, column)
    folder = Path(session.create_tmp()).absolute() / "with spaces, 和汉字"
    hostile = folder / "home" / ".keras" / "keras.json"
    hostile.parent.mkdir(parents=True, exist_ok=True)
    hostile.write_text('{"floatx": "float16", "epsilon": 1, "image_data_format": "channels_first"}')  # a backend is obeyed
    nobody = folder / "file" / "home"  # which not even root can make
    nobody.parent.touch()
    others: list[dict[str, str]] = [
        {"TF_ENABLE_ONEDNN_OPTS": "0"},
        {"TF_ENABLE_ONEDNN_OPTS": "1"},
        {"LC_ALL": "C", "TZ": "Asia/Shanghai"},
        {"LC_ALL": "zh_CN.UTF-8", "TZ": "America/St_Johns"},
        {"TMPDIR": str(folder)},
        {"HOME": str(hostile.parent.parent)},
        {"HOME": str(nobody)},
    ]
    results = ["--results", str(Path(session.create_tmp()) / "surroundings.jsonl")]
    for variables in others:
        session.run(
            "pytest", "specs", "-q", "-p", "no:cacheprovider", *results, *session.posargs, env={**environment, **variables}
        )
    session.run("pytest", "specs", "-q", "-n", "2", *results, *session.posargs, env=environment)


@nox.session
@per_column(["keras-3.15.1-tensorflow", "tf_keras-2.21.0"])
def mutants(session: nox.Session, column: str) -> None:
    """Break a copy of a Keras at its source, by one small fault at a time: the claims must notice.

    What follows -- chooses faults by a part of their names; without it all are tried. What the page says is renewed.
    """
    environment = install(session, column)
    session.install("cosmic-ray")  # which draws the faults that nobody thought of
    session.run("python", "-m", "tests.mutants", "--keras", column.partition("-")[0], *session.posargs, env=environment)


@nox.session
@per_column()
def bench(session: nox.Session, column: str) -> None:
    """Wall times of one column, or all, in units of one import of Keras and one tiny fit, and the largest process's memory."""
    environment = install(session, column)

    def seconds(*command: str) -> float:
        started = time.perf_counter()
        session.run(*command, env=environment, silent=True)
        return time.perf_counter() - started

    seconds("python", "-c", TINY_FIT)  # the disk's cache filled
    figures = {"unit": min(seconds("python", "-c", TINY_FIT) for _ in range(3))}
    quiet = ["pytest", "specs", "-q", "-p", "no:cacheprovider", "--results", str(Path(session.create_tmp()) / "bench.jsonl")]
    for title, options in [("collect", ["--collect-only"]), ("serial", []), ("two", ["-n", "2"])]:
        figures[title] = seconds(*quiet, *options)
    figures["memory"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20  # of kilobytes, on Linux
    rounded = {name: round(value, 2) for name, value in figures.items()}
    session.log(f"{column}: {rounded}")
    known = {**(json.loads(SPEED.read_text()) if SPEED.exists() else {}), column: rounded}
    SPEED.write_text("{\n" + ",\n".join(f"  {json.dumps(name)}: {json.dumps(known[name])}" for name in sorted(known)) + "\n}\n")
