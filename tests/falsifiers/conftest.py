"""Runs every falsifier: puts its fault into the running Keras and runs the claim's test, which must then drift."""

import random

import numpy as np
import pytest

from fixtures import interpreter
from fixtures.claims import ERROR, VARIES
from fixtures.collection import require, use_subject
from fixtures.models import forget_models, start_graph


class FalsifierItem(pytest.Function):
    """The test of a claim, run under a fault."""

    fault = None

    def runtest(self):
        """Pass where the claim's verdict drifts; fail where it does not, or where the fault can no longer be applied."""
        claim, subject = self.fault.claim, use_subject(self.config)
        require(claim, subject)
        claim.settle(subject, failing=True)
        forget_models()
        start_graph(subject.keras)
        random.seed(0)  # from Python or numpy Keras draws its seeds of initial weights: a fault is noticed each time or never
        np.random.seed(0)
        with pytest.MonkeyPatch.context() as patch:
            self._apply(subject.keras, patch)
            raised = self._raised()
        forget_models()
        verdict = claim.verdict(subject, raised)
        if verdict == ERROR:
            raise raised
        assert verdict != claim.expected(subject), f"{claim.id} is still '{verdict}' under the fault: {self.fault.sentence}"

    def _apply(self, keras, patch):
        if self.fault.in_interpreter:
            patch.setattr(interpreter, "fault", (self.fault.apply.__module__, self.fault.apply.__name__))
        else:
            self.fault.apply(keras, patch)

    def _raised(self):
        try:
            super().runtest()
        except (Exception, pytest.fail.Exception) as error:  # the verdict says which of them refute the claim
            return error
        return None


def pytest_pycollect_makeitem(collector, name, obj):
    """Every falsifier that applies to the subject becomes a test item of its own for each claim. What varies cannot drift."""
    items = []
    for falsifier in getattr(obj, "falsifiers", []):
        subject = use_subject(collector.config)
        if subject.meets_any(falsifier.on) and falsifier.claim.expected(subject) != VARIES:
            title = f"{name}[{falsifier.claim.id.partition('/')[2]}]"
            item = FalsifierItem.from_parent(collector, name=title, callobj=falsifier.claim.test)
            item.fault = falsifier
            items.append(item)
    return items or None
