"""How is a stateful recurrent network used?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import feed, forget_models, input_layer, recurrent_trio, reset_states, reused, sequential, tallied, tally
from fixtures.recurrences import close, lstm, randomize, simple_rnn, trio, whole_numbers
from fixtures.tensors import static_shape

SAMPLES, STEPS, FEATURES = 4, 2, 3  # of a batch
NO_TARGETS = np.zeros((SAMPLES, 1))  # `tally` learns nothing from them
CARRIES = ["keras<3", "keras[tensorflow]", "keras[torch]", "tf.keras"]
TRAINS = ["keras<3", "keras[tensorflow]", "keras[torch]>=3.9", "tf.keras"]
ELSE = ["test_compiled_methods_take_the_state_for_a_constant", "test_a_sequence_cut_into_batches_gives_what_the_whole_gives"]
ONE_IS_BROADCAST = [
    "keras[tensorflow]<3.12",
    "keras[tensorflow]>=3.14",
    "keras[jax,torch]>=3,<3.12",
    "tf.keras<2",
    "tf.keras>=2.12",
]
ONE_IS_REFUSED = ["keras[tensorflow]>=3.12,<3.14", "keras[theano]", "keras[jax,torch]>=3.12", "tf.keras>=2,<2.12"]
MISMATCH = r"batch size|shape"  # TensorFlow's own error has no class that every Keras could name
REFUSED = "tensorflow.errors.InvalidArgumentError"
RUNNING = {
    "predict": lambda model, x, y: model.predict(x, batch_size=SAMPLES, verbose=0),
    "evaluate": lambda model, x, y: model.evaluate(x, y, batch_size=SAMPLES, verbose=0),
    "fit": lambda model, x, y: model.fit(x, y, batch_size=SAMPLES, shuffle=False, verbose=0),
    "predict_on_batch": lambda model, x, y: model.predict_on_batch(x),
    "test_on_batch": lambda model, x, y: model.test_on_batch(x, y),
    "train_on_batch": lambda model, x, y: model.train_on_batch(x, y),
}
ZEROS = {"kernel_initializer": "zeros", "recurrent_initializer": "zeros"}  # until weights are set: JAX is slow to draw them
seeds, sizes = st.integers(0, 2**32 - 1), st.integers(1, 5)


def batches_of(numbers):
    """The batches `(batches, samples, steps, 1)` as the inputs and targets of one call that runs through them all."""
    x = numbers.reshape((-1, *numbers.shape[2:]))
    return x, np.zeros((len(x), 1))


@claim(
    CARRIES, AssertionError, "test_compiled_methods_take_the_state_for_a_constant", answers=["13.1", "13.R3", "13.R4"],
    examples=5,
)  # fmt: skip
@given(seed=seeds, cuts=st.sets(st.integers(1, 3), min_size=1))
def test_a_sequence_cut_into_batches_gives_what_the_whole_gives(keras, seed, cuts):
    """With `stateful=True`, `SimpleRNN`, `LSTM` and `GRU` go on where the batch before ended, however a sequence is cut.

    So it is not the LSTM alone that can be stateful. On JAX the methods of a model do not carry the state.
    """
    model = recurrent_trio(keras)
    sequences = randomize(model, seed, SAMPLES, 4, FEATURES)
    reset_states(model)
    outputs = [model.predict_on_batch(batch) for batch in np.split(sequences, sorted(cuts), axis=1)]
    assert close(np.concatenate(outputs, axis=1), trio(model, sequences))


@claim(CARRIES, AssertionError, "test_compiled_methods_take_the_state_for_a_constant", answers=["13.1", "13.R3"], examples=1)
@given(seed=seeds)
def test_stacked_cells_and_convolutional_layers_carry_their_state(keras, seed):
    """`RNN` over a list of cells and `ConvLSTM2D` carry all their states too."""
    inputs, images = input_layer(keras, (2, 1), SAMPLES), input_layer(keras, (2, 1, 1, 1), SAMPLES)
    cells = [keras.layers.SimpleRNNCell(2, **ZEROS), keras.layers.LSTMCell(3, recurrent_activation="sigmoid", **ZEROS)]
    stack = keras.layers.RNN(cells, stateful=True, unroll=True)
    convolution = keras.layers.ConvLSTM2D(2, 1, recurrent_activation="sigmoid", stateful=True, **ZEROS)  # on one pixel, an LSTM
    model = keras.models.Model([inputs, images], [stack(inputs), convolution(images)])
    sequences = randomize(model, seed, SAMPLES, 4, 1)
    for half in sequences[:, :2], sequences[:, 2:]:
        stacked, convolved = model.predict_on_batch([half, half[..., None, None]])
    weights = stack.get_weights()
    assert close(stacked, lstm(simple_rnn(sequences, weights[:3])[0], weights[3:])[0][:, -1])
    weights = [np.reshape(weight, np.shape(weight)[-2:]) for weight in convolution.get_weights()[:2]]
    assert close(convolved[:, 0, 0], lstm(sequences, [*weights, convolution.get_weights()[2]])[0][:, -1])


@reused
def bidirectional(keras, unroll=True):
    """A stateful Bidirectional layer over a SimpleRNN. Set its weights."""
    layer = keras.layers.SimpleRNN(2, return_sequences=True, stateful=True, unroll=unroll, **ZEROS)
    return sequential(keras, (STEPS, FEATURES), keras.layers.Bidirectional(layer), batch_size=SAMPLES)


@claim(
    ["keras>=3", "tf.keras>=2"], AssertionError, "test_predicting_leaves_the_states_of_a_bidirectional_layer_alone",
    answers=["13.1", "13.R3"], examples=3,
)  # fmt: skip
@given(seed=seeds, unroll=st.booleans())
@example(seed=0, unroll=True)
@example(seed=0, unroll=False)
def test_a_bidirectional_layer_carries_a_state_in_each_direction(keras, seed, unroll):
    """A stateful `Bidirectional` layer carries two states: backwards it goes on from where the last batch *begins*.

    So two halves in two calls are not the whole sequence in one (tensorflow#38403). On JAX the model must be called for it.
    """
    model = bidirectional(keras, unroll)
    first, second = randomize(model, seed, 2, SAMPLES, STEPS, FEATURES)
    reset_states(model)
    forwards, backwards = model.get_weights()[:3], model.get_weights()[3:]
    ahead = simple_rnn(second, forwards, simple_rnn(first, forwards)[1])[0]
    back = simple_rnn(second[:, ::-1], backwards, simple_rnn(first[:, ::-1], backwards)[1])[0]
    feed(keras, model, first)
    assert close(feed(keras, model, second), np.concatenate([ahead, back[:, ::-1]], axis=-1))


@claim(
    ["keras<3", "tf.keras<2"], AssertionError, "test_a_bidirectional_layer_carries_a_state_in_each_direction",
    answers=["13.R3"], examples=2,
)  # fmt: skip
@given(seed=seeds)
def test_predicting_leaves_the_states_of_a_bidirectional_layer_alone(keras, seed):
    """Predicting does not update the states of a `Bidirectional` layer, even with `stateful=True`; only training does.

    The standalone Keras 2 was so, and TensorFlow 1; tensorflow#34055 tells of the change.
    """
    model = bidirectional(keras)
    batches = randomize(model, seed, 2, SAMPLES, STEPS, FEATURES)
    for batch in batches:
        outputs = feed(keras, model, batch)
    ahead = simple_rnn(batches[1], model.get_weights()[:3])[0]
    back = simple_rnn(batches[1][:, ::-1], model.get_weights()[3:])[0]
    assert close(outputs, np.concatenate([ahead, back[:, ::-1]], axis=-1))


@claim(needs=["training"], answers=["13.R4"], examples=3)
@given(seed=seeds)
def test_a_stateless_network_starts_each_batch_from_zero(keras, seed):
    """Without `stateful=True` every batch starts from a state of zero, whatever went before."""
    model = recurrent_trio(keras, stateful=False)
    batches = randomize(model, seed, 3, SAMPLES, STEPS, FEATURES)
    outputs = np.stack([model.predict_on_batch(batch) for batch in batches])
    assert close(outputs, np.stack([trio(model, batch) for batch in batches]))


@claim(TRAINS, (AssertionError, RuntimeError), ELSE, answers=["13.6"], examples=2)
@given(seed=seeds, order=st.permutations(sorted(RUNNING)))
def test_every_method_that_runs_the_model_updates_the_state(keras, evidence, seed, order):
    """Each of `predict`, `evaluate`, `fit` and `predict_`, `test_`, `train_on_batch` goes on from the state and updates it."""
    model = tally(keras)
    batches = whole_numbers(seed, len(order), SAMPLES, STEPS, 1)
    states = []
    for method, batch in zip(order, batches):
        RUNNING[method](model, batch, NO_TARGETS)
        states.append(tallied(keras, model))
    evidence("sum of the inputs of the first position, after each call", [row[0] for row in states])
    assert states == batches.sum(axis=(2, 3)).cumsum(axis=0).tolist()


@claim(
    ["keras[jax]"], (AssertionError, RuntimeError), ["test_every_method_that_runs_the_model_updates_the_state", ELSE[1]],
    answers=["13.1", "13.6"], examples=1,
)  # fmt: skip
@given(seed=seeds)
def test_compiled_methods_take_the_state_for_a_constant(keras, seed):
    """On JAX `predict`, `evaluate`, `fit`, `train_on_batch` … start from the state of their first run and never update it.

    They compile it in, so that a later reset is lost on them too. A call of the model itself does use and update the state.
    """
    first, second, third = whole_numbers(seed, 3, SAMPLES, STEPS, 1) + 20  # no sum of these is zero
    forget_models()  # a model that has never run
    model = tally(keras, unroll=True)
    feed(keras, model, first)
    for run in RUNNING.values():
        run(model, second, NO_TARGETS)
    assert tallied(keras, model) == first.sum(axis=(1, 2)).tolist()
    reset_states(model)
    assert np.array_equal(model.predict_on_batch(third), first.sum(axis=1) + third.sum(axis=1))


@claim(
    ["keras>=3", "tf.keras>=2"], (ValueError, AssertionError), "test_every_method_that_runs_the_model_updates_the_state",
    answers=["13.6"], examples=3,
)  # fmt: skip
@given(seed=seeds)
def test_calling_the_model_updates_the_state(keras, seed):
    """A call of the model on an array, `model(x)`, goes on from the state and updates it, on every backend.

    Keras 2.2 and 2.3 call a model on symbolic tensors only, TensorFlow 1 makes one of the array.
    """
    model = recurrent_trio(keras, return_sequences=False, unroll=True)
    sequences = randomize(model, seed, SAMPLES, 4, FEATURES).astype("float32")
    reset_states(model)
    model(sequences[:, :2])
    assert close(feed(keras, model, sequences[:, 2:]), trio(model, sequences)[:, -1])


def poll(keras):
    """A stateful model that counts the votes for two classes, given as `[votes for 0, votes for 1]`."""
    layer = keras.layers.SimpleRNN(2, activation="linear", use_bias=False, stateful=True, **ZEROS)
    model = keras.models.Sequential([keras.layers.InputLayer(batch_input_shape=(1, 1, 2)), layer])
    model.set_weights([np.eye(2), np.eye(2)])
    return model


@claim(["keras<3", "tf.keras<2.6"], AttributeError, "test_the_class_is_the_argmax_of_the_outputs", answers=["13.6"])
def test_predict_classes_updates_the_state(keras):
    """`Sequential.predict_classes` gives the class of the highest output and updates the state.

    TensorFlow 2.6 and Keras 3 have it no more.
    """
    classes = poll(keras).predict_classes
    assert [classes(np.array([[vote]]), batch_size=1)[0] for vote in ([0.0, 2.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0])] == [
        1,
        1,
        0,
        0,
    ]


@claim(answers=["13.6"])
def test_the_class_is_the_argmax_of_the_outputs(keras):
    """The `argmax` of a stateful model's outputs is the class, with no method of its own: the state is updated all the same.

    The outputs are those of `predict` or, what JAX needs for the state, of a call of the model.
    """
    model = poll(keras)
    votes = [0.0, 2.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]
    assert [feed(keras, model, np.array([[vote]])).argmax() for vote in votes] == [1, 1, 0, 0]


@claim(TRAINS, (AssertionError, RuntimeError), ELSE, answers=["13.1", "13.6"], examples=2)
@given(seed=seeds, count=st.integers(2, 4))
def test_the_batches_of_one_call_follow_each_other(keras, seed, count):
    """Within one call of `predict`, `evaluate` or `fit(shuffle=False)` each batch goes on from the one before."""
    model = tally(keras)
    numbers = whole_numbers(seed, count, SAMPLES, STEPS, 1)
    x, y = batches_of(numbers)
    outputs = model.predict(x, batch_size=SAMPLES, verbose=0)
    assert np.array_equal(outputs.reshape(count, SAMPLES), numbers.sum(axis=(2, 3)).cumsum(axis=0))
    for method in "evaluate", "fit":
        RUNNING[method](model, x, y)
    assert tallied(keras, model) == (3 * numbers.sum(axis=(0, 2, 3))).tolist()


@claim(CARRIES, AssertionError, "test_compiled_methods_take_the_state_for_a_constant", answers=["13.3"], examples=6)
@given(seed=seeds, order=st.permutations(range(SAMPLES)))
def test_each_position_in_the_batch_has_a_state_of_its_own(keras, seed, order):
    """Sample `i` of a batch follows sample `i` of the batch before, and no other: the state belongs to the position."""
    model = tally(keras)
    first, second = whole_numbers(seed, 2, SAMPLES, STEPS, 1)
    model.predict_on_batch(first)
    outputs = model.predict_on_batch(second[order])
    assert np.array_equal(outputs, first.sum(axis=1) + second[order].sum(axis=1))


@claim(answers=["13.4", "13.R1"], examples=2)
@given(samples=sizes, steps=st.none() | sizes, features=sizes, units=sizes)
@example(samples=2, steps=3, features=4, units=5)
def test_batch_shape_of_an_input_gives_samples_steps_and_features(keras, samples, steps, features, units):
    """`Input(batch_shape=(samples, steps, features))` gives a stateful layer its batch size; only `steps` may be left open.

    A sample is one sequence, a step one point of it in time, its features the numbers known at that point. In Keras 3
    `Input(shape=(steps, features), batch_size=samples)` says the same.
    """
    inputs = keras.layers.Input(batch_shape=(samples, steps, features))
    if hasattr(keras, "ops"):
        assert keras.layers.Input((steps, features), batch_size=samples).shape == inputs.shape
    layer = keras.layers.SimpleRNN(units, stateful=True, return_sequences=True, **ZEROS)
    model = keras.models.Model(inputs, layer(inputs))
    assert tuple(model.input_shape) == (samples, steps, features)
    assert tuple(model.output_shape) == (samples, steps, units)
    assert [static_shape(keras, weight) for weight in layer.weights] == [[features, units], [units, units], [units]]
    assert static_shape(keras, layer.states[0]) == [samples, units]


@claim(["keras<3", "tf.keras"], ValueError, "test_batch_shape_of_an_input_gives_samples_steps_and_features", answers=["13.4"])
def test_batch_input_shape_of_the_first_layer(keras):
    """A first layer takes `batch_input_shape=(samples, steps, features)`.

    Keras 3 knows no such argument (keras#20106, tensorflow#64061, tensorflow#86310); its `Input` has `batch_shape`.
    """
    layer = keras.layers.LSTM(2, batch_input_shape=(SAMPLES, STEPS, FEATURES), stateful=True)
    assert keras.models.Sequential([layer]).input_shape == (SAMPLES, STEPS, FEATURES)
    assert static_shape(keras, layer.states[0]) == [SAMPLES, 2]


@claim(["keras<3", "tf.keras"], ValueError, "test_batch_shape_of_an_input_gives_samples_steps_and_features", answers=["13.4"])
def test_batch_size_beside_input_shape_of_the_first_layer(keras):
    """A first layer takes `input_shape=(steps, features)` with `batch_size=samples`, for the same as `batch_input_shape`."""
    layer = keras.layers.LSTM(2, input_shape=(STEPS, FEATURES), batch_size=SAMPLES, stateful=True)
    assert keras.models.Sequential([layer]).input_shape == (SAMPLES, STEPS, FEATURES)
    assert static_shape(keras, layer.states[0]) == [SAMPLES, 2]


@claim(answers=["13.4"], examples=6)
@given(kind=st.sampled_from(["SimpleRNN", "LSTM", "GRU"]), stateful=st.booleans())
def test_a_stateful_layer_needs_a_batch_size(keras, kind, stateful):
    """A stateful layer raises a `ValueError` when it meets an input of no fixed batch size; a stateless one needs none."""
    inputs = keras.layers.Input(shape=(STEPS, FEATURES))
    layer = getattr(keras.layers, kind)(2, stateful=stateful, **ZEROS)
    if stateful:
        with pytest.raises(ValueError, match="batch size"):
            layer(inputs)
    else:
        assert static_shape(keras, layer(inputs))[1:] == [2]


@claim(needs=["training"], answers=["13.2"], examples=4)
@given(seed=seeds, samples=st.sampled_from([2, 3, 5, 8]))
def test_refuses_a_batch_of_another_size(keras, seed, samples):
    """A batch with another number of samples, unless it is one, raises an error and leaves the state as it was."""
    model = tally(keras)
    first = whole_numbers(seed, SAMPLES, STEPS, 1)
    feed(keras, model, first)
    with pytest.raises(Exception, match=MISMATCH):
        model.predict_on_batch(np.ones((samples, STEPS, 1)))
    assert tallied(keras, model) == first.sum(axis=(1, 2)).tolist()


@claim(
    ONE_IS_REFUSED, pytest.fail.Exception, "test_one_sample_is_broadcast_to_all_positions", bug="keras#21183",
    answers=["13.2"],
)  # fmt: skip
def test_refuses_a_batch_of_one_sample(keras):
    """`predict_on_batch` of one sample, where more are expected, raises an error.

    Keras checks the size since keras#21742, but inside of TensorFlow's graphs it is not known: 3.12 and 3.13 fail over it.
    """
    model = tally(keras)
    feed(keras, model, np.ones((SAMPLES, STEPS, 1)))
    model.predict_on_batch(np.ones((SAMPLES, STEPS, 1)))
    with pytest.raises(Exception, match=MISMATCH):
        model.predict_on_batch(np.ones((1, STEPS, 1)))


@claim(
    ["keras>=2.3,<3", "keras>=3.12", "tf.keras"], pytest.fail.Exception,
    ["test_one_sample_is_broadcast_to_all_positions", "test_refuses_a_batch_of_one_sample"], answers=["13.2"], examples=5,
)  # fmt: skip
@given(samples=st.sampled_from([1, 2, 3, 5, 8]))
@example(samples=1)
def test_a_call_refuses_a_batch_of_another_size(keras, samples):
    """A call of the model itself, `model(x)`, refuses a batch of another size, one sample included, with an error."""
    model = tally(keras)
    batch = getattr(keras, "ops", keras.backend).zeros((samples, STEPS, 1))
    with pytest.raises(Exception, match=r"batch size|[Ss]hape|must be equal"):
        model(batch)


@claim(ONE_IS_BROADCAST, (ValueError, TypeError, REFUSED), "test_refuses_a_batch_of_one_sample", answers=["13.2"], examples=3)
@given(seed=seeds)
def test_one_sample_is_broadcast_to_all_positions(keras, seed):
    """`predict_on_batch` takes one sample for every position without a word, and it goes into every state.

    On JAX, where that method updates no state, it goes into every state by a call of the model, `model(x)`.
    """
    model = tally(keras)
    first, second = whole_numbers(seed, 2, SAMPLES, STEPS, 1)
    run = (lambda batch: feed(keras, model, batch)) if keras.backend.backend() == "jax" else model.predict_on_batch
    run(first)
    outputs = run(second[:1])
    assert np.array_equal(outputs, first.sum(axis=1) + second[:1].sum(axis=1))
    assert tallied(keras, model) == outputs[:, 0].tolist()
    assert len(model.predict_on_batch(second[:1])) == SAMPLES


@claim(answers=["13.2"])
def test_refuses_a_smaller_last_batch(keras):
    """`predict` raises an error where the number of samples is not a multiple of the batch size and more than one is left over.

    Keras 2.2 says so before it starts; later ones have updated the state with the batches before.
    """
    model = tally(keras, samples=3)
    with pytest.raises(Exception, match=MISMATCH):
        model.predict(np.ones((8, STEPS, 1)), batch_size=3, verbose=0)
