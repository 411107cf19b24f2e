"""Are L1 and L2 penalties left out of the test loss?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.losses import penalized, penalty, watched
from fixtures.models import reused, sequential, sgd

INPUTS = np.arange(1.0, 6)[:, None]
TARGETS = np.zeros((5, 1))
ONCE = ["keras<3", "keras[tensorflow,torch]", "keras>=3.2", "tf.keras"]
numbers = st.lists(st.integers(-4, 4), min_size=7, max_size=7)
SOME = [1, -2, 3, -4, 2, -1, 3]  # of each weight's penalty at least one number


def weights_of(numbers):
    """The numbers as the weights of `penalized`."""
    return [
        np.array(part, "float32").reshape(shape) for part, shape in zip(np.split(numbers, [2, 4, 6]), [(1, 2), 2, (2, 1), 1])
    ]


def losses(keras, numbers, inputs=INPUTS):
    """The model with these weights, the mean squared error of its predictions, and its penalties, by numpy."""
    weights, model = weights_of(numbers), penalized(keras)
    model.set_weights(weights)
    kernel, bias, output_kernel, output_bias = weights
    outputs = (inputs @ kernel + bias) @ output_kernel + output_bias
    return model, np.mean((outputs - TARGETS) ** 2), penalty(weights)


def close_to(loss):
    """This loss, to float32's precision."""
    return pytest.approx(loss, rel=1e-6)


@claim(
    holds_on=[],
    otherwise=AssertionError,
    instead=["test_count_in_the_test_loss", "test_count_twice"],
    answers=["6.2"],
    examples=2,
)
@given(numbers=numbers)
@example(numbers=SOME)
def test_are_left_out_of_the_test_loss(keras, evidence, numbers):
    """Penalties are switched off in testing, so that `evaluate` returns the loss without them.

    So it was once, as keras#2104 of 2016 tells; the FAQ went on to say so. See also keras#464.
    """
    model, error, added = losses(keras, numbers)
    loss = model.evaluate(INPUTS, TARGETS, verbose=0)[0]
    evidence("squared error, penalties, evaluated", [error, added, loss])
    assert loss == close_to(error)


@claim(ONCE, AssertionError, "test_count_twice", answers=["6.2"], examples=2)
@given(numbers=numbers)
@example(numbers=SOME)
def test_count_in_the_training_loss(keras, numbers):
    """The training loss that `fit` reports is the loss plus all penalties: L1 and L2, on kernels and biases, of every layer."""
    model, error, added = losses(keras, numbers)
    assert model.fit(INPUTS, TARGETS, verbose=0).history["loss"] == [close_to(error + added)]


@claim(ONCE, AssertionError, "test_count_twice", answers=["6.2"], examples=2)
@given(numbers=numbers)
@example(numbers=SOME)
def test_count_in_the_validation_loss(keras, numbers):
    """`val_loss` holds the same penalties as the training loss. Public threads: keras#6518, keras#8242, tensorflow#36216."""
    model, error, added = losses(keras, numbers)
    history = model.fit(INPUTS, TARGETS, validation_data=(INPUTS, TARGETS), verbose=0).history
    assert history.get("val_loss") == [close_to(error + added)]


@claim(ONCE, AssertionError, "test_count_twice", answers=["6.2"], examples=2)
@given(numbers=numbers)
@example(numbers=SOME)
def test_count_in_the_test_loss(keras, numbers):
    """The loss that `evaluate` and `test_on_batch` return holds the same penalties as the training loss."""
    model, error, added = losses(keras, numbers)
    assert model.evaluate(INPUTS, TARGETS, verbose=0)[0] == close_to(error + added)
    assert model.test_on_batch(INPUTS, TARGETS)[0] == close_to(error + added)


