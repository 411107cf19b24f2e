"""The catalogue and the claims answer each other: no row without a claim, no claim without a row."""

import importlib
from pathlib import Path

import pytest

from reports import catalogue

ROOT = Path(__file__).parent.parent
SPECS = sorted((ROOT / "specs").glob("*/test_*.py"))
CATALOGUE = catalogue.load()
WAIVED = {number for number, row in CATALOGUE.rows.items() if row.waived}


def claims(spec):
    """The claims of the module at this path."""
    module = importlib.import_module(".".join(spec.relative_to(ROOT).with_suffix("").parts))
    return [member.claim for member in vars(module).values() if hasattr(member, "claim")]


@pytest.fixture(scope="module")
def answered():
    """The rows that some claim answers."""
    return {row for spec in SPECS for claim in claims(spec) for row in claim.answers}


@pytest.mark.parametrize("topic", CATALOGUE.topics, ids=lambda topic: f"{topic.number} {topic.title}")
def test_every_row_has_a_claim(topic, answered):
    """A row that is a behaviour is answered by a claim."""
    assert [row.number for row in topic.rows if not row.waived and row.number not in answered] == []


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_every_claim_has_a_row(spec):
    """A claim answers rows of the catalogue, each once, and at least one, and none that is not a behaviour."""
    answerable = set(CATALOGUE.rows) - WAIVED
    wrong = {
        claim.id: claim.answers
        for claim in claims(spec)
        if not claim.answers or len(set(claim.answers)) < len(claim.answers) or set(claim.answers) - answerable
    }
    assert wrong == {}


@pytest.mark.parametrize("topic", CATALOGUE.topics, ids=lambda topic: str(topic.number))
def test_rows_are_numbered_in_order(topic):
    """A topic's statements are numbered from 1, and so are its reader's questions after them; all say something."""
    numbers = [row.number.partition(".")[2] for row in topic.rows]
    statements = [number for number in numbers if not number.startswith("R")]
    asked = numbers[len(statements) :]
    assert statements == [str(n + 1) for n in range(len(statements))]
    assert asked == [f"R{n + 1}" for n in range(len(asked))]
    assert {row.number.partition(".")[0] for row in topic.rows} == {str(topic.number)}
    assert all(row.statement for row in topic.rows)


def test_topics_are_numbered_in_order():
    """The FAQ has nineteen questions, each with a title; what is no behaviour is a row, with a reason."""
    assert [topic.number for topic in CATALOGUE.topics] == list(range(1, 20))
    assert all(topic.title for topic in CATALOGUE.topics)
    assert {"1.R1"} == WAIVED


@pytest.mark.parametrize(
    ("answers", "topic"),
    [
        (["5.2", "5.R1"], 5),
        (["5.1", "13.2", "13.R3"], 13),
        (["13.1", "5.1"], 5),
        ([], None),
        (["5", "x.1", "5.R", "5.1.1"], None),
    ],
)
def test_a_question_belongs_to_the_topic_of_most_of_its_answers(answers, topic):
    """Of two topics with as many answers it is the first; what is no row's number does not count."""
    assert catalogue.topic_of(answers) == topic


def test_questions_stand_in_the_order_of_their_rows():
    """By group, then by topic as a number, then by the first row, statements before the reader's questions, then by name."""
    ordered = [
        ("general", ["19.1"], "z"),
        ("saving", ["5.9", "4.1", "5.9"], "a"),
        ("saving", ["5.10"], "b"),
        ("saving", ["5.R1"], "a"),
        ("saving", ["17.1"], "a"),
        ("saving", ["none"], "a"),
        ("saving", [], "b"),
        ("another", ["1.1"], "a"),
    ]
    backwards = ordered[::-1]
    assert sorted(backwards, key=lambda question: catalogue.place(*question)) == ordered
