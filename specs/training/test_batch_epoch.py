"""What are a sample, a batch and an epoch?"""

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from fixtures.batches import batches, parts, trained, updates
from fixtures.claims import claim
from fixtures.models import ledger, logbook, sequential, sgd
from fixtures.optimizers import adam_path, momentum_path, optimizer
from fixtures.probes import noted, weights_after_batches

COUNTED, LEFT_OUT = ["keras>=2.3", "tf.keras"], ["keras<2.3"]  # samples of weight 0
CUT, REPEATED = ["keras>=3", "tf.keras>=2"], ["keras<3", "tf.keras<2"]  # data, by steps
UNEVEN = ["keras[tensorflow]>=3", "keras[openvino]>=3", "keras[jax]>=3.7", "keras[torch]>=3.7", "tf.keras>=2.2"]
LOST = ["keras[jax]>=3,<3.7", "keras[torch]>=3,<3.7"]
APART = ["keras[tensorflow]>=3"]  # an embedding's gradients, by Adam
SUMMED = ["keras[jax]>=3", "keras[torch]>=3", "keras[openvino]>=3", "tf.keras"]
OF_UNEVEN = [
    "test_uneven_steps_end_with_a_short_batch",
    "test_the_first_fit_by_steps_loses_a_batch",
    "test_steps_must_divide_evenly",
    "test_steps_per_epoch_repeat_the_whole_of_the_data",
]
FLOAT32 = 1e-5  # of a sum of some twenty terms, each rounded to 24 bits
counts, sizes, seeds = st.integers(1, 24), st.integers(1, 30), st.integers(0, 2**31)


def whole_numbers(seed, *shape):
    """Random whole numbers from 1 to 9."""
    return np.random.RandomState(seed).randint(1, 10, shape).astype("float64")


