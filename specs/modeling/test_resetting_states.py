"""Why and how is the state of a recurrent network reset?"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import feed, forget_models, input_layer, recurrent_trio, reset_states, reused, sequential, tallied, tally
from fixtures.recurrences import close, randomize, trio, whole_numbers

SAMPLES, STEPS, FEATURES = 4, 2, 3  # of a batch
TRAINS = ["keras<3", "keras[tensorflow]", "keras[torch]>=3.9", "tf.keras"]
ZEROS = {"kernel_initializer": "zeros", "recurrent_initializer": "zeros"}  # until weights are set: JAX is slow to draw them
seeds = st.integers(0, 2**32 - 1)


@claim(answers=["13.5", "13.R2"], examples=3)
@given(seed=seeds, between=st.integers(1, 2))
def test_without_a_reset_a_new_sequence_is_taken_for_more_of_the_old_one(keras, seed, between):
    """A state lasts until it is reset: only then do new sequences begin from zero, as those of a new network do."""
    model = tally(keras, unroll=True)
    old, new = whole_numbers(seed, 2, SAMPLES, STEPS, 1)
    for _ in range(between):
        feed(keras, model, old)
    assert np.array_equal(feed(keras, model, new), between * old.sum(axis=1) + new.sum(axis=1))
    reset_states(model)
    assert np.array_equal(feed(keras, model, new), new.sum(axis=1))


@claim(answers=["13.5", "13.R3"], examples=3)
@given(seed=seeds)
def test_resetting_each_layer_puts_every_state_back_to_zero(keras, evidence, seed):
    """Once its stateful layers are reset, a network of any of `SimpleRNN`, `LSTM`, `GRU` repeats its first outputs bit by bit.

    All states of all samples are zero then, and all weights are as before.
    """
    model = recurrent_trio(keras, return_sequences=False, unroll=True)
    batches = randomize(model, seed, 4, SAMPLES, STEPS, FEATURES)
    weights = model.get_weights()
    reset_states(model)
    first = [feed(keras, model, batch) for batch in batches]
    assert not np.array_equal(feed(keras, model, batches[0]), first[0])
    for layer in model.layers:
        if getattr(layer, "stateful", False):
            layer.reset_states()
    second = [feed(keras, model, batch) for batch in batches]
    evidence("norm of the outputs, batch after batch, from zero", [float(np.linalg.norm(output)) for output in second])
    assert np.array_equal(first, second)
    assert close(second[0], trio(model, batches[0])[:, -1])
    assert all(map(np.array_equal, weights, model.get_weights()))


@reused
def two_tallies(keras):
    """Two layers, side by side, that each add up the inputs: `(4, 2, 1)` to `(4, 2)`."""
    options = {
        "use_bias": False,
        "kernel_initializer": "ones",
        "recurrent_initializer": "ones",
        "stateful": True,
        "unroll": True,
    }
    inputs = input_layer(keras, (STEPS, 1), SAMPLES)
    layers = [keras.layers.SimpleRNN(1, activation="linear", name=name, **options) for name in ("left", "right")]
    return keras.models.Model(inputs, keras.layers.concatenate([layer(inputs) for layer in layers]))


def reached(keras, seed):
    """`two_tallies` after a batch, and what both have reached with it: `(4, 1)`."""
    model, batch = two_tallies(keras), whole_numbers(seed, SAMPLES, STEPS, 1)
    reset_states(model)
    feed(keras, model, batch)
    return model, batch.sum(axis=1)


NOTHING = np.zeros((SAMPLES, STEPS, 1))  # fed, it shows the states and leaves them as they are


@claim(answers=["13.5"], examples=6)
@given(seed=seeds, name=st.sampled_from(["left", "right"]))
def test_layer_reset_states_resets_that_layer_alone(keras, seed, name):
    """`layer.reset_states()` puts the state of this layer back to zero, for all samples, and no other layer's."""
    model, sums = reached(keras, seed)
    model.get_layer(name).reset_states()
    expected = [np.zeros_like(sums), sums] if name == "left" else [sums, np.zeros_like(sums)]
    assert np.array_equal(feed(keras, model, NOTHING), np.concatenate(expected, axis=1))


@claim(["keras>=3"], AttributeError, "test_layer_reset_states_resets_that_layer_alone", answers=["13.5"], examples=4)
@given(seed=seeds)
def test_layer_reset_state_is_the_later_name(keras, seed):
    """`layer.reset_state()`, without the s, does the same: the name that Keras 3 gives it."""
    model, sums = reached(keras, seed)
    model.get_layer("left").reset_state()
    assert np.array_equal(feed(keras, model, NOTHING), np.concatenate([np.zeros_like(sums), sums], axis=1))


