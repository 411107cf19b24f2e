"""Figures: evidence that says how it wants to be looked at, turned into shapes that the pages draw.

`results.schema.json` describes their data. Results files come from anywhere, so whatever is not as described there, or too
large to look at, is no drawing but a value like any other.
"""

import math
from dataclasses import dataclass
from typing import Any, List, Optional, Sequence, Tuple, Union

from reports.results import fast_check
from reports.text import shortened

WIDTH, HEIGHT = 360, 216  # of a picture, in units of about a pixel
TOP, RIGHT, BOTTOM = 24, 12, 38  # the room around a plot; at its left that of the tick labels
SIDE = 24  # the room at the left of a grid
LETTER = 7  # the width of a letter of a label, about
MOST_SERIES, MOST_POINTS, MOST_ROWS = 6, 1000, 32
HUGE, TINY = 1e100, 1e-100  # magnitudes between which there is no overflow
NEAR = 1e-9  # of its magnitude: a range too small for floats to divide
_IS_LINES, _IS_GRID = fast_check("lines"), fast_check("grid")


@dataclass(frozen=True)
class Tick:
    """A mark on an axis: where, and what it says."""

    at: float
    label: str


@dataclass(frozen=True)
class Curve:
    """One series. `lines` are its unbroken stretches, as SVG has points; `dots` the points to mark, each with what it says."""

    name: str
    values: Tuple[str, ...]
    lines: Tuple[str, ...]
    dots: Tuple[Tuple[float, float, str], ...]


@dataclass(frozen=True)
class Lines:
    """Curves over one axis."""

    x: str
    y: str
    at: Tuple[str, ...]
    x_ticks: Tuple[Tick, ...]
    y_ticks: Tuple[Tick, ...]
    curves: Tuple[Curve, ...]
    left: float
    kind: str = "lines"
    width: int = WIDTH
    height: int = HEIGHT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM

    @property
    def described(self) -> str:
        """What the picture shows, in a sentence."""
        shown = "; ".join(f"{curve.name}: {', '.join(curve.values)}" for curve in self.curves)
        return f"{self.y} by {self.x} ({', '.join(self.at)}). {shown}."


@dataclass(frozen=True)
class Cell:
    """A square of a grid: where, and how strongly it is inked, from 0 to 1."""

    x: int
    y: int
    ink: float
    negative: bool


@dataclass(frozen=True)
class Grid:
    """A picture of numbers. `scale` are a few numbers with their ink and sign, for the legend."""

    x: str
    y: str
    values: Tuple[Tuple[str, ...], ...]
    cells: Tuple[Cell, ...]
    side: int
    scale: Tuple[Tuple[str, float, bool], ...]
    kind: str = "grid"
    width: int = WIDTH
    left: int = SIDE
    top: int = TOP

    @property
    def right(self) -> int:
        """Where the last column ends."""
        return self.left + len(self.values[0]) * self.side

    @property
    def bottom(self) -> int:
        """Where the last row ends."""
        return self.top + len(self.values) * self.side

    @property
    def height(self) -> int:
        """Of the whole picture."""
        return self.bottom + 16

    @property
    def x_ticks(self) -> Tuple[Tick, ...]:
        """The first column and the last."""
        return _ends(self.left, len(self.values[0]), self.side)

    @property
    def y_ticks(self) -> Tuple[Tick, ...]:
        """The first row and the last."""
        return _ends(self.top, len(self.values), self.side)

    @property
    def described(self) -> str:
        """What the picture shows, in a sentence."""
        size = f"{len(self.values)} rows ({self.y}) and {len(self.values[0])} columns ({self.x})"
        return f"A grid of {size}, from {self.scale[0][0]} to {self.scale[-1][0]}."


Drawing = Union[Lines, Grid]


def drawing(measured: Any) -> Optional[Drawing]:
    """The picture that a piece of evidence asks for; None where it asks for none, or for one that cannot be drawn."""
    if _IS_LINES(measured):
        return _lines(measured)
    return _grid(measured) if _IS_GRID(measured) else None


def number(value: Any) -> str:
    """A number, short; a text as it is."""
    return value if isinstance(value, str) else "none" if value is None else f"{value:.6g}"


def ticks(low: float, high: float, most: int = 6, whole: bool = False) -> List[float]:
    """Round numbers, at most about `most`, from the last one that is not above `low` to the first that is not below `high`.

    They are multiples of 1, 2 or 5 times a power of ten; of whole numbers, if `whole`.
    """
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - NEAR))
    step = max(step, 1.0) if whole else step
    first, last = math.floor(low / step + NEAR), math.ceil(high / step - NEAR)
    return [n * step for n in range(first, last + 1)]