@claim(answers=["4.1", "4.5"], examples=3)
@given(samples=counts, batch_size=sizes, epochs=st.integers(1, 3))
@example(samples=24, batch_size=8, epochs=2)
@example(samples=7, batch_size=3, epochs=2)
def test_updates_the_weights_once_a_batch(keras, samples, batch_size, epochs):
    """Each batch is exactly one update of the weights, so that n samples are ceil(n / batch_size) updates an epoch."""
    model, alike = ledger(keras, 24), np.eye(24)[np.zeros(samples, int)]  # each update adds 1 to the first weight
    before, expected = updates(keras, model), epochs * -(-samples // batch_size)
    moves = trained(keras, alike, np.ones((samples, 1)), batch_size=batch_size, epochs=epochs)
    assert updates(keras, model) - before == len(moves) == expected
    assert moves[:, 0] == pytest.approx(np.ones(expected), rel=FLOAT32)
    assert model.get_weights()[0][0, 0] == pytest.approx(expected, rel=FLOAT32)


@claim(answers=["4.5"], examples=3)
@given(samples=counts, batch_size=sizes, shuffle=st.booleans())
@example(samples=24, batch_size=8, shuffle=True)
@example(samples=23, batch_size=8, shuffle=True)
@example(samples=3, batch_size=30, shuffle=False)
def test_an_epoch_sees_each_sample_once(keras, samples, batch_size, shuffle):
    """An epoch sees each sample exactly once, in batches that are all full but for the last, which is what is left."""
    seen = batches(keras, samples, batch_size, shuffle=shuffle, epochs=2)
    epochs = seen[: len(seen) // 2], seen[len(seen) // 2 :]
    for epoch in epochs:
        assert [len(batch) for batch in epoch] == [len(part) for part in parts(range(samples), batch_size)]
        assert sorted(itertools.chain(*epoch)) == list(range(samples))


def lookup(keras, chosen):
    """A model that looks up the number of one of three words, with this optimizer; its loss is `-target * output`."""
    model = sequential(keras, (1,), keras.layers.Embedding(3, 1), keras.layers.Flatten())
    model.compile(optimizer=chosen, loss=lambda target, output: -target * output)
    model.set_weights([np.zeros((3, 1))])
    return model


@claim(answers=["4.1", "4.5"], examples=3)
@given(samples=counts, batch_size=sizes, seed=seeds)
@example(samples=7, batch_size=3, seed=0)
def test_averages_the_gradient_over_the_samples_of_the_batch(keras, samples, batch_size, seed):
    """The update follows the mean gradient of the batch's samples; for a smaller last batch, the mean of those that it has.

    An embedding is moved so too, by all samples of a word that the batch has more than once.
    """
    inputs, targets = whole_numbers(seed, samples, 24), whole_numbers(seed + 1, samples, 1)
    moves = trained(keras, inputs, targets, batch_size=batch_size, shuffle=False)
    expected = [np.mean(part, axis=0) for part in parts(inputs * targets, batch_size)]
    np.testing.assert_allclose(moves, expected, atol=2e-3)  # weights up to 24 * 81, in steps of 2**-13
    model = lookup(keras, sgd(keras))
    model.train_on_batch(np.array([[0], [0], [2], [0]]), np.array([[1.0], [2.0], [3.0], [4.0]]))
    assert model.get_weights()[0].tolist() == [[(1 + 2 + 4) / 4], [0], [3 / 4]]


WORDS = np.array([[0, 1, 0, 2, 0, 1], [2, 1, 2, 0, 1, 1]] * 2)  # an optimizer may leave alone what a batch has not


def of_words(parts):
    """The sum of each word's parts in each batch."""
    return np.array([[np.sum(part[word == n]) for n in range(3)] for word, part in zip(WORDS, parts)])


def embedded(keras, chosen, gradients):
    """Where an embedding of the three words is after each of four batches, if these are the gradients of their samples."""
    model, path = lookup(keras, chosen), []
    for word, gradient in zip(WORDS, gradients):
        model.train_on_batch(word[:, None], -6 * gradient[:, None])  # the mean of six samples
        path.append(model.get_weights()[0][:, 0])
    return np.array(path)


@claim(answers=["4.1"], examples=1)
@given(seed=seeds)
def test_momentum_moves_a_word_by_all_its_samples(keras, seed):
    """With momentum too, an embedding is moved by all samples of a word that the batch has more than once."""
    gradients = np.random.RandomState(seed).uniform(1, 9, WORDS.shape)
    expected = momentum_path(of_words(gradients), 0.5, 0.9)
    np.testing.assert_allclose(embedded(keras, optimizer(keras, "SGD", 0.5, momentum=0.9), gradients), expected, rtol=FLOAT32)


@claim(
    SUMMED,
    (AssertionError, Flaky),
    "test_adam_squares_the_samples_of_a_word_one_by_one",
    varies_on=["keras<3"],
    answers=["4.1"],
    examples=1,
)
@given(seed=seeds)
def test_adam_squares_the_sum_of_a_words_samples(keras, seed):
    """Adam takes an embedding's gradient as any other's: its square is that of the sum over all samples of a word.

    In Keras 2.2 and 2.3 on TensorFlow its step races with its counter, embedding or not.
    """
    gradients = np.random.RandomState(seed).uniform(1, 9, WORDS.shape)
    expected = adam_path(of_words(gradients), 0.01)
    np.testing.assert_allclose(embedded(keras, optimizer(keras, "Adam", 0.01), gradients), expected, rtol=1e-4)


@claim(APART, AssertionError, "test_adam_squares_the_sum_of_a_words_samples", answers=["4.1"], examples=1)
@given(seed=seeds)
def test_adam_squares_the_samples_of_a_word_one_by_one(keras, seed):
    """Adam adds up squares of a word's samples: a word that a batch has n times moves up to sqrt(n) times as far."""
    gradients = np.random.RandomState(seed).uniform(1, 9, WORDS.shape)
    expected = adam_path(of_words(gradients), 0.01, squares=of_words(gradients**2))
    np.testing.assert_allclose(embedded(keras, optimizer(keras, "Adam", 0.01), gradients), expected, rtol=1e-4)


@claim(answers=["4.1"], examples=2)
@given(samples=st.integers(2, 24), batch_size=st.integers(1, 24), seed=seeds)
@example(samples=7, batch_size=3, seed=0)
def test_weighs_samples_without_changing_their_number(keras, samples, batch_size, seed):
    """`sample_weight` multiplies a sample's part in the mean, which stays divided by the number of samples, not by the weights.

    How losses are to be averaged then is discussed in keras#19740.
    """
    weights = whole_numbers(seed, samples)
    moves = trained(
        keras, np.eye(24)[:samples], np.ones((samples, 1)), sample_weight=weights, batch_size=batch_size, shuffle=False
    )
    expected = [np.sum(part, axis=0) / len(part) for part in parts(np.eye(24)[:samples] * weights[:, None], batch_size)]
    np.testing.assert_allclose(moves, expected, rtol=FLOAT32, atol=0)


@claim(COUNTED, AssertionError, "test_leaves_samples_of_weight_zero_out_of_the_mean", answers=["4.1"])
def test_counts_samples_of_weight_zero(keras):
    """A sample of weight 0 still counts in the mean: of four samples, two of weight 0, each of the others has a quarter."""
    weights = np.array([0.0, 1.0, 2.0, 0.0])
    moves = trained(keras, np.eye(24)[:4], np.ones((4, 1)), sample_weight=weights, batch_size=4)
    assert moves[0, :4].tolist() == [0, 0.25, 0.5, 0]


@claim(LEFT_OUT, AssertionError, "test_counts_samples_of_weight_zero", answers=["4.1"])
def test_leaves_samples_of_weight_zero_out_of_the_mean(keras):
    """A sample of weight 0 does not count: of four samples, two of weight 0, each of the others has half of the mean.

    Keras 2.3 counts them.
    """
    weights = np.array([0.0, 1.0, 2.0, 0.0])
    moves = trained(keras, np.eye(24)[:4], np.ones((4, 1)), sample_weight=weights, batch_size=4)
    assert moves[0, :4].tolist() == [0, 0.5, 1, 0]


@claim(answers=["4.1"], examples=2)
@given(seed=seeds)
def test_judges_all_samples_by_the_weights_before_the_batch(keras, seed):
    """All samples of a batch are judged by the same weights, those from before it: none sees what another one taught."""
    (w, x1, y1, x2, y2) = whole_numbers(seed, 5) / 8
    model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"))
    model.compile(optimizer=sgd(keras), loss="mse")
    model.set_weights([np.full((1, 1), w)])
    model.train_on_batch(np.array([[x1], [x2]]), np.array([[y1], [y2]]))
    expected = w - np.mean([2 * x1 * (w * x1 - y1), 2 * x2 * (w * x2 - y2)])
    assert model.get_weights()[0][0, 0] == pytest.approx(expected, abs=1e-5)  # of terms below 6, in float32


@claim(answers=["4.6"])
def test_makes_batches_of_32_by_default(keras):
    """Without `batch_size`, `fit`, `evaluate` and `predict` make batches of 32 samples."""
    book, numbers = logbook(keras), np.arange(1.0, 65)[:, None]
    book.fit(numbers, numbers, verbose=0)
    book.evaluate(numbers, numbers, verbose=0)
    book.predict(numbers, verbose=0)
    assert [len(batch) for batch in noted(book)] == [32, 32] * 3


@claim(answers=["4.1"], examples=2)
@given(samples=st.integers(33, 80))
def test_train_on_batch_makes_one_update(keras, samples):
    """`train_on_batch` takes whatever it is given as one batch, of more than 32 samples too, and makes one update."""
    model = ledger(keras, 80)
    model.set_weights([np.zeros((80, 1))])
    before = updates(keras, model)
    model.train_on_batch(np.eye(80)[:samples], np.ones((samples, 1)))
    assert updates(keras, model) - before == 1
    expected = np.repeat([1 / samples, 0], [samples, 80 - samples])
    np.testing.assert_allclose(model.get_weights()[0][:, 0], expected, rtol=FLOAT32, atol=0)


@claim(answers=["4.1"])
def test_evaluates_and_predicts_without_updates(keras):
    """`evaluate`, `predict` and `test_on_batch` update nothing, however many batches they take."""
    model, inputs, targets = ledger(keras, 24), np.eye(24), np.ones((24, 1))
    model.set_weights([np.ones((24, 1))])
    before = updates(keras, model)
    model.evaluate(inputs, targets, batch_size=10, verbose=0)
    model.predict(inputs, batch_size=10, verbose=0)
    model.test_on_batch(inputs, targets)
    assert updates(keras, model) == before
    assert model.get_weights()[0][:, 0].tolist() == [1] * 24


@claim(CUT, (AssertionError, ValueError), "test_steps_per_epoch_repeat_the_whole_of_the_data", answers=["4.5"], examples=2)
@given(steps=st.integers(1, 4))
@example(steps=2)
def test_steps_per_epoch_cut_an_epoch_short(keras, steps):
    """`steps_per_epoch=k` ends an epoch after k batches; the next epoch goes on where it ended, not at the start."""
    samples = 2 * 2 * steps + 2
    ledger(keras, 24).train_on_batch(np.eye(24), np.ones((24, 1)))  # so that it is not the first: see below
    seen = batches(keras, samples, 2, steps_per_epoch=steps, epochs=2, shuffle=False)
    assert seen == parts(range(samples), 2)[: 2 * steps]


@claim(REPEATED, AssertionError, "test_steps_per_epoch_divide_the_data", answers=["4.5"], examples=2)
@given(steps=st.integers(2, 4))
def test_steps_per_epoch_repeat_the_whole_of_the_data(keras, steps):
    """`steps_per_epoch=k`, which excludes a `batch_size`, makes k updates an epoch, each of which takes all samples."""
    assert batches(keras, 12, None, steps_per_epoch=steps) == [list(range(12))] * steps


@claim(CUT, AssertionError, "test_steps_per_epoch_repeat_the_whole_of_the_data", answers=["4.5"], examples=2)
@given(steps=st.sampled_from([2, 3, 4, 6]))
def test_steps_per_epoch_divide_the_data(keras, steps):
    """Without a `batch_size`, `steps_per_epoch=k` makes k equal batches where k divides the number of samples."""
    ledger(keras, 24).train_on_batch(np.eye(24), np.ones((24, 1)))  # so that it is not the first: see below
    assert batches(keras, 12, None, steps_per_epoch=steps, shuffle=False) == parts(range(12), 12 // steps)


def in_three_steps(keras):
    """Which of eleven samples a new model has learned from after each of the steps, as many as there are."""
    model, after = ledger.__wrapped__(keras, 11), weights_after_batches(keras)
    model.fit(np.eye(11), np.ones((11, 1)), steps_per_epoch=3, shuffle=False, callbacks=[after], verbose=0)
    return [np.flatnonzero(weights[0]).tolist() for weights in after.weights]


@claim(UNEVEN, (AssertionError, ValueError), OF_UNEVEN, answers=["4.5"])
def test_uneven_steps_end_with_a_short_batch(keras):
    """Where `steps_per_epoch` does not divide the samples evenly, the last batch is smaller: 11 in three steps are 4, 4, 3."""
    assert in_three_steps(keras) == [list(range(n)) for n in (4, 8, 11)]


@claim(LOST, (AssertionError, ValueError), OF_UNEVEN, answers=["4.5"])
def test_the_first_fit_by_steps_loses_a_batch(keras):
    """With `steps_per_epoch` the first `fit` of a model never sees the first batch."""
    assert in_three_steps(keras) == [list(range(4, n)) for n in (8, 11)]


@claim(["tf.keras>=2,<2.2"], pytest.fail.Exception, OF_UNEVEN, answers=["4.5"])
def test_steps_must_divide_evenly(keras):
    """`steps_per_epoch` that does not divide the samples evenly is a ValueError."""
    with pytest.raises(ValueError, match="not divisible by steps"):
        in_three_steps(keras)


@claim(answers=["4.1", "4.5"])
def test_ten_samples_in_batches_of_four(keras):
    """Example: 10 samples in batches of 4 are 3 updates an epoch, from 4, 4 and 2 samples; 5 epochs are 15 updates."""
    model = keras.models.Sequential([keras.layers.Dense(1, input_shape=(3,))])
    model.compile(optimizer="sgd", loss="mse")

    class Counter(keras.callbacks.Callback):
        batches, epochs = 0, 0

        def on_batch_end(self, batch, logs=None):
            self.batches += 1

        def on_epoch_end(self, epoch, logs=None):
            self.epochs += 1

    counter = Counter()
    model.fit(np.random.rand(10, 3), np.random.rand(10, 1), batch_size=4, epochs=5, verbose=0, callbacks=[counter])
    assert (counter.batches, counter.epochs) == (15, 5)
    assert updates(keras, model) == 15
