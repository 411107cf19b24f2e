"""A small fault for every claim on how a stateful recurrent network is used."""

import numpy as np

from fixtures.models import feed
from specs.modeling import test_stateful_rnn as spec
from tests.falsifiers import falsifies
from tests.falsifiers.modeling.stateful_faults import (
    RememberedStates,
    accept_old_shapes,
    carry_in_both_directions,
    forget,
    ignore_states,
    start_from_one,
    track_states,
    wrap_method,
)

METHODS = "predict", "evaluate", "fit", "predict_on_batch", "test_on_batch", "train_on_batch"


@falsifies(
    spec.test_a_sequence_cut_into_batches_gives_what_the_whole_gives,
    spec.test_stacked_cells_and_convolutional_layers_carry_their_state,
    spec.test_every_method_that_runs_the_model_updates_the_state,
    spec.test_the_batches_of_one_call_follow_each_other,
    spec.test_each_position_in_the_batch_has_a_state_of_its_own,
    on=spec.CARRIES,
)
def carries_nothing(keras, patch):
    """A stateful layer is stateless."""
    forget(keras, patch)


@falsifies(
    spec.test_a_bidirectional_layer_carries_a_state_in_each_direction,
    spec.test_calling_the_model_updates_the_state,
    spec.test_predicting_leaves_the_states_of_a_bidirectional_layer_alone,
    on=["keras>=3", "tf.keras"],
)
def carries_nothing_when_called(keras, patch):
    """A stateful layer is stateless."""
    forget(keras, patch)


@falsifies(spec.test_the_class_is_the_argmax_of_the_outputs)
def ignores_the_state(keras, patch):
    """Each step of a SimpleRNN starts from zero."""
    ignore_states(keras, patch)


@falsifies(spec.test_predict_classes_updates_the_state, on=["keras<3"])
def predicts_classes_without_a_state(keras, patch):
    """Each step of a SimpleRNN starts from zero."""
    ignore_states(keras, patch)


@falsifies(spec.test_predict_classes_updates_the_state, on=["keras>=3", "tf.keras"])
def has_predict_classes(keras, patch):
    """`predict_classes` is there again."""
    classes = lambda self, x, batch_size: feed(keras, self, x).argmax(axis=-1)  # noqa: E731
    patch.setattr(keras.models.Sequential, "predict_classes", classes, raising=False)


@falsifies(
    spec.test_a_sequence_cut_into_batches_gives_what_the_whole_gives,
    spec.test_stacked_cells_and_convolutional_layers_carry_their_state,
    spec.test_every_method_that_runs_the_model_updates_the_state,
    spec.test_the_batches_of_one_call_follow_each_other,
    spec.test_each_position_in_the_batch_has_a_state_of_its_own,
    spec.test_compiled_methods_take_the_state_for_a_constant,
    on=["keras[jax]"],
)
def tracks_states_on_jax(keras, patch):
    """On JAX the states are passed into compiled methods and out of them."""
    track_states(keras, patch)


@falsifies(spec.test_compiled_methods_take_the_state_for_a_constant, on=spec.CARRIES)
def methods_start_from_the_first_state(keras, patch):
    """Every method starts from the states that its model's first run found, and leaves them so."""
    remembered = {}

    def run(usual, self, *args, **options):
        if id(self) not in remembered and hasattr(keras, "ops"):
            remembered[id(self)] = RememberedStates(keras, self)
        if id(self) in remembered:
            remembered[id(self)].put_back()
        result = usual(self, *args, **options)
        remembered.setdefault(id(self), RememberedStates(keras, self)).put_back()
        return result

    for name in METHODS:
        wrap_method(keras, patch, name, run)


@falsifies(spec.test_a_bidirectional_layer_carries_a_state_in_each_direction, on=["keras<3"])
def carries_in_both_directions(keras, patch):
    """Keras 2.2's Bidirectional layer remembers that it is stateful."""
    carry_in_both_directions(keras, patch)


@falsifies(spec.test_predicting_leaves_the_states_of_a_bidirectional_layer_alone, on=["keras<3"])
def predicts_in_both_directions(keras, patch):
    """Keras 2.2's Bidirectional layer remembers that it is stateful."""
    carry_in_both_directions(keras, patch)


@falsifies(spec.test_a_stateless_network_starts_each_batch_from_zero)
def starts_from_one(keras, patch):
    """The initial state is one instead of zero."""
    start_from_one(keras, patch)


@falsifies(spec.test_every_method_that_runs_the_model_updates_the_state, on=spec.CARRIES)
def evaluate_resets(keras, patch):
    """`evaluate` puts back the states that it found."""

    def evaluate(usual, self, *args, **options):
        found = RememberedStates(keras, self)
        result = usual(self, *args, **options)
        found.put_back()
        return result

    wrap_method(keras, patch, "evaluate", evaluate)


@falsifies(spec.test_the_batches_of_one_call_follow_each_other, on=spec.CARRIES)
def predict_runs_backwards(keras, patch):
    """`predict` runs through its batches from the last to the first."""
    wrap_method(keras, patch, "predict", lambda usual, self, x, **options: usual(self, x[::-1], **options)[::-1])


