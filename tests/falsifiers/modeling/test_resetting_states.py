"""A small fault for every claim on resetting the states of a recurrent network."""

from types import SimpleNamespace

import numpy as np

from specs.modeling import test_resetting_states as spec
from tests.falsifiers import falsifies
from tests.falsifiers.modeling.stateful_faults import (
    carry_in_both_directions,
    forget,
    ignore_states,
    lose_resets,
    reset_models,
    track_states,
    wrap_method,
)

BEFORE_3 = ["keras<3", "tf.keras"]


@falsifies(
    spec.test_without_a_reset_a_new_sequence_is_taken_for_more_of_the_old_one,
    spec.test_resetting_each_layer_puts_every_state_back_to_zero,
    spec.test_layer_reset_states_resets_that_layer_alone,
)
def loses_resets(keras, patch):
    """Resetting a layer does nothing."""
    lose_resets(keras, patch)


@falsifies(spec.test_model_reset_states_resets_all_layers, spec.test_resetting_a_layer_of_stacked_cells, on=BEFORE_3)
def loses_resets_of_models(keras, patch):
    """Resetting a layer does nothing."""
    lose_resets(keras, patch)


@falsifies(
    spec.test_layer_reset_state_is_the_later_name,
    on=["keras>=3"],
)
def loses_resets_by_the_later_name(keras, patch):
    """Resetting a layer does nothing."""
    lose_resets(keras, patch)


@falsifies(spec.test_resetting_a_bidirectional_layer_resets_both_directions, on=["keras>=3", "tf.keras"])
def resets_forwards_only(keras, patch):
    """A Bidirectional layer resets its forward half alone."""
    name = "reset_state" if hasattr(keras.layers.RNN, "reset_state") else "reset_states"
    patch.setattr(keras.layers.Bidirectional, name, lambda self: getattr(self.forward_layer, name)())


@falsifies(spec.test_a_callback_resets_the_states_at_the_begin_of_each_epoch, on=spec.TRAINS)
def loses_resets_of_callbacks(keras, patch):
    """Resetting a layer does nothing."""
    lose_resets(keras, patch)


@falsifies(spec.test_a_callback_resets_the_states_at_the_begin_of_each_epoch, on=["keras[jax]"])
def tracks_states_on_jax(keras, patch):
    """On JAX the states are passed into compiled methods and out of them."""
    track_states(keras, patch)


@falsifies(
    spec.test_without_a_reset_a_new_sequence_is_taken_for_more_of_the_old_one,
    spec.test_weights_do_not_include_the_state,
)
def ignores_the_state(keras, patch):
    """Each step of a SimpleRNN starts from zero."""
    ignore_states(keras, patch)


@falsifies(spec.test_layer_reset_states_resets_that_layer_alone, spec.test_resetting_each_layer_puts_every_state_back_to_zero)
def resets_half_of_the_samples(keras, patch):
    """A reset spares the second half of the samples."""
    name = "reset_state" if hasattr(keras.layers.RNN, "reset_state") else "reset_states"
    usual = getattr(keras.layers.RNN, name)

    def reset(self):
        if not self.states or self.states[0] is None:
            return usual(self)
        for state in self.states:
            if hasattr(keras, "ops"):
                value = np.array(keras.ops.convert_to_numpy(state))
                value[:2] = 0
                state.assign(value)
            else:
                value = np.array(keras.backend.get_value(state))
                value[:2] = 0
                keras.backend.set_value(state, value)
        return None

    patch.setattr(keras.layers.RNN, name, reset)


@falsifies(spec.test_layer_reset_state_is_the_later_name, on=BEFORE_3)
def has_the_later_name(keras, patch):
    """A layer has `reset_state`."""
    patch.setattr(keras.layers.RNN, "reset_state", lambda self: self.reset_states(), raising=False)


@falsifies(spec.test_model_reset_states_resets_all_layers, on=["keras>=3"])
def resets_models(keras, patch):
    """A model has `reset_states`."""
    reset_models(keras, patch)


