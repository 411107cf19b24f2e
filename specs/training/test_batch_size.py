"""Does the batch size change the results?"""

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.batches import trained
from fixtures.claims import claim
from fixtures.figures import lines
from fixtures.models import input_layer, reused, sequential, sgd, siamese
from fixtures.stacks import outputs_in_mode, stack

BY_SAMPLES = ["keras<3", "keras>=3.2", "tf.keras"]
seeds = st.integers(0, 2**31)
CLOSE = {"rtol": 1e-5, "atol": 1e-5}  # outputs of the order of one, of some hundred operations in float32


def filled(keras, seed):
    """The siamese network (convolution, LSTM, normalization, dense layers) with positive random weights, and its two inputs."""
    model, random = siamese(keras), np.random.RandomState(seed)
    model.set_weights([random.uniform(0.2, 0.8, weight.shape) for weight in model.get_weights()])
    return model, [random.normal(size=(8, 4, 2)), random.normal(size=(8, 3))]


@claim(answers=["4.4"], examples=3)
@given(seed=seeds, batch_size=st.integers(1, 9))
@example(seed=0, batch_size=3)
def test_predicts_the_same_in_batches_of_any_size(keras, evidence, seed, batch_size):
    """`predict` gives the same in batches of any size, to the precision of float32, as for one sample at a time."""
    model, inputs = filled(keras, seed)
    alone = [model.predict_on_batch([part[i : i + 1] for part in inputs]) for i in range(8)]
    together = model.predict(inputs, batch_size=batch_size, verbose=0)
    evidence("largest difference", np.abs(together - np.concatenate(alone)).max())
    assert np.ptp(together, axis=0).min() > 1e-3  # the samples differ: a constant would prove nothing
    np.testing.assert_allclose(together, np.concatenate(alone), **CLOSE)


@claim(answers=["4.2"], examples=3)
@given(seed=seeds, place=st.integers(0, 7))
def test_predicts_a_sample_whatever_its_neighbours(keras, seed, place):
    """The prediction for a sample depends neither on the other samples of its batch nor on its place among them."""
    model, inputs = filled(keras, seed)
    first = model.predict_on_batch([part[:1] for part in inputs])
    other = [np.random.RandomState(seed + 1).normal(scale=3, size=part.shape) for part in inputs]
    for neighbour, part in zip(other, inputs):
        neighbour[place] = part[0]
    among_others = model.predict_on_batch(other)
    np.testing.assert_allclose(among_others[place : place + 1], first, **CLOSE)
    assert np.ptp(among_others, axis=0).min() > 1e-3


@reused
def normalizer(keras):
    """A batch normalization that never learns; the loss is the product of output and target, averaged over the samples."""
    model = sequential(keras, (1,), keras.layers.BatchNormalization(epsilon=1e-3))
    model.compile(optimizer=sgd(keras, rate=0.0), loss=lambda target, output: target[:, 0] * output[:, 0])
    return model


def outputs_of_the_first(keras, neighbours):
    """What batch normalization makes of a sample 1 beside these, in training and in evaluation."""
    model, samples = normalizer(keras), np.array([[1.0], *([one] for one in neighbours)])
    model.set_weights([np.full(1, value) for value in (1.0, 0.0, 0.5, 16.0)])  # gamma, beta, moving mean and variance
    only_the_first = np.eye(len(samples))[:, :1] * len(samples)
    evaluated = model.evaluate(samples, only_the_first, batch_size=len(samples), verbose=0)
    history = model.fit(samples, only_the_first, batch_size=len(samples), verbose=0).history
    return history["loss"][0], evaluated


@claim(answers=["4.2"], examples=2)
@given(neighbours=st.lists(st.sampled_from([-3.0, -1.0, 2.0, 5.0]), min_size=3, max_size=3))
@example(neighbours=[-3.0, 2.0, 5.0])
def test_batch_normalization_looks_at_the_neighbours_in_training(keras, neighbours):
    """In training `BatchNormalization` makes samples depend on each other: it scales each by its batch's mean and variance."""
    batch = np.array([1.0, *neighbours])
    in_training, _ = outputs_of_the_first(keras, neighbours)
    assert in_training == pytest.approx((1 - batch.mean()) / np.sqrt(batch.var() + 1e-3), rel=1e-4)


