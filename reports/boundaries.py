"""Where a claim's verdict is another one than on the newest Keras, in words: `since keras 3.5.0; not on JAX`."""

import itertools
from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

from reports.columns import Column
from reports.language import Language
from reports.verdicts import DOES_NOT_HOLD, HOLDS, MEASURED, VARIES

BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch", "openvino": "OpenVINO", "theano": "Theano"}


@dataclass
class Found:
    """What a column found. After it a column of its family may not have been run: no boundary is known to lie there."""

    column: Column
    verdict: str
    is_before_gap: bool = False


@dataclass(frozen=True)
class Range:
    """Neighbouring columns of a family with a verdict. `first` or `last` is None where the family goes no further.

    `after` is the column behind it, None if one that was not run lies between.
    """

    verdict: str
    first: Optional[Column]
    last: Optional[Column]
    after: Optional[Column]

    @property
    def key(self) -> Tuple[Any, ...]:
        """The same for ranges of two backends that are told in the same words."""
        return (self.verdict, *(column and column.version for column in (self.first, self.last, self.after)))


def boundaries(cells: Sequence[Any], verdict: str, say: Language) -> str:
    """Where the columns found another verdict than this one, in words; empty where none did.

    A Keras that is not named agrees, or did not decide the claim. `cells` are in the order of the columns.
    """
    families: Dict[str, List[Found]] = {}
    for cell in cells:
        family = families.setdefault(cell.column.family, [])
        if cell.outcome and cell.outcome.verdict in MEASURED:
            family.append(Found(cell.column, cell.outcome.verdict))
        elif not cell.outcome and family:
            family[-1].is_before_gap = True
    families = {name: family for name, family in families.items() if family}
    distributions: Dict[str, List[List[Found]]] = {}
    for members in families.values():
        distributions.setdefault(members[0].column.run.subject.distribution, []).append(members)
    told = [words for families_of in distributions.values() for words in _of_distribution(families_of, verdict, say)]
    return say("; ").join(told)


def _of_distribution(families: List[List[Found]], verdict: str, say: Language) -> List[str]:
    """The words on one distribution: on those of its backends together that are told in the same words."""
    longest = max(families, key=len)
    groups: Dict[Tuple[Any, ...], List[List[Found]]] = {}
    for cells in families:
        cells_like = longest if _agrees(cells, longest) else cells
        groups.setdefault(tuple(found.key for found in _others(cells_like, verdict)), []).append(cells)
    told = []
    for members in groups.values():
        example = longest if longest in members else members[0]
        is_all = len(groups) == 1 and verdict in MEASURED
        told += _of_group(_others(example, verdict), verdict, [] if is_all else members, example[0].column, say)
    return told


def _agrees(cells: List[Found], others: List[Found]) -> bool:
    """Whether a backend found at each of its versions what another one found there, or at the version before."""
    found = {cell.column.version: cell.verdict for cell in others}
    return all(cell.verdict == (found.get(cell.column.version) or _before(cell.column, others)) for cell in cells)


def _before(column: Column, cells: List[Found]) -> str:
    before = [cell for cell in cells if cell.column.age[0] <= column.age[0]]
    return (before[-1] if before else cells[0]).verdict


def _others(cells: List[Found], verdict: str) -> List[Range]:
    """The ranges of a family that have another verdict."""
    runs = [(kind, list(members)) for kind, members in itertools.groupby(cells, lambda cell: cell.verdict)]
    found = []
    for number, (kind, members) in enumerate(runs):
        if kind != verdict:
            first = members[0].column if number else None
            last = members[-1].column if number < len(runs) - 1 else None
            is_known = last and not members[-1].is_before_gap
            found.append(Range(kind, first, last, runs[number + 1][1][0].column if is_known else None))
    return found


def _of_group(ranges: List[Range], verdict: str, members: List[List[Found]], example: Column, say: Language) -> List[str]:
    """The words on backends that agree, `members`; on all of the example's distribution, if none is given."""
    if len(ranges) == 1 and ranges[0].after and not ranges[0].first and {ranges[0].verdict, verdict} == {HOLDS, DOES_NOT_HOLD}:
        since, names = say("since {keras}", keras=_name(ranges[0].after)), _names(members, ranges[0].after, say)
        return [say("{place} on {backends}", place=since, backends=names) if names else since]
    distribution = example.run.subject.distribution
    places = [_place(found, _names(members, found.first, say), distribution, say) for found in ranges]
    return [_told(found.verdict, verdict, place, say) for found, place in zip(ranges, places)]


def _names(members: List[List[Found]], first: Optional[Column], say: Language) -> str:
    """The backends of these that have a column from this one on: Keras 3 has no Theano."""
    still = [cells[0].column.run.subject.backend for cells in members if not first or cells[-1].column.age[0] >= first.age[0]]
    return say.listed([BACKENDS.get(name, name) for name in still])


def _place(found: Range, backends: str, distribution: str, say: Language) -> str:
    if not found.first and not found.last:
        return say("on {backends}", backends=backends) if backends else say("in {keras}", keras=distribution)
    if not found.last:
        place = say("since {keras}", keras=_name(found.first))
    elif not found.first:
        place = say("up to {keras}", keras=_name(found.last))
    elif found.first is found.last or found.first.version == found.last.version:
        place = say("in {keras}", keras=_name(found.first))
    else:
        place = say("in {keras} to {version}", keras=_name(found.first), version=found.last.version)
    return say("{place} on {backends}", place=place, backends=backends) if backends else place


def _told(found: str, verdict: str, place: str, say: Language) -> str:
    if found == DOES_NOT_HOLD:
        return say("not {place}", place=place) if verdict == HOLDS else say("does not hold {place}", place=place)
    return say("varies {place}", place=place) if found == VARIES else say("holds {place}", place=place)


def _name(column: Optional[Column]) -> str:
    """`keras 3.5.0`; `tf_keras 2.18.0` of the successor of tf.keras."""
    assert column
    return f"{column.run.subject.name.partition(' ')[0]} {column.version}"
