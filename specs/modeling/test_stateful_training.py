"""How is a stateful recurrent network trained?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import forget_batches, input_layer, recurrent_trio, reset_states, sequential, sgd, tallied, tally
from fixtures.recurrences import close, gru, lstm, randomize, simple_rnn, whole_numbers

SAMPLES, STEPS = 4, 2  # of a batch
NO_TARGETS = np.zeros((SAMPLES, 1))  # `tally` learns nothing from them
CARRIES = ["keras<3", "keras[tensorflow]", "keras[torch]>=3.9", "tf.keras"]
seeds = st.integers(0, 2**32 - 1)
BATCHES = 10


@claim(
    CARRIES, (AssertionError, RuntimeError), "test_the_state_may_be_passed_on_by_hand", answers=["13.1", "13.R2"], examples=1
)
@given(seed=seeds, epochs=st.integers(2, 3))
def test_the_state_is_carried_from_epoch_to_epoch_and_through_validation(keras, seed, epochs):
    """`fit` resets nothing: an epoch goes on from where the one before ended, or from where its validation ended."""
    model = tally(keras)
    trained, validated = whole_numbers(seed, 2, SAMPLES, STEPS, 1)
    options = {"batch_size": SAMPLES, "epochs": epochs, "shuffle": False, "verbose": 0}
    model.fit(trained, NO_TARGETS, **options)
    assert tallied(keras, model) == (epochs * trained.sum(axis=(1, 2))).tolist()
    model.fit(trained, NO_TARGETS, validation_data=(validated, NO_TARGETS), **options)
    assert tallied(keras, model) == (epochs * (2 * trained + validated).sum(axis=(1, 2))).tolist()


@claim(CARRIES, (AssertionError, RuntimeError), "test_the_state_may_be_passed_on_by_hand", answers=["13.3"])
def test_shuffling_breaks_the_sequences(keras):
    """`fit` shuffles unless told `shuffle=False`, and then lets samples of other sequences follow at a position.

    By chance it would keep the order of these 48 samples once in 7e10 times.
    """
    x = np.zeros((12, SAMPLES, STEPS, 1))
    x[:, 0] = 1  # the first of each batch is of one sequence, the rest are of others
    model, x = tally(keras), x.reshape(48, STEPS, 1)
    model.fit(x, np.zeros((48, 1)), batch_size=SAMPLES, shuffle=False, verbose=0)
    assert tallied(keras, model) == [24, 0, 0, 0]
    reset_states(model)
    model.fit(x, np.zeros((48, 1)), batch_size=SAMPLES, verbose=0)
    assert tallied(keras, model) != [24, 0, 0, 0]
    assert sum(tallied(keras, model)) == 24


def learns_right(keras, unroll):
    """For each of `BATCHES` batches that follow another, whether `tally`'s two weights learn from it what calculus says.

    With the state between the two a constant the output is (s u + x1 w) u + x2 w, at u = w = 1.
    """
    right = []
    for seed in range(BATCHES):
        first, second = whole_numbers(seed, 2, SAMPLES, STEPS, 1)
        targets, state, (x1, x2) = whole_numbers(seed + 1, SAMPLES, 1), first.sum(axis=1), np.moveaxis(second, 1, 0)
        model = tally(keras, unroll=unroll)
        model.predict_on_batch(first)
        model.train_on_batch(second, targets)
        learnt = [weight.item() - 1 for weight in model.get_weights()]
        right.append(learnt == [np.mean(targets * (x1 + x2)), np.mean(targets * (2 * state + x1))])
    return right


@claim(
    ["keras[tensorflow]>=3", "keras[torch]>=3.9", "tf.keras"],
    (AssertionError, RuntimeError),
    "test_the_state_may_be_passed_on_by_hand",
    varies_on=["keras<3"],
    answers=["13.R5"],
)
def test_training_does_not_look_back_past_its_batch(keras, evidence):
    """`train_on_batch` starts from the carried state but takes it for a constant: no gradient flows into the batch before.

    That is what two calls for two pieces of a sequence do: they train on both, and look back only as far as a piece is long.
    Keras 2.2 on TensorFlow lets the step race with the update of the state: the gradient mostly takes the state after the
    batch for the one before, in 149 of 150 batches tried. Stateful training that fails with TensorFlow is keras#9174.
    """
    right = learns_right(keras, unroll=False)
    evidence(f"right gradients, of {BATCHES} batches", sum(right))
    assert all(right)


@claim(
    ["keras[theano]", "keras[torch]>=3.9"],
    (AssertionError, RuntimeError),
    "test_the_state_may_be_passed_on_by_hand",
    varies_on=["keras[tensorflow]", "tf.keras"],
    answers=["13.R5"],
)
def test_unrolled_training_does_not_look_back_past_its_batch(keras, evidence):
    """With `unroll=True` too, `train_on_batch` starts from the carried state and takes it for a constant.

    In Keras 2.2 on TensorFlow the same race is mostly won: in 138 of 150 batches tried. Keras 3 on TensorFlow seldom fails
    in the same way: once in 600 batches. So was tf.keras 2.9 seen to; 2.15 did not in as many.
    """
    right = learns_right(keras, unroll=True)
    evidence(f"right gradients, of {BATCHES} batches", sum(right))
    assert all(right)


@claim(
    ["keras<3", "keras[tensorflow]", "keras[jax]", "keras[torch]>=3.9,<3.14", "tf.keras"],
    RuntimeError,
    ["test_use_cudnn_false_lets_every_layer_train_on_pytorch", "test_the_state_may_be_passed_on_by_hand"],
    bug="keras#23462",
    answers=["13.1", "13.R3"],
    examples=1,
)
@given(seed=seeds)
def test_every_recurrent_layer_can_be_trained_while_stateful(keras, seed):
    """A stateful `SimpleRNN`, `LSTM` or `GRU` can be trained batch after batch.

    Keras 3 once failed at it on all backends (keras#21942), and on PyTorch more than once (keras#20875): up to 3.8, and since
    3.14 where PyTorch's own kernels are used.
    """
    model = recurrent_trio(keras, return_sequences=False, unroll=True)
    model.compile(optimizer=sgd(keras), loss="mse")
    before = model.get_weights()
    x, y = whole_numbers(seed, SAMPLES, STEPS, 3) / 9, whole_numbers(seed, SAMPLES, 6) / 9
    for _ in range(2):
        model.train_on_batch(x, y)
    assert all(np.any(old != new) for old, new in zip(before, model.get_weights()))


@claim(
    ["keras>=3.9"],
    (RuntimeError, ValueError),
    "test_the_state_may_be_passed_on_by_hand",
    needs=["torch"],
    answers=["13.1", "13.R3"],
    examples=2,
)
@given(seed=seeds)
def test_use_cudnn_false_lets_every_layer_train_on_pytorch(keras, seed):
    """On PyTorch a stateful `LSTM` or `GRU` made with `use_cudnn=False` can be trained batch after batch.

    Keras 3.0 knows no such argument, and in Keras 3.5 training fails: the state was modified in place.
    """
    inputs = input_layer(keras, (STEPS, 3), SAMPLES)
    layers = [layer(2, stateful=True, use_cudnn=False) for layer in (keras.layers.LSTM, keras.layers.GRU)]
    model = keras.models.Model(inputs, keras.layers.concatenate([layer(inputs) for layer in layers]))
    model.compile(optimizer=sgd(keras), loss="mse")
    before = model.get_weights()
    x, y = whole_numbers(seed, SAMPLES, STEPS, 3) / 9, whole_numbers(seed, SAMPLES, 4) / 9
    for _ in range(2):
        model.train_on_batch(x, y)
    assert all(np.any(old != new) for old, new in zip(before, model.get_weights()))


def rmsprop_steps(keras, gradients):
    """The weights after each step of `optimizer="rmsprop"`, from zero, for given gradients `(steps, weights)`."""
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = sequential(keras, (gradients.shape[1],), layer)
    model.compile(optimizer="rmsprop", loss=lambda target, output: output[:, 0] * target[:, 0])  # its gradient: the input
    weights = []
    for gradient in gradients:
        model.train_on_batch(gradient[None], np.ones((1, 1)))
        weights.append(model.get_weights()[0][:, 0])
    return np.array(weights, "float64")


def random_gradients(seed):
    """Three gradients for each of 40 weights: of both signs, from far below to far above the square root of epsilon."""
    random = np.random.RandomState(seed)
    return random.choice([-1, 1], (3, 40)) * 10 ** random.uniform(-6, 2, (3, 40))


def mean_squares(gradients):
    """RMSprop's mean of the squares after each step: v = 0.9 v + 0.1 g^2, from zero (Tieleman and Hinton, 2012)."""
    decay = 0.9 ** np.subtract.outer(np.arange(3), np.arange(3))
    return 0.1 * np.tril(decay) @ gradients**2


@claim(
    ["keras>=3", "tf.keras>=2.11"],
    AssertionError,
    "test_rmsprop_of_keras_2_has_epsilon_outside_of_the_root",
    answers=["13.R6"],
    examples=1,
)
@given(seed=seeds)
def test_rmsprop_divides_by_the_root_of_the_mean_square(keras, seed):
    """`"rmsprop"` moves each weight by 0.001 g / sqrt(v + 1e-7), where v = 0.9 v + 0.1 g² averages its gradients' squares.

    So the step has the size of the rate, whatever the gradient's size. `g` is the gradient, v begins at zero.
    """
    gradients = random_gradients(seed)
    steps = 0.001 * gradients / np.sqrt(mean_squares(gradients) + 1e-7)
    # a step is at most 0.001 / sqrt(0.1), and float32 is off by some 1e-6 of it
    assert np.allclose(rmsprop_steps(keras, gradients), -steps.cumsum(axis=0), rtol=0, atol=1e-8)


@claim(
    ["keras<3", "tf.keras<2.11"],
    AssertionError,
    "test_rmsprop_divides_by_the_root_of_the_mean_square",
    answers=["13.R6"],
    examples=1,
)
@given(seed=seeds)
def test_rmsprop_of_keras_2_has_epsilon_outside_of_the_root(keras, seed):
    """`"rmsprop"` moves each weight by 0.001 g / (sqrt(v) + 1e-7), where v = 0.9 v + 0.1 g² averages its gradients' squares.

    It differs from the later one where gradients are small beside sqrt(1e-7): there it takes full steps.
    """
    gradients = random_gradients(seed)
    steps = 0.001 * gradients / (np.sqrt(mean_squares(gradients)) + 1e-7)
    assert np.allclose(rmsprop_steps(keras, gradients), -steps.cumsum(axis=0), rtol=0, atol=1e-8)


def texts():
    """The worked examples' input: 32 sequences of 21 letters out of 16, each a one in a row of 16."""
    return np.eye(16)[np.random.RandomState(0).randint(0, 16, (32, 21))]


def surprise(weights, letters, following, states=None):
    """The mean cross-entropy of LSTM and softmax layer with these weights, and the states it ends in."""
    outputs, states = lstm(letters, weights[:3], states)
    scores = outputs[:, -1] @ weights[3] + weights[4]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return -np.log((probabilities * following).sum(axis=1)).mean(), states


@claim(["keras<3", "tf.keras"], ValueError, "test_the_state_may_be_passed_on_by_hand", answers=["13.4", "13.R1", "13.R5"])
def test_the_example_of_2018_runs_as_printed(keras):
    """An LSTM with `input_shape` and `batch_size` trains on two pieces of `X`; `reset_states()` of model or layer resets it.

    Keras 3 accepts neither `batch_size` there nor `model.reset_states()`. `X` is of 32 sequences, 21 steps, 16 features: ten
    steps go in, the next is to be told, twice.
    """
    X = texts()
    model = keras.models.Sequential()
    model.add(keras.layers.LSTM(32, input_shape=(10, 16), batch_size=32, stateful=True))
    model.add(keras.layers.Dense(16, activation="softmax"))
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy")
    model.train_on_batch(X[:, :10], X[:, 10])
    model.train_on_batch(X[:, 10:20], X[:, 20])
    for reset in model.reset_states, model.layers[0].reset_states:
        reset()
        fresh, continued = model.predict_on_batch(X[:, :10]), model.predict_on_batch(X[:, :10])
        assert not np.array_equal(fresh, continued)
    reset()
    assert np.array_equal(model.predict_on_batch(X[:, :10]), fresh)


@claim(
    ["keras<3", "keras[tensorflow]", "keras[torch]>=3.9,<3.14", "tf.keras"],
    (AssertionError, RuntimeError),
    "test_the_state_may_be_passed_on_by_hand",
    answers=["13.1", "13.R5"],
)
def test_two_pieces_of_a_sequence_are_trained_one_after_the_other(keras):
    """A worked example: an LSTM is trained to tell what follows ten letters, then the next ten, from the state it has reached.

    Not so on JAX, whose methods carry no state, and on PyTorch not since 3.14, where an LSTM must be made with
    `use_cudnn=False` for it.
    """
    X = texts()
    recurrent = keras.layers.LSTM(32, recurrent_activation="sigmoid", stateful=True)
    model = sequential(keras, (10, 16), recurrent, keras.layers.Dense(16, activation="softmax"), batch_size=32)
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy")
    random = np.random.RandomState(1)  # of such weights that the state counts: without it the losses differ by some 2 %
    weights = [random.normal(0, 0.5, weight.shape).astype("float32") for weight in model.get_weights()]
    model.set_weights(weights)
    model.train_on_batch(X[:, :10], X[:, 10])
    forget_batches(model)
    _, states = surprise(weights, X[:, :10], X[:, 10])
    expected, _ = surprise(model.get_weights(), X[:, 10:20], X[:, 20], states)
    assert model.train_on_batch(X[:, 10:20], X[:, 20]) == pytest.approx(expected, rel=1e-5)
    forget_batches(model)
    recurrent.reset_states()  # before sequences that have nothing to do with these
    expected, _ = surprise(model.get_weights(), X[:, :10], X[:, 10])
    assert model.test_on_batch(X[:, :10], X[:, 10]) == pytest.approx(expected, rel=1e-5)


def passed_on(keras):
    """What recurrent layers give from states that are passed to them, and what they should."""
    inputs, *states = (input_layer(keras, shape) for shape in [(STEPS, 3), (2,), (2,)])
    options = {"kernel_initializer": "zeros", "recurrent_initializer": "zeros", "unroll": True}  # fast, on JAX above all
    layers = [keras.layers.SimpleRNN(2, **options)]
    layers.append(keras.layers.GRU(2, reset_after=True, recurrent_activation="sigmoid", **options))
    outputs = [layer(inputs, initial_state=states[:1]) for layer in layers]
    layers.append(keras.layers.Bidirectional(keras.layers.SimpleRNN(2, **options)))
    model = keras.models.Model([inputs, *states], [*outputs, layers[-1](inputs, initial_state=states)])
    x = randomize(model, 0, SAMPLES, STEPS + 1, 3)
    x, begin = x[:, :STEPS], [x[:, STEPS, :2], x[:, STEPS, 1:]]
    one, other, both = (layer.get_weights() for layer in layers)
    ways = [simple_rnn(x, both[:3], begin[:1]), simple_rnn(x[:, ::-1], both[3:], begin[1:])]
    expected = [simple_rnn(x, one, begin[:1])[1][0], gru(x, other, begin[:1])[1][0]]
    outputs = [np.asarray(output) for output in model.predict_on_batch([x, *begin])]
    return outputs, [*expected, np.concatenate([way[1][0] for way in ways], axis=1)]


@claim(needs=["float32"], answers=["13.1", "13.R5"])
def test_the_state_may_be_passed_on_by_hand(keras):
    """A worked example for any Keras and backend: `initial_state` as input, `return_state` as output replace `stateful=True`.

    Any batch size will do, and resetting is to pass zeros. `SimpleRNN`, `GRU` and `Bidirectional` take it as `LSTM` does.
    """
    X = texts()
    inputs, h, c = (input_layer(keras, shape) for shape in [(10, 16), (32,), (32,)])
    recurrent = keras.layers.LSTM(32, recurrent_activation="sigmoid", return_state=True)
    output, *states = recurrent(inputs, initial_state=[h, c])
    model = keras.models.Model([inputs, h, c], keras.layers.Dense(16, activation="softmax")(output))
    follow = keras.models.Model([inputs, h, c], states)
    model.compile(optimizer="rmsprop", loss="categorical_crossentropy")
    begin = [np.zeros((32, 32)), np.zeros((32, 32))]
    reached = follow.predict_on_batch([X[:, :10], *begin])
    expected_states = surprise(model.get_weights(), X[:, :10], X[:, 10])[1]
    assert np.allclose(reached, expected_states, rtol=0, atol=1e-5)
    model.train_on_batch([X[:, :10], *begin], X[:, 10])
    forget_batches(model)
    expected, _ = surprise(model.get_weights(), X[:, 10:20], X[:, 20], expected_states)
    assert model.train_on_batch([X[:, 10:20], *reached], X[:, 20]) == pytest.approx(expected, rel=1e-5)
    assert all(close(*pair) for pair in zip(*passed_on(keras)))
