"""What a claim needs is a marker, and is asked for by name: what had to be there and is not is an error, no skip."""

import pytest

from fixtures import devices
from tests.miniatures import Project

NEEDS = '''"""What does it need?"""
from fixtures.claims import claim
@claim()
def test_nothing():
    """It needs nothing."""
@claim(needs=["gpu"])
def test_a_gpu():
    """It needs a GPU."""
@claim(needs=["multi_gpu"])
def test_two_gpus():
    """It needs two GPUs."""
@claim(needs=["theano", "gpu"])
def test_a_gpu_for_theano():
    """It needs a GPU for Theano."""
@claim(needs=["network"])
def test_the_network():
    """It needs the network."""
'''
SO_MANY_GPUS = """


def gpus(subject):
    import os
    return int(os.environ["GPUS"])
"""
NOTHING, GPU, TWO, FOR_THEANO, NETWORK = "nothing", "a-gpu", "two-gpus", "a-gpu-for-theano", "the-network"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project of claims that need something, where `GPUS` says how many GPUs its Keras sees."""
    project = Project(tmp_path_factory.mktemp("needs"), test_needs=NEEDS)
    with (project.folder / "fixtures" / "devices.py").open("a") as there:
        there.write(SO_MANY_GPUS)
    return project


@pytest.mark.parametrize(
    ("expression", "selected"),
    [
        ("gpu", {GPU, FOR_THEANO}),
        ("gpu or multi_gpu", {GPU, TWO, FOR_THEANO}),
        ("not gpu", {NOTHING, TWO, NETWORK}),
        ("not gpu and not multi_gpu", {NOTHING, NETWORK}),
        ("theano", {FOR_THEANO}),
    ],
)
def test_are_markers(project, expression, selected):
    """`-m` selects claims by what they need."""
    project.run("-m", expression, GPUS="0")
    assert set(project.claims()) == selected


def test_are_not_checked_where_they_are_absent(project):
    """What is not there and was not asked for is not checked, for the reason that says so, and the run is green."""
    ended = project.run(GPUS="0")
    found = project.claims()
    assert ended.returncode == 0
    assert {name: (claim["verdict"], claim["reason"]) for name, claim in found.items()} == {
        NOTHING: ("holds", None),
        GPU: ("not checked", "no GPU is visible"),
        TWO: ("not checked", "fewer than two GPUs are visible"),
        FOR_THEANO: ("not checked", "the backend is tensorflow, not theano"),
        NETWORK: ("not checked", "the network is used only when asked for: --require network"),
    }


@pytest.mark.parametrize("options", [[], ["-n", "1"]], ids=["alone", "with a worker"])
def test_are_errors_where_they_are_required(project, options):
    """What was required is an error where it is absent, in a clear line; what else is missing is not checked, as before."""
    ended = project.run("--require", "gpu", "--require", "multi_gpu", *options, GPUS="0")
    found = project.claims()
    assert ended.returncode == 1
    assert {name: claim["verdict"] for name, claim in found.items()} == {
        NOTHING: "holds",
        GPU: "error",
        TWO: "error",
        FOR_THEANO: "not checked",
        NETWORK: "not checked",
    }
    assert found[GPU]["reason"] == "broken setup: Absent: --require gpu: no GPU is visible"
    assert "--require multi_gpu: fewer than two GPUs are visible" in ended.stdout


def test_are_checked_where_they_are_there(project):
    """What was required and is there is checked; of two GPUs one is not enough. The network is there if it is asked for."""
    ended = project.run("--require", "gpu", "--require", "network", GPUS="1")
    assert ended.returncode == 0
    found = {name: claim["verdict"] for name, claim in project.claims().items()}
    assert found == {NOTHING: "holds", GPU: "holds", TWO: "not checked", FOR_THEANO: "not checked", NETWORK: "holds"}


def test_are_known(project):
    """What no claim can need is refused, with what there is."""
    ended = project.run("--require", "luck")
    assert ended.returncode == 4
    assert all(need in ended.stderr for need in devices.NEEDS)