@claim(["keras[jax]>=3,<3.2"], AssertionError, "test_count_in_the_test_loss", answers=["6.2"], examples=2)
@given(numbers=numbers)
@example(numbers=SOME)
def test_count_twice(keras, numbers):
    """Each penalty is added twice, to the loss that is trained and to those of validation and testing.

    On JAX, in Keras 3.0 and 3.1: half the rate of a regularizer does there what the whole does elsewhere.
    """
    model, error, added = losses(keras, numbers)
    history = model.fit(INPUTS, TARGETS, validation_data=(INPUTS, TARGETS), verbose=0).history
    assert history["loss"] == history["val_loss"] == [close_to(error + 2 * added)]
    assert model.evaluate(INPUTS, TARGETS, verbose=0)[0] == close_to(error + 2 * added)
    model = shrinking(keras)
    model.set_weights([np.array([[1.0, -2.0]]), np.array([[1.0], [-2.0]])])
    model.fit(np.zeros((4, 1)), np.zeros((4, 1)), verbose=0)
    assert model.get_weights()[0].tolist() == [[0.5, -1.0]]


@claim(ONCE, AssertionError, "test_count_twice", answers=["6.2"], examples=2)
@given(numbers=numbers, batch_size=st.integers(1, 4))
@example(numbers=SOME, batch_size=2)
def test_count_once_however_many_batches(keras, numbers, batch_size):
    """Penalties count once, in full, however many batches the data is cut into, in training and in testing."""
    data = INPUTS[:1].repeat(5, axis=0), TARGETS  # of equal errors, which have one mean over the samples and over the batches
    model, error, added = losses(keras, numbers, data[0])
    assert model.fit(*data, batch_size=batch_size, verbose=0).history["loss"] == [close_to(error + added)]
    assert model.evaluate(*data, batch_size=batch_size, verbose=0)[0] == close_to(error + added)


def recurrent(keras, kind, kernel, recurrence, bias, return_sequences=True):
    """A recurrent layer of two units with these penalties, whose weights begin with halves and ones: fast to make on JAX."""
    half = keras.initializers.Constant(0.5)
    starts = {"kernel_initializer": half, "recurrent_initializer": half, "bias_initializer": "ones"}
    penalties = {"kernel_regularizer": kernel, "recurrent_regularizer": recurrence, "bias_regularizer": bias}
    return getattr(keras.layers, kind)(2, return_sequences=return_sequences, **starts, **penalties)


@claim(ONCE, AssertionError, "test_count_twice", answers=["6.2"])
def test_of_all_kinds_of_layers_count(keras):
    """Penalties count on embeddings, on convolution and recurrent kernels and on a normalization's scale, as in `Dense`.

    On the biases and shifts of these layers they count too.
    """
    layers, l2 = keras.layers, keras.regularizers.l2
    model = sequential(
        keras, (3,),
        layers.Embedding(6, 2, embeddings_regularizer=l2(0.5)),
        layers.Conv1D(2, 2, kernel_regularizer=l2(0.25), bias_regularizer=l2(2.0), bias_initializer="ones"),
        layers.BatchNormalization(gamma_regularizer=l2(1.0), beta_regularizer=l2(4.0), beta_initializer="ones"),
        recurrent(keras, "LSTM", l2(0.5), l2(0.125), l2(8.0)),
        recurrent(keras, "GRU", l2(0.125), l2(0.25), l2(16.0)),
        recurrent(keras, "SimpleRNN", l2(0.5), keras.regularizers.l1_l2(0.5, 0.25), l2(32.0), return_sequences=False),
    )  # fmt: skip
    model.compile(optimizer=sgd(keras, rate=0.0), loss="mse", metrics=["mse"])
    loss, error = model.evaluate(np.arange(6).reshape(2, 3), np.zeros((2, 2)), verbose=0)
    rates = [0.5, 0.25, 2.0, 1.0, 4.0, 0, 0, 0.5, 0.125, 8.0, 0.125, 0.25, 16.0, 0.5, 0.25, 32.0]  # of each weight's squares
    squares = sum(rate * np.sum(weight**2) for rate, weight in zip(rates, model.get_weights()))
    assert loss - error == pytest.approx(squares + 0.5 * np.abs(model.get_weights()[-2]).sum(), rel=1e-5)
    images = sequential(
        keras, (2, 2, 1),
        layers.Conv2DTranspose(1, 1, kernel_regularizer=l2(0.5), bias_regularizer=l2(2.0), bias_initializer="ones"),
        layers.DepthwiseConv2D(1, depthwise_regularizer=l2(0.25), bias_regularizer=l2(4.0), bias_initializer="ones"),
        layers.Flatten(),
    )  # fmt: skip
    images.compile(optimizer=sgd(keras, rate=0.0), loss="mse", metrics=["mse"])
    loss, error = images.evaluate(np.ones((1, 2, 2, 1)), np.zeros((1, 4)), verbose=0)
    squares = [rate * weight.item() ** 2 for rate, weight in zip([0.5, 2.0, 0.25, 4.0], images.get_weights())]
    assert loss - error == pytest.approx(sum(squares), rel=1e-5)


