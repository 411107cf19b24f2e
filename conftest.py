"""Wires the rooms into pytest: options, the subject, the recorder. The logic is theirs."""

from pathlib import Path

import pytest

from fixtures import collection, workers
from fixtures.devices import NEEDS
from fixtures.subject import CHOICES
from reports import steps
from reports.recorder import LATEST, Recorder
from reports.terminal import summarize


def pytest_addoption(parser):
    group = parser.getgroup("keras specs")
    group.addoption("--keras", choices=CHOICES, help="the Keras to check (default: the first that can be imported)")
    group.addoption("--require", action="append", choices=NEEDS, default=[], help="what must be there: an error if it is not")
    group.addoption("--results", type=Path, help=f"the results file to write (default: {LATEST})")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    if getattr(config.option, "numprocesses", None) and config.option.dist == "no":
        config.option.dist = "loadfile"  # claims of a module share traced models and interpreters


def pytest_configure(config):
    for need in NEEDS:
        config.addinivalue_line("markers", f"{need}: a claim that is checked only where this is present")
    config.pluginmanager.register(collection)
    config.pluginmanager.register(workers)
    config.pluginmanager.register(Recorder(config.rootpath / LATEST, config.getoption("--results")), "recorder")


def pytest_terminal_summary(terminalreporter, config):
    recorder = config.pluginmanager.get_plugin("recorder")
    summarize(terminalreporter, recorder)
    steps.write(terminalreporter, recorder)


@pytest.fixture(scope="session")
def keras(pytestconfig):
    """The Keras under test."""
    return collection.use_subject(pytestconfig).keras


@pytest.fixture(scope="session")
def evidence(pytestconfig):
    """`evidence(name, value)` records what the claim measured."""
    return pytestconfig.stash[collection.EVIDENCE]


@pytest.fixture(autouse=True)
def _surroundings(request):
    """A claim leaves its surroundings as they were."""
    if not hasattr(request.node, "claim"):
        yield
        return
    with collection.unchanged_surroundings(collection.use_subject(request.config).keras):
        yield
