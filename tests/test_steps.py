"""A run says in a step's summary what drifted, and in pytest's own JUnit XML what came out."""

from xml.etree import ElementTree

import pytest

from reports import steps
from tests.miniatures import EVERY_VERDICT, Project
from tests.miniatures.results import claim, header
from tests.test_markdown import Elements
from tests.test_pages import BROKEN, DRIFTED, HOSTILE, UNCHECKED


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    """A project in which every verdict occurs, run as in a workflow, with workers and with JUnit XML."""
    project = Project(tmp_path_factory.mktemp("every"), test_verdicts=EVERY_VERDICT.read_text(encoding="utf-8"))
    summary = project.folder / "summary.md"
    summary.write_text("what another step said\n\n", encoding="utf-8")
    project.run("-n", "1", "--junitxml", "junit.xml", GITHUB_STEP_SUMMARY=str(summary))
    return project


def test_a_run_adds_to_the_summary(checked):
    """What was there stays; counts, each drift and each error follow, once though there are workers."""
    said = (checked.folder / "summary.md").read_text(encoding="utf-8")
    assert said.startswith("what another step said\n\n## keras 3.9.0 on tensorflow 2.99.0, Python")
    assert said.count("## ") == 1
    assert ": 2 drifted, 5 undecided\n" in said
    assert "| ✔ holds | ✘ does not hold | ≈ varies | ○ not checked | ! error |" in said
    assert "| 2 | 2 | 2 | 1 | 5 |" in said
    row = "| A claim that starts to hold again drifts.<br>`verdicts/drifts-to-true` | does not hold | ✔ holds |"
    assert row in said
    assert "| What no expectation raised decides nothing.<br>`verdicts/error-by-another-exception` | `KeyError:" in said


def test_a_run_outlives_a_summary_that_cannot_be_written(tmp_path):
    """Where the named file is a folder, verdicts and exit status stand, and a line says so."""
    project = Project(tmp_path, test_verdicts=EVERY_VERDICT.read_text(encoding="utf-8"))
    ended = project.run("-k", "test_holds", GITHUB_STEP_SUMMARY=str(tmp_path))
    assert ended.returncode == 0
    assert "the summary of this step cannot be written" in ended.stdout
    assert "Traceback" not in ended.stdout + ended.stderr


def test_says_that_all_is_as_recorded():
    """Of a run without drift there are the counts alone."""
    said = steps.summary(header(claims=2), [claim(), UNCHECKED])
    assert said.splitlines()[0].endswith(": as recorded")
    assert "drift |" not in said


def test_says_that_it_is_not_all():
    """A run that was stopped, and one of a selection, say so; of very many drifts the first are listed."""
    said = steps.summary(header(claims=999, deselected=3), [claim(f"example/d{n}", verdict="varies") for n in range(150)])
    assert "**Incomplete**: 150 of 999 claims were checked." in said
    assert "A selection left out 3 claims." in said
    assert said.count("<br>") == steps.MOST
    assert "and 50 more" in said


@pytest.mark.parametrize("field", ["sentence", "reason"])
def test_shows_hostile_text_as_text(field):
    """Whatever a claim or an exception says is text in the summary."""
    calm = Elements(steps.summary(header(claims=2), [DRIFTED, BROKEN]))
    hostile = [{**told, field: HOSTILE + "|\n\n# b"} for told in (DRIFTED, BROKEN)]
    found = Elements(steps.summary(header(claims=2), hostile))
    assert [tag for tag in found.tags if tag != "code"] == [tag for tag in calm.tags if tag != "code"]
    assert "alert(1)" in found.text


def test_junit_xml_is_pytest_s_own(checked):
    """`--junitxml` has a case for each test; drift and errors are failures, what is as recorded is none."""
    suite = ElementTree.parse(checked.folder / "junit.xml").getroot().find("testsuite")
    found = {}
    for case in suite.iter("testcase"):
        found.setdefault(case.get("name"), set()).update(child.tag for child in case if child.tag != "properties")
    assert found["test_holds"] == set()
    assert found["test_does_not_hold"] == {"skipped"}
    assert found["test_not_checked"] == {"skipped"}
    assert found["test_drifts_to_false"] == found["test_drifts_to_true"] == {"failure"}
    assert found["test_error_by_another_exception"] == {"failure"}
    assert found["test_error_by_set_up"] == {"error"}
    assert len(found) == 13