@claim(ONCE, AssertionError, "test_count_twice", answers=["6.2"])
def test_of_shared_and_nested_layers_count_once(keras):
    """The penalty of a layer counts once if the model uses it twice, and counts too if it is in a model within the model."""
    shared = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", kernel_regularizer=keras.regularizers.l2(0.5))
    inner = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", kernel_regularizer=keras.regularizers.l1(0.25))
    model = sequential(keras, (1,), shared, sequential(keras, (1,), inner), shared)
    model.compile(optimizer=sgd(keras, rate=0.0), loss="mse")
    assert model.evaluate(INPUTS, INPUTS, verbose=0) == close_to(0.75)


@claim(answers=["6.2", "6.R1"], examples=2)
@given(numbers=numbers)
@example(numbers=SOME)
def test_are_left_out_of_metrics(keras, numbers):
    """Metrics know no penalties: the loss compiled as a metric too is the loss without them, in all three places."""
    model, error, _ = losses(keras, numbers)
    history = model.fit(INPUTS, TARGETS, validation_data=(INPUTS, TARGETS), verbose=0).history
    assert history["mean_squared_error"] == history["val_mean_squared_error"] == [close_to(error)]
    assert model.evaluate(INPUTS, TARGETS, verbose=0)[1] == close_to(error)


@claim(needs=["training"], answers=["6.R1"], examples=2)
@given(numbers=numbers)
@example(numbers=SOME)
def test_change_no_prediction(keras, numbers):
    """Penalties change no prediction: there is nothing about them to switch off in testing, only a number to add or not."""
    weights = weights_of(numbers)
    model, plain = penalized(keras), sequential(keras, (1,), keras.layers.Dense(2), keras.layers.Dense(1))
    model.set_weights(weights)
    plain.set_weights(weights)
    np.testing.assert_array_equal(model.predict_on_batch(INPUTS), plain.predict_on_batch(INPUTS))


@reused
def shrinking(keras):
    """Two layers of two weights, with an L2 and an L1 penalty, that learn."""
    hidden = keras.layers.Dense(2, use_bias=False, kernel_regularizer=keras.regularizers.l2(0.125))
    output = keras.layers.Dense(1, use_bias=False, kernel_regularizer=keras.regularizers.l1(0.125))
    model = sequential(keras, (1,), hidden, output)
    model.compile(optimizer=sgd(keras), loss="mse")
    return model


@claim(ONCE, AssertionError, "test_count_twice", answers=["6.R1"], examples=2)
@given(number=st.integers(1, 8))
@example(number=3)
def test_act_by_their_gradient(keras, number):
    """What penalties do, they do in training: even without an error, L2 takes a share off each weight, L1 a fixed amount."""
    model = shrinking(keras)
    model.set_weights([np.array([[number, -2.0 * number]]), np.array([[number], [-2.0 * number]])])
    model.fit(np.zeros((4, 1)), np.zeros((4, 1)), verbose=0)
    shares, amounts = model.get_weights()
    assert shares.tolist() == [[0.75 * number, -1.5 * number]]
    assert amounts.tolist() == [[number - 0.125], [-2.0 * number + 0.125]]