def _lines(measured: Any) -> Optional[Lines]:
    at, series = measured["at"], measured["series"]
    named = isinstance(at[0], str)
    places = list(range(len(at))) if named else at
    known = [value for values in series.values() for value in values if value is not None]
    too_long = any(len(values) > len(at) for values in series.values()) or len(at) * len(series) > MOST_POINTS
    if too_long or len(series) > MOST_SERIES or not known or not (_ordinary(known) and _ordinary(places)):
        return None
    y_ticks = ticks(*_range(known), whole=_whole(known))
    labels = _labels(y_ticks)
    left = round(min(14 + LETTER * max(map(len, labels)), WIDTH / 3), 1)
    from_x, to_x = (min(places), max(places)) if min(places) < max(places) else (places[0] - 1, places[0] + 1)
    inset = (WIDTH - RIGHT - left) / 2 / len(at) if named else 6  # half of a name's room
    across = _Scale(from_x, to_x, left + inset, WIDTH - RIGHT - inset)
    up = _Scale(y_ticks[0], y_ticks[-1], HEIGHT - BOTTOM, TOP)
    return Lines(
        x=measured["x"],
        y=measured["y"],
        at=tuple(map(number, at)),
        x_ticks=_named_ticks(at, across) if named else _number_ticks(places, across),
        y_ticks=tuple(Tick(up(value), label) for value, label in zip(y_ticks, labels)),
        curves=tuple(_curve(name, values, at, places, across, up) for name, values in series.items()),
        left=left,
    )


def _ends(start: int, count: int, side: int) -> Tuple[Tick, ...]:
    return tuple(Tick(start + (n - 0.5) * side, str(n)) for n in sorted({1, count}))


def _curve(name: str, values: Sequence[Any], at: Sequence[Any], places: Sequence[Any], across: Any, up: Any) -> Curve:
    points = [None if value is None else (across(place), up(value)) for place, value in zip(places, values)]
    stretches: List[List[Tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            stretches.append([])
        else:
            stretches[-1].append(point)
    said = [f"{number(place)}: {number(value)}" for place, value in zip(at, values)]
    alone = {stretch[0] for stretch in stretches if len(stretch) == 1}
    dots = [(*point, words) for point, words in zip(points, said) if point and (len(points) <= 30 or point in alone)]
    lines = [" ".join(f"{x},{y}" for x, y in stretch) for stretch in stretches if len(stretch) > 1]
    return Curve(name, tuple(map(number, values)), tuple(lines), tuple(dots))


def _number_ticks(places: Sequence[float], across: "_Scale") -> Tuple[Tick, ...]:
    low, high = across.low, across.high
    inside = [value for value in ticks(low, high, whole=_whole(places)) if low <= value <= high]
    return tuple(Tick(across(value), label) for value, label in zip(inside, _labels(inside)))


def _named_ticks(names: Sequence[str], across: "_Scale") -> Tuple[Tick, ...]:
    """Every name, where there is room for it; else every second, third, …"""
    room = (WIDTH - RIGHT) / LETTER / len(names)  # for each, in letters
    every = math.ceil(5 / room)
    letters = max(4, int(room * every) - 1)
    return tuple(Tick(across(n), shortened(name, letters)) for n, name in enumerate(names) if n % every == 0)


def _grid(measured: Any) -> Optional[Grid]:
    rows = measured["values"]
    known = [value for row in rows for value in row]
    if len({len(row) for row in rows}) != 1 or max(len(rows), len(rows[0])) > MOST_ROWS or not _ordinary(known):
        return None
    low, high = min(known), max(known)
    side = min(32, (WIDTH - SIDE - RIGHT) // len(rows[0]), 384 // len(rows))

    def ink(value: float) -> Tuple[float, bool]:
        if low < 0 < high:
            return round(abs(value) / max(-low, high), 3), value < 0
        return (round(0.06 + 0.94 * (value - low) / (high - low), 3) if low < high else 0.5), False

    steps = [low, 0, high] if low < 0 < high else [low, high] if low < high else [low]
    places = [(SIDE + side * column, TOP + side * row) for row in range(len(rows)) for column in range(len(rows[0]))]
    return Grid(
        x=measured["x"],
        y=measured["y"],
        values=tuple(tuple(map(number, row)) for row in rows),
        cells=tuple(Cell(x, y, *ink(value)) for (x, y), value in zip(places, known)),
        side=side,
        scale=tuple((number(value), *ink(value)) for value in steps),
    )


@dataclass(frozen=True)
class _Scale:
    """From numbers to places on the page: `low` is at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start), 1)


def _ordinary(values: Sequence[float]) -> bool:
    """Whether arithmetic with these neither overflows nor loses their differences."""
    if not all(value == 0 or TINY < abs(value) < HUGE for value in values):
        return False
    return max(values) == min(values) or max(values) - min(values) > NEAR * max(map(abs, values))


def _whole(values: Sequence[float]) -> bool:
    return all(isinstance(value, int) for value in values)


def _range(values: Sequence[float]) -> Tuple[float, float]:
    """What the vertical axis shows: the values, and zero too where that costs less than half of its length."""
    low, high = min(values), max(values)
    if low == high:
        low, high = sorted((0.0, low or 1.0))
    if 0 < low <= high / 2:
        low = 0
    if low / 2 <= high < 0:
        high = 0
    return low, high


def _labels(values: Sequence[float]) -> List[str]:
    """The values of ticks, with as many digits as tell them apart."""
    largest = max(map(abs, values), default=0) or 1
    step = min((b - a for a, b in zip(values, values[1:])), default=largest)
    power = math.floor(math.log10(step) + NEAR)
    if largest < 1e6 and power >= -4:
        return [f"{value:.{max(0, -power)}f}" for value in values]
    digits = math.floor(math.log10(largest)) - power + 1
    return [f"{value:.{min(digits, 12)}g}" for value in values]