@falsifies(spec.test_each_position_in_the_batch_has_a_state_of_its_own, on=spec.CARRIES)
def shares_the_state_of_the_first(keras, patch):
    """Every position of a batch goes on from the first one's state."""
    usual = keras.layers.SimpleRNNCell.call

    def call(self, inputs, states, *args, **options):
        return usual(self, inputs, [0 * states[0] + states[0][:1]], *args, **options)

    patch.setattr(keras.layers.SimpleRNNCell, "call", call)


@falsifies(spec.test_calling_the_model_updates_the_state, on=["keras<3"])
def calls_on_arrays(keras, patch):
    """A call of a Keras 2.2 model on an array predicts."""
    usual = keras.models.Model.__call__

    def call(self, inputs, *args, **options):
        return self.predict_on_batch(inputs) if isinstance(inputs, np.ndarray) else usual(self, inputs, *args, **options)

    patch.setattr(keras.models.Model, "__call__", call)


@falsifies(spec.test_batch_shape_of_an_input_gives_samples_steps_and_features)
def swaps_samples_and_features(keras, patch):
    """`Input` takes its batch shape in another order."""
    usual = keras.layers.Input
    patch.setattr(keras.layers, "Input", lambda shape=(), batch_shape=(), **_: usual(batch_shape=(batch_shape or shape)[::-1]))


@falsifies(
    spec.test_batch_input_shape_of_the_first_layer,
    spec.test_batch_size_beside_input_shape_of_the_first_layer,
    on=["keras<3", "tf.keras"],
)
def makes_batches_one_larger(keras, patch):
    """A layer's batch size is one larger than given."""
    usual = keras.layers.LSTM.__init__

    def build(self, *args, **options):
        if "batch_size" in options:
            options["batch_size"] += 1
        else:
            samples, *rest = options["batch_input_shape"]
            options["batch_input_shape"] = (samples + 1, *rest)
        usual(self, *args, **options)

    patch.setattr(keras.layers.LSTM, "__init__", build)


@falsifies(
    spec.test_batch_input_shape_of_the_first_layer,
    spec.test_batch_size_beside_input_shape_of_the_first_layer,
    on=["keras>=3"],
)
def takes_batch_shapes(keras, patch):
    """An LSTM of Keras 3 takes the old arguments of a first layer."""
    accept_old_shapes(keras, patch)


@falsifies(spec.test_a_stateful_layer_needs_a_batch_size)
def assumes_a_batch_of_one(keras, patch):
    """`Input` without a batch size takes one for it."""
    usual = keras.layers.Input
    patch.setattr(keras.layers, "Input", lambda shape: usual(batch_shape=(1, *shape)))


def resize(usual, self, x, *args, **options):
    """Repeat or drop samples until there are as many as the batch size."""
    return usual(self, np.resize(x, self.input_shape), *args, **options)


@falsifies(spec.test_refuses_a_batch_of_another_size)
def resizes_batches(keras, patch):
    """A batch of another size is cut or repeated."""
    wrap_method(keras, patch, "predict_on_batch", resize)


@falsifies(spec.test_refuses_a_batch_of_one_sample, on=["keras[jax]>=3", "keras[torch]>=3"])
def repeats_one_sample(keras, patch):
    """A batch of another size is cut or repeated."""
    wrap_method(keras, patch, "predict_on_batch", resize)


@falsifies(spec.test_one_sample_is_broadcast_to_all_positions, on=["keras[torch]>=3"])
def broadcasts_one_sample(keras, patch):
    """A batch of another size is cut or repeated."""
    wrap_method(keras, patch, "predict_on_batch", resize)


@falsifies(spec.test_one_sample_is_broadcast_to_all_positions, on=["keras[jax]"])
def broadcasts_one_sample_on_jax(keras, patch):
    """A batch of another size is cut or repeated, and the states are tracked."""
    track_states(keras, patch)
    wrap_method(keras, patch, "predict_on_batch", resize)


@falsifies(
    spec.test_refuses_a_batch_of_one_sample, spec.test_one_sample_is_broadcast_to_all_positions, on=spec.ONE_IS_BROADCAST
)
def checks_the_batch_size(keras, patch):
    """`predict_on_batch` checks the batch size itself."""

    def check(usual, self, x):
        if len(x) != self.input_shape[0]:
            raise ValueError("another batch size")
        return usual(self, x)

    wrap_method(keras, patch, "predict_on_batch", check)


@falsifies(spec.test_a_call_refuses_a_batch_of_another_size)
def calls_check_their_size_in_keras_2_only(keras, patch):
    """A call of the model checks the batch size where it did not, and no longer where it did."""

    def call(usual, self, x):
        if not hasattr(keras.Model, "train_step") and x.shape[0] != self.input_shape[0]:
            raise ValueError("another batch size")
        return None

    wrap_method(keras, patch, "__call__", call)


@falsifies(spec.test_refuses_a_smaller_last_batch)
def drops_the_remainder(keras, patch):
    """`predict` leaves out the last batch if it is smaller than the others."""

    def drop(usual, self, x, batch_size, **options):
        return usual(self, x[: len(x) // batch_size * batch_size], batch_size=batch_size, **options)

    wrap_method(keras, patch, "predict", drop)