@claim(answers=["6.2"])
def test_on_activity_count_in_testing_too(keras):
    """Penalties on activity count alike in the training loss, in `val_loss` and in `evaluate`, and in no prediction.

    Those on the activity of an LSTM, GRU or convolution count as well, and those of an `ActivityRegularization`.
    """
    model = watched(keras)
    history = model.fit(INPUTS[:4], TARGETS[:4], validation_data=(INPUTS[:4], TARGETS[:4]), verbose=0).history
    loss = model.evaluate(INPUTS[:4], TARGETS[:4], verbose=0)
    assert history["loss"] == history["val_loss"] == [close_to(loss)]
    assert loss > 7
    assert np.array_equal(model.predict_on_batch(INPUTS), TARGETS)
    options = {"kernel_initializer": "ones", "activity_regularizer": keras.regularizers.l2(0.5)}
    for layer in (keras.layers.LSTM(2, **options), keras.layers.GRU(2, **options), keras.layers.Conv1D(2, 1, **options)):
        model = sequential(keras, (1, 1), layer)
        model.compile(optimizer=sgd(keras), loss="mse", metrics=["mse"])
        loss, error = model.evaluate(np.ones((1, 1, 1)), np.zeros(model.output_shape[1:])[None], verbose=0)
        assert loss - error == pytest.approx(0.5 * np.square(model.predict(np.ones((1, 1, 1)), verbose=0)).sum(), rel=1e-5)
    model = sequential(keras, (2,), keras.layers.ActivityRegularization(l1=0.25, l2=0.5))
    model.compile(optimizer=sgd(keras), loss="mse", metrics=["mse"])
    loss, error = model.evaluate(np.array([[1.0, -2.0]]), np.zeros((1, 2)), verbose=0)
    assert loss - error == pytest.approx(0.25 * 3 + 0.5 * 5, rel=1e-5)


@claim(needs=["training"], answers=["6.2"])
def test_on_activity_count_within_a_model_too(keras):
    """A penalty on the activity of a layer in a model within the model counts as if the layer was in the model itself."""
    inside = sequential(keras, (2,), keras.layers.ActivityRegularization(l1=0.25, l2=0.5))
    model = sequential(keras, (2,), inside)
    model.compile(optimizer=sgd(keras), loss="mse", metrics=["mse"])
    loss, error = model.evaluate(np.array([[1.0, -2.0]]), np.zeros((1, 2)), verbose=0)
    assert loss - error == pytest.approx(0.25 * 3 + 0.5 * 5, rel=1e-5)


@claim(
    holds_on=["keras>=3.14", "tf.keras"], otherwise=AssertionError, instead="test_on_activity_grow_with_the_batch",
    needs=["training"], answers=["6.2"], examples=2,
)  # fmt: skip
@given(batch_size=st.integers(1, 4))
@example(batch_size=4)
def test_on_activity_are_divided_by_the_batch_size(keras, batch_size):
    """A penalty on activity is divided by the samples of its batch: the same whatever the batch size. See keras#22021."""
    loss = watched(keras).evaluate(INPUTS[:4], TARGETS[:4], batch_size=batch_size, verbose=0)
    batches = [range(start, min(start + batch_size, 4)) for start in range(0, 4, batch_size)]
    assert loss == close_to(sum(np.square(INPUTS[list(batch)]).sum() for batch in batches) / 4)


@claim(
    holds_on=["keras<3.14"], otherwise=AssertionError, instead="test_on_activity_are_divided_by_the_batch_size",
    needs=["training"], answers=["6.2"], examples=2,
)  # fmt: skip
@given(batch_size=st.sampled_from([2, 4]))
@example(batch_size=4)
def test_on_activity_grow_with_the_batch(keras, batch_size):
    """A penalty on activity is the sum over the samples of its batch: a batch of twice the size has twice the penalty."""
    loss = watched(keras).evaluate(INPUTS[:4], TARGETS[:4], batch_size=batch_size, verbose=0)
    assert loss == close_to(batch_size * np.square(INPUTS[:4]).mean())


@claim(ONCE, AssertionError, "test_count_twice", answers=["6.2", "6.R1"])
def test_are_what_the_loss_has_more_than_its_metric(keras, evidence):
    """Example: compile the loss as a metric too, and read the error from the metric and the penalties from the difference."""
    model = keras.models.Sequential([
        keras.layers.Dense(4, activation="tanh", kernel_regularizer=keras.regularizers.l2(0.1), input_shape=(1,)),
        keras.layers.Dense(1),
    ])  # fmt: skip
    model.compile(optimizer="sgd", loss="mse", metrics=["mse"])
    model.fit(INPUTS, INPUTS, verbose=0)
    loss, error = model.evaluate(INPUTS, INPUTS, verbose=0)
    evidence("loss, error", [loss, error])
    assert error == pytest.approx(np.mean((model.predict(INPUTS, verbose=0) - INPUTS) ** 2), rel=1e-5)
    assert loss - error == pytest.approx(0.1 * np.sum(model.get_weights()[0] ** 2), rel=1e-4, abs=1e-5)
