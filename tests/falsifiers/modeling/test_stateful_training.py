"""A small fault for every claim on how a stateful recurrent network is trained."""

import functools

from specs.modeling import test_stateful_training as spec
from tests.falsifiers import falsifies
from tests.falsifiers.modeling.stateful_faults import (
    accept_old_shapes,
    forget,
    lose_resets,
    reset_models,
    track_states,
    use_plain_loops,
    wrap_method,
)


@falsifies(
    spec.test_the_state_is_carried_from_epoch_to_epoch_and_through_validation,
    spec.test_shuffling_breaks_the_sequences,
    spec.test_unrolled_training_does_not_look_back_past_its_batch,
    on=spec.CARRIES,
)
def carries_nothing(keras, patch):
    """A stateful layer is stateless."""
    forget(keras, patch)


@falsifies(spec.test_training_does_not_look_back_past_its_batch, on=["keras[tensorflow]>=3", "keras[torch]>=3", "tf.keras"])
def trains_without_a_state(keras, patch):
    """A stateful layer is stateless."""
    forget(keras, patch)


@falsifies(
    spec.test_two_pieces_of_a_sequence_are_trained_one_after_the_other,
    on=["keras<3", "keras[tensorflow]", "tf.keras"],
)
def trains_pieces_by_themselves(keras, patch):
    """A stateful LSTM loses its state between two calls, yet lets itself be reset."""

    def train(usual, self, *args, **options):
        for layer in self.layers:
            if isinstance(layer, keras.layers.RNN):
                layer.reset_states()
        return usual(self, *args, **options)

    wrap_method(keras, patch, "train_on_batch", train)


@falsifies(
    spec.test_the_state_is_carried_from_epoch_to_epoch_and_through_validation,
    spec.test_shuffling_breaks_the_sequences,
    spec.test_training_does_not_look_back_past_its_batch,
    spec.test_unrolled_training_does_not_look_back_past_its_batch,
    spec.test_two_pieces_of_a_sequence_are_trained_one_after_the_other,
    on=["keras[jax]"],
)
def tracks_states_on_jax(keras, patch):
    """On JAX the states are passed into compiled methods and out of them."""
    track_states(keras, patch)


@falsifies(spec.test_the_state_is_carried_from_epoch_to_epoch_and_through_validation, on=spec.CARRIES)
def resets_after_each_epoch(keras, patch):
    """`fit` resets the states at the end of each epoch."""

    class Reset(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            for layer in self.model.layers:
                if isinstance(layer, keras.layers.RNN):
                    layer.reset_states()

    wrap_method(keras, patch, "fit", lambda usual, self, *args, **options: usual(self, *args, callbacks=[Reset()], **options))


@falsifies(spec.test_shuffling_breaks_the_sequences, on=spec.CARRIES)
def does_not_shuffle(keras, patch):
    """`fit` shuffles only when it is told to."""
    wrap_method(keras, patch, "fit", lambda usual, self, *args, **o: usual(self, *args, **{"shuffle": False, **o}))


@falsifies(
    spec.test_every_recurrent_layer_can_be_trained_while_stateful,
    on=["keras<3", "keras[tensorflow]", "keras[jax]", "tf.keras"],
)
def trains_nothing(keras, patch):
    """`train_on_batch` only evaluates."""
    patch.setattr(keras.models.Model, "train_on_batch", keras.models.Model.test_on_batch)


@falsifies(spec.test_use_cudnn_false_lets_every_layer_train_on_pytorch)
def trains_nothing_on_pytorch(keras, patch):
    """`train_on_batch` only evaluates."""
    patch.setattr(keras.models.Model, "train_on_batch", keras.models.Model.test_on_batch)


@falsifies(
    spec.test_every_recurrent_layer_can_be_trained_while_stateful,
    spec.test_two_pieces_of_a_sequence_are_trained_one_after_the_other,
    on=["keras[torch]"],
)
def trains_with_plain_loops(keras, patch):
    """LSTM and GRU have no implementation of their own on PyTorch."""
    use_plain_loops(keras, patch)


def change_decay(keras, patch):
    """RMSprop's decay is 0.8."""
    usual = keras.optimizers.RMSprop.__init__
    patch.setattr(keras.optimizers.RMSprop, "__init__", lambda self, **options: usual(self, **{**options, "rho": 0.8}))


@falsifies(spec.test_rmsprop_divides_by_the_root_of_the_mean_square, on=["keras>=3", "tf.keras"])
def decays_faster(keras, patch):
    """RMSprop's decay is 0.8."""
    change_decay(keras, patch)


@falsifies(spec.test_rmsprop_of_keras_2_has_epsilon_outside_of_the_root, on=["keras<3"])
def decayed_faster(keras, patch):
    """RMSprop's decay is 0.8."""
    change_decay(keras, patch)


@falsifies(spec.test_rmsprop_of_keras_2_has_epsilon_outside_of_the_root, on=["keras>=3", "tf.keras"])
def adds_epsilon_to_the_root(keras, patch):
    """RMSprop adds its epsilon to the root: e + sqrt(v) is the root of v + 2 e sqrt(v) + e²."""

    def epsilon(self):
        velocity = self._velocities[0]
        added = 2e-7 * velocity**0.5 + 1e-14
        return [added.detach()] if keras.backend.backend() == "torch" else added  # PyTorch takes a list for a list

    patch.setattr(keras.optimizers.RMSprop, "epsilon", property(epsilon, lambda self, value: None), raising=False)


@falsifies(spec.test_rmsprop_divides_by_the_root_of_the_mean_square, on=["keras<3"])
def adds_epsilon_under_the_root(keras, patch):
    """RMSprop adds its epsilon under the root."""
    usual = keras.backend.sqrt
    patch.setattr(keras.backend, "sqrt", lambda x: usual(x + 1e-7) - 1e-7)


@falsifies(spec.test_the_example_of_2018_runs_as_printed, on=["keras<3", "tf.keras"])
def loses_resets(keras, patch):
    """Resetting a layer does nothing."""
    lose_resets(keras, patch)


@falsifies(spec.test_the_example_of_2018_runs_as_printed, on=["keras>=3"])
def is_as_in_2018(keras, patch):
    """Keras 3 takes the old arguments, resets models, and trains stateful layers on every backend."""
    accept_old_shapes(keras, patch)
    reset_models(keras, patch)
    track_states(keras, patch)
    if keras.backend.backend() == "torch":
        use_plain_loops(keras, patch)


@falsifies(spec.test_the_state_may_be_passed_on_by_hand)
def swaps_the_states(keras, patch):
    """An LSTM returns its two states in the wrong order."""
    usual = keras.layers.LSTM.call

    @functools.wraps(usual)
    def call(self, *args, **options):
        result = usual(self, *args, **options)
        return type(result)([result[0], result[2], result[1]]) if self.return_state else result

    patch.setattr(keras.layers.LSTM, "call", call)