@claim(answers=["4.2"], examples=2)
@given(neighbours=st.lists(st.sampled_from([-3.0, -1.0, 2.0, 5.0]), min_size=3, max_size=3))
def test_batch_normalization_ignores_the_neighbours_in_evaluation(keras, neighbours):
    """In evaluation `BatchNormalization` scales each sample by the moving mean and variance, whatever its neighbours."""
    _, in_evaluation = outputs_of_the_first(keras, neighbours)
    assert in_evaluation == pytest.approx((1 - 0.5) / np.sqrt(16 + 1e-3), rel=1e-5)


@claim(answers=["4.2"])
def test_other_layers_look_at_no_neighbours_in_training(keras):
    """The other normalizations, convolutions, LSTM and dense layers look at a sample alone, in training mode too."""
    random = np.random.RandomState(0)
    samples = random.normal(size=(4, 3, 4))
    others = {"LayerNormalization": {}, "RMSNormalization": {}, "UnitNormalization": {}, "GroupNormalization": {"groups": 2}}
    layers = [getattr(keras.layers, name)(**options) for name, options in others.items() if hasattr(keras.layers, name)]
    model = stack(
        keras, (3, 4), *layers, keras.layers.Conv1D(3, 2), keras.layers.LSTM(3), keras.layers.Dense(4), keras.layers.PReLU()
    )
    model.set_weights([random.normal(size=weight.shape) for weight in model.get_weights()])  # PReLU's own zeros would hide much
    together, alone = (outputs_in_mode(keras, model, part, True) for part in (samples, samples[1:2]))
    for output, expected in zip(together, alone):
        np.testing.assert_allclose(output[1:2], expected, **CLOSE)


@reused
def scale(keras):
    """Multiplies its input by its weight; its loss is the squared error, its metric the absolute one."""
    model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False))
    model.compile(optimizer=sgd(keras), loss="mse", metrics=["mae"])
    return model


@claim(BY_SAMPLES, AssertionError, "test_evaluates_the_mean_of_the_batches", needs=["float32"], answers=["4.4"], examples=4)
@given(samples=st.integers(1, 12), batch_size=st.integers(1, 13), seed=seeds)
@example(samples=12, batch_size=5, seed=0)
def test_evaluates_the_same_in_batches_of_any_size(keras, samples, batch_size, seed):
    """`evaluate` gives the mean loss and metrics over all samples, in batches of any size, though the last may be smaller."""
    model, random = scale(keras), np.random.RandomState(seed)
    model.set_weights([np.full((1, 1), 2.0)])
    inputs, targets = random.uniform(-3, 3, (2, samples, 1))
    errors = 2 * inputs - targets
    loss, absolute = model.evaluate(inputs, targets, batch_size=batch_size, verbose=0)
    assert loss == pytest.approx(np.mean(errors**2), rel=1e-5)
    assert absolute == pytest.approx(np.mean(np.abs(errors)), rel=1e-5)


@claim(BY_SAMPLES, AssertionError, "test_evaluates_the_mean_of_the_batches", needs=["float32"], answers=["4.4"], examples=2)
@given(batch_size=st.integers(1, 9), seed=seeds)
@example(batch_size=5, seed=0)
def test_evaluates_weighted_samples_the_same_in_batches_of_any_size(keras, batch_size, seed):
    """With sample weights `evaluate` gives the weighted sum of losses over the number of samples, in batches of any size."""
    model, random = scale(keras), np.random.RandomState(seed)
    model.set_weights([np.full((1, 1), 2.0)])
    inputs, targets, weights = random.uniform(-3, 3, (8, 1)), random.uniform(-3, 3, (8, 1)), random.uniform(1, 5, 8)
    loss = model.evaluate(inputs, targets, sample_weight=weights, batch_size=batch_size, verbose=0)[0]
    assert loss == pytest.approx(np.mean(weights * (2 * inputs - targets)[:, 0] ** 2), rel=1e-5)


@claim(
    ["keras>=2.3,<3", "keras>=3", "tf.keras"],
    AttributeError,
    "test_evaluates_the_same_in_batches_of_any_size",
    answers=["4.4"],
    examples=2,
)
@given(batch_size=st.integers(1, 4))
@example(batch_size=1)
def test_counts_hits_over_all_batches(keras, batch_size):
    """`Precision` and `Recall` are those of all samples together, in batches of any size, not a mean over batches."""
    metrics = [keras.metrics.Precision(), keras.metrics.Recall()]
    model = sequential(keras, (1,), keras.layers.Activation("linear"))
    model.compile(optimizer=sgd(keras), loss="mse", metrics=metrics)
    inputs, targets = np.array([[1.0], [0], [1], [1], [0]]), np.array([[0.0], [1], [1], [1], [0]])
    _, precision, recall = model.evaluate(inputs, targets, batch_size=batch_size, verbose=0)
    assert (precision, recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))


