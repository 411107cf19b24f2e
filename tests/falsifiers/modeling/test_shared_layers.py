"""Faults in shared layers."""

import numpy as np

from specs.modeling import test_shared_layers as spec
from tests.falsifiers import falsifies


def training_becomes(keras, patch, change):
    """`train_on_batch` works with what `change` makes of inputs and targets."""
    original = keras.models.Model.train_on_batch
    patch.setattr(keras.models.Model, "train_on_batch", lambda self, x, y: original(self, *change(list(x), y)))


@falsifies(spec.test_is_counted_once_for_two_models, spec.test_is_counted_for_each_of_two_models)
def counts_otherwise(keras, patch):
    """A layer that models share is counted for each where it was counted once, and the other way round."""
    params, once = keras.models.Model.count_params, 4 * spec.UNITS * (spec.UNITS + spec.FEATURES + 1)
    patch.setattr(keras.models.Model, "count_params", lambda self: {once: 2 * once, 2 * once: once}[params(self)])


@falsifies(spec.test_has_one_set_of_weights)
def each_branch_has_a_copy(keras, patch):
    """Each further call of a layer makes a new one, with weights of its own."""
    original = keras.layers.LSTM.__call__

    def call(self, *inputs, **options):
        layer = type(self).from_config({**self.get_config(), "name": "copy"}) if self.built and self.weights else self
        return original(layer, *inputs, **options)

    patch.setattr(keras.layers.LSTM, "__call__", call)
    params = keras.models.Model.count_params  # where there is one branch, and so no copy
    patch.setattr(keras.models.Model, "count_params", lambda self: params(self) + (len(self.inputs) == 1))


@falsifies(spec.test_layers_of_their_own_have_more)
def equal_layers_are_counted_once(keras, patch):
    """Layers of one kind are counted once."""
    original = keras.models.Model.count_params
    patch.setattr(keras.models.Model, "count_params", lambda self: original(self) // len(self.inputs))


@falsifies(spec.test_each_branch_computes_what_the_layer_computes)
def the_second_branch_runs_backwards(keras, patch):
    """The second branch reads its sequence from the end."""
    original = keras.models.Model.predict_on_batch
    patch.setattr(keras.models.Model, "predict_on_batch", lambda self, x: original(self, [x[0], x[1][:, ::-1]]))


@falsifies(spec.test_learns_from_every_branch)
def learns_from_the_first_branch_alone(keras, patch):
    """What flows back through the second branch is lost."""
    training_becomes(keras, patch, lambda x, y: ([x[0], 0 * x[1]], y))


@falsifies(spec.test_learns_from_every_branch, spec.test_the_gradient_is_the_sum_over_the_branches)
def takes_the_mean_over_the_branches(keras, patch):
    """Where both branches teach, the mean of what they teach is taken."""
    training_becomes(keras, patch, lambda x, y: (x, y / 2 if np.shape(y)[1] == 1 or np.all(y) else y))


@falsifies(spec.test_the_gradient_is_the_sum_over_the_branches, spec.test_what_one_branch_learns_all_know)
def learns_from_the_second_branch_alone(keras, patch):
    """What flows back through the first branch is lost."""
    training_becomes(keras, patch, lambda x, y: (x, np.concatenate([0 * y[:, :2], y[:, 2:]], axis=1)))


@falsifies(spec.test_an_example)
def trains_nothing(keras, patch):
    """`fit` returns without training."""
    patch.setattr(keras.models.Model, "fit", lambda self, *data, **options: None)
