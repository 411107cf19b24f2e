"""What a claim may not do: take for ever, or reach another machine. It is an error then, and the run goes on."""

import sys

import pytest

from tests.miniatures import Project

HANGS = '''"""How long does it take?"""
import time
from hypothesis import given, strategies as st
import pytest
from fixtures.claims import claim
@claim(holds_on=[], otherwise=pytest.fail.Exception, instead="test_ends")
@given(n=st.integers())
def test_hangs(n):
    """It hangs."""
    try:
        time.sleep(60)
    except Exception:
        pytest.fail("it was ended")
@claim()
def test_ends():
    """It ends."""
'''
REACHES = '''"""How far does it reach?"""
import socket
import threading
from fixtures.claims import claim
from fixtures.interpreter import Interpreter
FRESH = Interpreter()
def ask(keras):
    socket.getaddrinfo("192.0.2.1", 80)  # an address of nobody: no server is asked for it
@claim()
def test_reaches_this_machine():
    """It reaches this machine."""
    with socket.socket() as server, socket.socket() as client:
        server.bind(("127.0.0.1", 0))
        server.listen()
        client.connect(server.getsockname())
@claim()
def test_asks_for_another():
    """It asks for another."""
    ask(None)
@claim()
def test_connects_to_another():
    """It connects to another."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("192.0.2.1", 80))  # sends nothing
@claim()
def test_asks_from_a_fresh_interpreter():
    """It asks from a fresh interpreter."""
    FRESH.run(ask)
'''


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_claim_that_takes_too_long_is_an_error(tmp_path):
    """Also one that Hypothesis would try again, or that is expected to fail; those after it have their verdicts."""
    project = Project(tmp_path, test_time=HANGS)
    collection = project.folder / "fixtures" / "collection.py"
    collection.write_text(
        collection.read_text(encoding="utf-8").replace("TIME_LIMIT = 300", "TIME_LIMIT = 1"), encoding="utf-8"
    )
    assert project.run().returncode == 1
    assert {name: claim["verdict"] for name, claim in project.claims().items()} == {"hangs": "error", "ends": "holds"}
    assert project.claims()["hangs"]["reason"] == "TimeLimit: no end after 1 seconds"


@pytest.mark.skipif(sys.version_info < (3, 8), reason="Python 3.7 has no audit hooks")
def test_no_claim_reaches_another_machine(tmp_path):
    """Neither in the run nor in a fresh interpreter: an error says how to ask for the network."""
    project = Project(tmp_path, test_far=REACHES)
    assert project.run().returncode == 1
    claims = project.claims()
    assert {name for name, claim in claims.items() if claim["verdict"] == "error"} == {
        "asks-for-another",
        "connects-to-another",
        "asks-from-a-fresh-interpreter",
    }
    assert all("--require network" in claim["reason"] for claim in claims.values() if claim["verdict"] == "error")
    assert claims["reaches-this-machine"]["verdict"] == "holds"


def test_the_network_is_open_where_it_is_required(tmp_path):
    """`--require network`: an address may be looked up."""
    project = Project(tmp_path, test_far=REACHES)
    assert project.run("--require", "network", "-k", "asks").returncode == 0