@claim(
    ["keras<3", "tf.keras"],
    AttributeError,
    "test_resetting_each_layer_puts_every_state_back_to_zero",
    answers=["13.5"],
    examples=4,
)
@given(seed=seeds)
def test_model_reset_states_resets_all_layers(keras, seed):
    """`model.reset_states()` puts the states of all layers of the model back to zero.

    Keras 3 has no such method of a model (keras#18467). A stateless model's did nothing, silently (keras#16250).
    """
    model, _ = reached(keras, seed)
    model.reset_states()
    assert np.array_equal(feed(keras, model, NOTHING), np.zeros((SAMPLES, 2)))


@claim(
    [],
    AttributeError,
    "test_resetting_each_layer_puts_every_state_back_to_zero",
    bug="keras#20327",
    answers=["13.5"],
    examples=4,
)
@given(seed=seeds)
def test_model_reset_state_resets_all_layers(keras, seed):
    """`model.reset_state()`, without the s, puts the states of all layers back to zero, as Keras 3 documents it for RNNs."""
    model, _ = reached(keras, seed)
    model.reset_state()
    assert np.array_equal(feed(keras, model, NOTHING), np.zeros((SAMPLES, 2)))


@claim(
    ["keras>=3", "tf.keras>=2"],
    AssertionError,
    "test_resetting_each_layer_puts_every_state_back_to_zero",
    answers=["13.5", "13.R3"],
    examples=1,
)
@given(seed=seeds)
def test_resetting_a_bidirectional_layer_resets_both_directions(keras, seed):
    """`reset_states()` of a `Bidirectional` layer puts the states of both its directions back to zero (tensorflow#38403).

    In Keras 2.2 and 2.3, and TensorFlow 1, there is nothing to reset after `predict`, which does not update them.
    """
    layer = keras.layers.SimpleRNN(2, stateful=True, unroll=True, **ZEROS)
    model = sequential(keras, (STEPS, FEATURES), keras.layers.Bidirectional(layer), batch_size=SAMPLES)
    batch = randomize(model, seed, SAMPLES, STEPS, FEATURES)
    first, second = feed(keras, model, batch), feed(keras, model, batch)
    assert all(np.any(first[:, half] != second[:, half]) for half in (slice(2), slice(2, 4)))
    model.layers[-1].reset_states()
    assert np.array_equal(feed(keras, model, batch), first)


def stacked_cells(keras):
    """A new stateful RNN over two cells."""
    cells = [keras.layers.SimpleRNNCell(2, **ZEROS), keras.layers.LSTMCell(2, **ZEROS)]
    return sequential(keras, (STEPS, FEATURES), keras.layers.RNN(cells, stateful=True, unroll=True), batch_size=SAMPLES)


@claim(
    ["keras<3", "tf.keras"],
    AttributeError,
    "test_assigning_zeros_resets_a_layer_of_stacked_cells",
    answers=["13.5", "13.R3"],
    examples=1,
)
@given(seed=seeds)
def test_resetting_a_layer_of_stacked_cells(keras, seed):
    """`reset_states()` of an `RNN` over a list of cells puts the states of all cells back to zero.

    In Keras 3 it fails: the states are lists in a list. Stacked layers, rather than cells, can be reset.
    """
    model = stacked_cells(keras)
    batch = randomize(model, seed, SAMPLES, STEPS, FEATURES)
    first, second = feed(keras, model, batch), feed(keras, model, batch)
    assert not np.array_equal(first, second)
    model.layers[-1].reset_states()
    assert np.array_equal(feed(keras, model, batch), first)


def sum_of_lists(states):
    """The states of all cells, each of which has a list of them or one."""
    return [state for cell in states for state in (cell if isinstance(cell, (list, tuple)) else [cell])]


@claim(["keras>=3"], AttributeError, "test_resetting_a_layer_of_stacked_cells", answers=["13.5", "13.R3"], examples=1)
@given(seed=seeds)
def test_assigning_zeros_resets_a_layer_of_stacked_cells(keras, seed):
    """Assigning zeros to each of `keras.tree.flatten(layer.states)` puts the states of all stacked cells back to zero.

    Keras 3.0 has no `keras.tree`: there they are picked out of the lists in the list by hand.
    """
    flatten = sum_of_lists if hasattr(keras, "ops") and not hasattr(keras, "tree") else keras.tree.flatten
    model = stacked_cells(keras)
    batch = randomize(model, seed, SAMPLES, STEPS, FEATURES)
    first, second = feed(keras, model, batch), feed(keras, model, batch)
    assert not np.array_equal(first, second)
    for state in flatten(model.layers[-1].states):
        state.assign(np.zeros(state.shape))
    assert np.array_equal(feed(keras, model, batch), first)


