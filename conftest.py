"""Wires the rooms into pytest: options, the subject, the recorder. The logic is theirs."""

import os
from pathlib import Path

import pytest

from fixtures import interpreter, workers
from fixtures.claims import Evidence
from fixtures.collection import prepare, require, start_interpreters, stop_interpreters, unchanged_surroundings
from fixtures.devices import NEEDS
from fixtures.subject import CHOICES, SubjectError, find_subject
from reports.recorder import EVIDENCE, LATEST, SUBJECT, Recorder
from reports.terminal import summarize


def pytest_addoption(parser):
    group = parser.getgroup("keras specs")
    group.addoption("--keras", choices=CHOICES, help="the Keras to check (default: the first that can be imported)")
    group.addoption("--results", type=Path, help=f"the results file to write (default: {LATEST})")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    if getattr(config.option, "numprocesses", None) and config.option.dist == "no":
        config.option.dist = "loadfile"  # claims of a module share traced models and interpreters


def pytest_configure(config):
    for need in NEEDS:
        config.addinivalue_line("markers", f"{need}: a claim that is checked only where this is present")
    config.pluginmanager.register(workers)
    config.pluginmanager.register(Recorder(config.rootpath / LATEST, config.getoption("--results")), "recorder")


def use_subject(config):
    """The subject of this run, found at the first call."""
    if SUBJECT not in config.stash:
        try:
            config.stash[SUBJECT] = find_subject(config.getoption("--keras"))
        except SubjectError as error:
            raise pytest.UsageError(str(error)) from None
        config.stash[EVIDENCE] = Evidence()
        interpreter.choice = config.getoption("--keras")
    return config.stash[SUBJECT]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    claimed = [item for item in items if hasattr(getattr(item, "function", None), "claim") and not hasattr(item, "fault")]
    if claimed:
        prepare(claimed, use_subject(config))


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session):
    claimed = [item for item in session.items if hasattr(item, "claim")]
    if claimed and not session.config.option.collectonly and "PYTEST_XDIST_WORKER" not in os.environ:
        start_interpreters(claimed)


def pytest_report_collectionfinish(config):
    return f"subject: {config.stash[SUBJECT]}" if SUBJECT in config.stash else []


def pytest_runtest_setup(item):
    if hasattr(item, "claim"):
        require(item.claim, item.config.stash[SUBJECT])


def pytest_sessionfinish(session):
    stop_interpreters(getattr(session, "items", []))


def pytest_terminal_summary(terminalreporter, config):
    summarize(terminalreporter, config.pluginmanager.get_plugin("recorder"))


@pytest.fixture(scope="session")
def keras(pytestconfig):
    """The Keras under test."""
    return use_subject(pytestconfig).keras


@pytest.fixture(scope="session")
def evidence(pytestconfig):
    """`evidence(name, value)` records what the claim measured."""
    return pytestconfig.stash[EVIDENCE]


@pytest.fixture(autouse=True)
def _surroundings(request):
    """A claim leaves its surroundings as they were."""
    if hasattr(request.node, "claim"):
        with unchanged_surroundings(use_subject(request.config).keras):
            yield
    else:
        yield