@falsifies(spec.test_model_reset_state_resets_all_layers)
def resets_models_by_the_later_name(keras, patch):
    """A model has `reset_state`."""
    reset_models(keras, patch, "reset_state")


@falsifies(spec.test_resetting_a_bidirectional_layer_resets_both_directions, on=["keras<3"])
def carries_in_both_directions(keras, patch):
    """Keras 2.2's Bidirectional layer remembers that it is stateful."""
    carry_in_both_directions(keras, patch)


@falsifies(spec.test_resetting_a_layer_of_stacked_cells, on=["keras>=3"])
def resets_nested_states(keras, patch):
    """A reset finds the states that are lists in a list."""

    def reset(self):
        for state in keras.tree.flatten(self.states):
            state.assign(np.zeros(state.shape))

    patch.setattr(keras.layers.RNN, "reset_state", reset)


@falsifies(spec.test_assigning_zeros_resets_a_layer_of_stacked_cells, on=["keras>=3"])
def carries_nothing(keras, patch):
    """A stateful layer is stateless."""
    forget(keras, patch)


@falsifies(spec.test_assigning_zeros_resets_a_layer_of_stacked_cells, on=BEFORE_3)
def flattens(keras, patch):
    """Keras 2 has `keras.tree`, and its states can be assigned to."""

    def flatten(states):
        flat = [state for cell in states for state in (cell if isinstance(cell, (list, tuple)) else [cell])]
        return [assignable(state) for state in flat]

    def assignable(state):
        assign = lambda value: keras.backend.set_value(state, value)  # noqa: E731
        return SimpleNamespace(shape=keras.backend.int_shape(state), assign=assign)

    patch.setattr(keras, "tree", SimpleNamespace(flatten=flatten), raising=False)


@falsifies(spec.test_reset_states_takes_other_states_than_zero, on=BEFORE_3)
def always_resets_to_zero(keras, patch):
    """The values given to `reset_states` are ignored."""
    usual = keras.layers.RNN.reset_states
    patch.setattr(keras.layers.RNN, "reset_states", lambda self, states=None: usual(self))


@falsifies(spec.test_reset_states_takes_other_states_than_zero, on=["keras>=3"])
def resets_to_values(keras, patch):
    """`reset_states` takes values."""
    usual = keras.layers.RNN.reset_state

    def reset(self, states=None):
        return usual(self) if states is None else self.states[0].assign(states)

    patch.setattr(keras.layers.RNN, "reset_states", reset)


@falsifies(spec.test_assigning_to_the_states_of_a_layer_sets_them, on=["keras>=3", "tf.keras"])
def ignores_what_is_assigned(keras, patch):
    """Each step of a SimpleRNN starts from zero."""
    ignore_states(keras, patch)


@falsifies(spec.test_assigning_to_the_states_of_a_layer_sets_them, on=["keras<3"])
def assigns_at_once(keras, patch):
    """What is assigned to a variable of Keras 2.2 is there at once."""
    variable = type(keras.backend.variable(0.0))
    usual = variable.assign

    def assign(self, value, *args, **options):
        if isinstance(value, np.ndarray):
            return keras.backend.set_value(self, value)
        return usual(self, value, *args, **options)

    patch.setattr(variable, "assign", assign)


@falsifies(spec.test_weights_do_not_include_the_state)
def set_weights_resets(keras, patch):
    """`set_weights` resets the states."""

    def set_weights(usual, self, weights):
        usual(self, weights)
        for layer in self.layers:
            if isinstance(layer, keras.layers.RNN):
                layer.reset_states()

    wrap_method(keras, patch, "set_weights", set_weights)


@falsifies(spec.test_a_saved_model_starts_from_zero)
def saves_the_state(keras, patch):
    """What is loaded goes on from the state in which it was saved."""
    saved = []
    patch.setattr(keras.models.Model, "save", lambda self, path: saved.append(self))
    patch.setattr(keras.models, "load_model", lambda path, compile: saved[-1])