@claim(BY_SAMPLES, AssertionError, "test_evaluates_the_mean_of_the_batches", needs=["float32"], answers=["4.4"])
def test_weighs_batches_of_several_inputs_by_their_samples(keras):
    """With several inputs, too, the loss that `fit` and `evaluate` report is the mean over all samples, not over batches."""
    first, second = input_layer(keras, (1,)), input_layer(keras, (1,))
    outputs = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")(keras.layers.add([first, second]))
    model = keras.models.Model([first, second], outputs)
    model.compile(optimizer=sgd(keras, rate=0.0), loss="mae")
    inputs, targets = [np.arange(8.0)[:, None] ** 2] * 2, np.zeros((8, 1))
    (trained,) = model.fit(inputs, targets, batch_size=5, shuffle=False, verbose=0).history["loss"]
    assert trained == model.evaluate(inputs, targets, batch_size=5, verbose=0) == pytest.approx(2 * 140 / 8, rel=1e-6)


@claim(["keras>=3,<3.2"], AssertionError, "test_evaluates_the_same_in_batches_of_any_size", answers=["4.4"])
def test_evaluates_the_mean_of_the_batches(keras):
    """`evaluate` gives the mean of the losses of batches, with sample weights too: a smaller last one counts like the others.

    So it was in Keras 3.0 and 3.1, but for metrics, which were means over the samples.
    """
    model, options = scale(keras), {"batch_size": 2, "verbose": 0}
    model.set_weights([np.zeros((1, 1))])
    data = np.ones((3, 1)), np.array([[1.0], [2.0], [3.0]])
    assert model.evaluate(*data, **options) == pytest.approx([((1 + 4) / 2 + 9) / 2, (1 + 2 + 3) / 3], rel=1e-6)
    weighted = model.evaluate(*data, sample_weight=np.array([1.0, 2.0, 5.0]), **options)
    assert weighted[0] == pytest.approx(((1 * 1 + 2 * 4) / 2 + 5 * 9) / 2, rel=1e-6)


@claim(answers=["4.3"], examples=1)
@given(seed=seeds)
def test_scatters_less_in_larger_batches(keras, evidence, seed):
    """The gradient of a batch of B of N samples is right on average; its variance falls like (N - B) / B, to zero for B = N.

    Over all batches there are, none of them drawn: it is the variance over the samples times (N - B) / (N - 1), over B.
    """
    gradients, total = 60.0 * np.random.RandomState(seed).permutation(6), 6
    measured = []
    for size in range(1, total + 1):
        chosen = np.array(list(itertools.combinations(gradients, size)))
        moves = trained(keras, np.ones((chosen.size, 1)), chosen.reshape(-1, 1), batch_size=size, shuffle=False)[:, 0]
        assert moves.mean() == pytest.approx(gradients.mean(), rel=1e-5)
        measured.append(moves.var())
    expected = [gradients.var() / size * (total - size) / (total - 1) for size in range(1, total + 1)]
    one_over_b = gradients.var() / np.arange(1, total + 1)  # without the factor for a set that is used up
    figure = lines("batch size B", "variance of the gradient", measured=measured, variance_over_B=one_over_b)
    evidence("variance of the batch gradient, of 6 samples", figure)
    assert measured == pytest.approx(expected, rel=1e-5, abs=1e-6)


@claim(answers=["4.4"])
def test_a_hundred_samples_in_batches_of_seven(keras):
    """Example: predictions for 100 samples are the same in batches of 7 and in one of 100; only the time differs."""
    inputs = np.random.RandomState(0).rand(100, 5)
    model = keras.models.Sequential([keras.layers.Dense(8, activation="relu", input_shape=(5,)), keras.layers.Dense(2)])
    small, large = model.predict(inputs, batch_size=7), model.predict(inputs, batch_size=100)
    assert small.shape == large.shape == (100, 2)
    np.testing.assert_allclose(small, large, **CLOSE)
