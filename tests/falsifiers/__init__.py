"""A small fault for every claim, under which the claim must drift.

    @falsifies(spec.test_holds_out_the_last_samples)
    def rounds_up(keras, patch):
        \"\"\"The split is rounded up.\"\"\"
        patch.setattr(...)                       # pytest's MonkeyPatch, undone afterwards

Where the claim holds, it must fail under the fault by assertion; where it is recorded as not holding, it must hold.
A fault that cannot be applied because the API has moved fails with what `patch` raised. `on` says where it applies, in
the requirement strings of `claim`; a claim may have several falsifiers for as many subjects.
"""

from dataclasses import dataclass
from typing import Any, Callable, Iterable, Tuple

from fixtures.claims import Claim
from fixtures.subject import DISTRIBUTIONS


@dataclass(frozen=True)
class Falsifier:
    """A fault, the claim that it must make drift, and the subjects on which it applies."""

    apply: Callable[[Any, Any], None]
    claim: Claim
    on: Tuple[str, ...]
    in_interpreter: bool

    @property
    def sentence(self) -> str:
        """What the fault breaks."""
        return (self.apply.__doc__ or "").strip()


def falsifies(*tests: Callable[..., None], on: Iterable[str] = DISTRIBUTIONS, in_interpreter: bool = False) -> Callable:
    """Declare a fault, a function of `(keras, patch)`, to be one under which the claims of these tests must drift.

    `in_interpreter` faults are applied in each fork of the fresh interpreters that the claim uses, not in this process.
    """

    def declare(apply: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
        more = [Falsifier(apply, test.claim, tuple(on), in_interpreter) for test in tests]
        apply.falsifiers = getattr(apply, "falsifiers", []) + more  # type: ignore[attr-defined]
        return apply

    return declare
