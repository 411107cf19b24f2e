"""Faults for: Can a model be pickled?"""

from fixtures.models import sgd
from fixtures.trained import scale_layer
from specs.saving import test_pickling as spec
from tests.falsifiers import falsifies

STATE = {}


def compiled_afresh(architecture, weights):
    """What the faulty pickle makes of a model."""
    model = STATE["keras"].models.model_from_json(architecture)
    model.set_weights(weights)
    model.compile(optimizer=sgd(STATE["keras"], 0.25, momentum=0.5), loss="mean_squared_error")
    return model


@falsifies(spec.test_brings_the_model_back, on=spec.WHOLE)
@falsifies(spec.test_forgets_the_optimizer)
def pickles_no_optimizer(keras, patch):
    """A pickle holds the weights, but not the state of the optimizer."""
    STATE["keras"] = keras
    reduce = lambda self, *_: (compiled_afresh, (self.to_json(), self.get_weights()))  # noqa: E731
    patch.setattr(keras.models.Model, "__reduce__", reduce, raising=False)


@falsifies(spec.test_is_refused)
def holds_what_cannot_be_pickled(keras, patch):
    """A model holds something that cannot be pickled."""

    def reduce(self, *_):
        raise TypeError("cannot pickle a lock")

    patch.setattr(keras.models.Model, "__reduce__", reduce, raising=False)


@falsifies(spec.test_holds_no_custom_layer, spec.test_holds_what_a_custom_layer_computes)
def knows_the_layer(keras, patch):
    """A layer of the reader's own is known by its name alone."""
    patch.setitem(keras.utils.get_custom_objects(), "Scale", scale_layer(keras, False))