@claim(["keras<3", "tf.keras"], TypeError, "test_assigning_to_the_states_of_a_layer_sets_them", answers=["13.5"], examples=4)
@given(seed=seeds)
def test_reset_states_takes_other_states_than_zero(keras, seed):
    """`layer.reset_states(states=values)` sets the states, one row of values a sample.

    Keras 3 documents it but lacks it.
    """
    model, sums = reached(keras, seed)
    model.get_layer("left").reset_states(states=7 * sums)
    assert np.array_equal(feed(keras, model, NOTHING), np.concatenate([7 * sums, sums], axis=1))


@claim(
    ["keras>=3", "tf.keras>=2"],
    (AssertionError, AttributeError),
    "test_reset_states_takes_other_states_than_zero",
    answers=["13.5"],
    examples=4,
)
@given(seed=seeds)
def test_assigning_to_the_states_of_a_layer_sets_them(keras, seed):
    """`layer.states` lists a layer's state variables; what is assigned to one is where the next batch starts from.

    On TensorFlow 1 `assign` only describes an operation, and Theano has none; `keras.backend.set_value` carries one out.
    """
    model, sums = reached(keras, seed)
    model.get_layer("left").states[0].assign(7 * sums)
    assert np.array_equal(feed(keras, model, NOTHING), np.concatenate([7 * sums, sums], axis=1))


@claim(answers=["13.5"], examples=1)
@given(seed=seeds)
def test_weights_do_not_include_the_state(keras, seed):
    """The state is none of `get_weights()`, and `set_weights` and `compile` leave it alone."""
    model, sums = reached(keras, seed)
    assert [weight.tolist() for weight in model.get_weights()] == [[[1.0]]] * 4
    model.set_weights(model.get_weights())
    model.compile(loss="mse", optimizer="sgd")
    assert np.array_equal(feed(keras, model, NOTHING), np.concatenate([sums, sums], axis=1))


@claim(answers=["13.5"])
def test_a_saved_model_starts_from_zero(keras, tmp_path_factory):
    """A file of `model.save` does not hold the state: the model that `load_model` makes of it starts from zero.

    From there on it carries its state from batch to batch, whether its layers are `SimpleRNN`, `LSTM` or `GRU`.
    """
    forget_models()  # a model that was never compiled
    model, sums = reached(keras, seed=3)
    path = str(tmp_path_factory.mktemp("stateful") / "model.h5")
    model.save(path)
    loaded = keras.models.load_model(path, compile=False)
    assert np.array_equal(feed(keras, loaded, NOTHING), np.zeros((SAMPLES, 2)))
    assert np.array_equal(feed(keras, model, NOTHING), np.concatenate([sums, sums], axis=1))
    assert np.all(sums)

    network = recurrent_trio(keras, return_sequences=False, unroll=True)
    batches = randomize(network, 3, 2, SAMPLES, STEPS, FEATURES)
    network.save(path)
    loaded = keras.models.load_model(path, compile=False)
    _, second = [feed(keras, loaded, batch) for batch in batches]
    assert close(second, trio(network, np.concatenate(batches, axis=1))[:, -1])


@claim(
    TRAINS,
    (AssertionError, RuntimeError),
    "test_resetting_each_layer_puts_every_state_back_to_zero",
    answers=["13.5", "13.R2"],
    examples=1,
)
@given(seed=seeds, epochs=st.integers(2, 3))
def test_a_callback_resets_the_states_at_the_begin_of_each_epoch(keras, seed, epochs):
    """A worked example: a callback whose `on_epoch_begin` resets the layers makes every epoch of `fit` start from zero.

    The state it ends with is that of one epoch alone, however many there were. Before Keras 3.10 PyTorch does not train it.
    """

    class ResetStates(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            for layer in self.model.layers:
                if getattr(layer, "stateful", False):
                    layer.reset_states()

    model = tally(keras)
    x = whole_numbers(seed, 2, SAMPLES, STEPS, 1) + 10  # so that no sum is zero
    inputs, targets = x.reshape(2 * SAMPLES, STEPS, 1), np.zeros((2 * SAMPLES, 1))
    options = {"batch_size": SAMPLES, "shuffle": False, "verbose": 0}
    model.fit(inputs, targets, epochs=epochs, callbacks=[ResetStates()], **options)
    assert tallied(keras, model) == x.sum(axis=(0, 2, 3)).tolist()
