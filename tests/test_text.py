"""Text fits a terminal, and what of it would act on the terminal is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import text

MIXED = st.text(st.sampled_from("ab `_-é什么？，。 "), min_size=1, max_size=60)


@pytest.mark.parametrize(("said", "cells"), [("Keras", 5), ("如何引用 Keras？", 16), ("e\u0301", 1), ("✔", 1), ("", 0)])
def test_counts_cells(said, cells):
    """A Chinese character takes two cells, an accent none."""
    assert text.width(said) == cells
    assert text.width(text.padded(said, 20)) == 20


@given(said=MIXED, cells=st.integers(4, 30))
def test_wraps_within_the_width(said, cells):
    """No line is wider than asked, none but the first begins with what ends a sentence, and nothing but spaces is lost."""
    lines = text.wrapped(said, cells)
    assert all(text.width(line) <= cells for line in lines)
    assert "".join("".join(lines).split()) == "".join(said.split())


def test_breaks_where_a_reader_would():
    """Words stay whole, unless wider than a line; a Chinese line may end after any character, and begins with no mark."""
    assert text.wrapped("a stateful network", 10) == ["a stateful", "network"]
    assert text.wrapped("unbreakable", 4) == ["unbr", "eaka", "ble"]
    assert text.wrapped("层的输出？是", 8) == ["层的输", "出？是"]


def test_prints_nothing_that_acts():
    """Ends of lines, colours and control characters do not get to the terminal."""
    assert text.printable("red\x1b[31m\nand\x07 \u202eback\ttab") == "red[31m and back tab"
