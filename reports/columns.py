"""The columns of a report: in which order they stand, what they are called, and what they say of a claim together."""

import functools
import itertools
from collections import Counter
from dataclasses import dataclass
from typing import Any, Dict, List, Sequence, Tuple

from packaging.version import Version

from reports.results import Run

BACKENDS = ("tensorflow", "jax", "torch", "openvino", "theano")  # any other comes after these


@dataclass(frozen=True, eq=False)
class Column:
    """One run, as a column of tables. `name` is its subject's; where others have the same, with the time of the run."""

    run: Run
    name: str

    @property
    def family(self) -> str:
        """What its versions are compared within: `keras on jax`. All of tf.keras is one family, tf_keras included."""
        subject = self.run.subject
        return subject.distribution if subject.distribution == "tf.keras" else f"keras on {subject.backend}"

    @property
    def version(self) -> str:
        """The version of Keras, of TensorFlow for its tf.keras."""
        return self.run.subject.version

    @property
    def distribution(self) -> str:
        """What a reader calls it: `keras`, `tf.keras`, or `tf_keras`, its successor."""
        return self.run.subject.name.partition(" ")[0] or self.run.subject.distribution

    @property
    def label(self) -> str:
        """What tells it from the others in a table, in any language: `keras 3.15.1 · jax`."""
        backend = "" if self.distribution == "tf.keras" else f" · {self.run.subject.backend}"
        return f"{self.distribution} {self.version}{backend}"

    @property
    def generation(self) -> str:
        """`Keras 2`, `tf.keras`, which includes `tf_keras`, or `Keras 3`."""
        subject = self.run.subject
        return "tf.keras" if subject.distribution == "tf.keras" else f"Keras {_number(self.version).major}"

    @property
    def age(self) -> Tuple[Any, ...]:
        """Greater for a newer one: by version, then Python, then time of the run."""
        return (*(_number(text) for text in (self.version, self.run.subject.python)), self.run.started)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Stretch:
    """Neighbouring versions of a family that found the same of a claim."""

    family: str
    verdict: str
    first: str
    last: str

    @property
    def versions(self) -> str:
        """`3.0.5–3.8.0`, in any language."""  # noqa: RUF002
        return self.first if self.first == self.last else f"{self.first}–{self.last}"  # noqa: RUF001

    @property
    def place(self) -> str:
        """`keras 3.0.5 to 3.8.0 on jax`."""
        versions = self.first if self.first == self.last else f"{self.first} to {self.last}"
        distribution, on, backend = self.family.partition(" on ")
        return f"{distribution} {versions}{on}{backend}"


def labels(columns: Sequence[Column]) -> str:
    """The columns' labels, those of one release together: `keras 3.15.1 · jax, torch; tf.keras 2.15.1`."""
    backends: Dict[str, Dict[str, None]] = {}
    for column in columns:
        release, _, backend = column.label.partition(" · ")
        backends.setdefault(release, {})[backend] = None
    return "; ".join(" · ".join(filter(None, (release, ", ".join(found)))) for release, found in backends.items())


def arranged(runs: Sequence[Run]) -> Tuple[Column, ...]:
    """A column for each run: family by family, each from old to new."""
    names = [run.subject.name for run in runs]
    names = [f"{name}, {run.started}" if names.count(name) > 1 else name for name, run in zip(names, runs)]
    times = Counter(names)
    names = [f"{name} ({n})" if times[name] > 1 else name for n, name in enumerate(names, start=1)]
    return tuple(sorted((Column(run, name) for run, name in zip(runs, names)), key=lambda column: (_rank(column), column.age)))


def _rank(column: Column) -> Tuple[Any, ...]:
    subject = column.run.subject
    known = BACKENDS.index(subject.backend) if subject.backend in BACKENDS else len(BACKENDS)
    return subject.distribution != "keras", known, column.family


@functools.lru_cache(maxsize=None)
def _number(text: str) -> Version:
    try:
        return Version(text)
    except ValueError:  # no version, or one of thousands of digits, of whoever wrote the file
        return Version("0")


def stretches(cells: Sequence[Any]) -> List[Stretch]:
    """What the columns found of a claim, neighbours that found the same together. Those that did not check it are left out."""
    found = []
    for (family, verdict), members in itertools.groupby(cells, key=_finding):
        versions = [cell.column.version for cell in members]
        if verdict is not None:
            found.append(Stretch(family, verdict, versions[0], versions[-1]))
    return found


def _finding(cell: Any) -> Tuple[str, Any]:
    return cell.column.family, cell.outcome and cell.outcome.verdict
