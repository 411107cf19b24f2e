"""How is a model trained from a generator?"""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import sequential, sgd
from fixtures.probes import weights_after_batches
from fixtures.sources import NUMBERS, fit_from, learned, sequence, single, stream, zeroed
from fixtures.tensors import trains_in_steps

MODERN, OLD = ["keras>=3", "tf.keras"], ["keras<3"]
WORKERS = {"one worker": 1, "two workers": 2}  # of a `Sequence`


def pair(number):
    """A batch of two samples, that one and the next, each of which adds a half."""
    rows = [2 * number % NUMBERS, (2 * number + 1) % NUMBERS]
    return np.eye(NUMBERS, dtype="float32")[rows], np.ones((2, 1), "float32")


@claim(
    holds_on=[], otherwise=(AssertionError, TypeError, AttributeError), instead="test_trains_as_from_arrays", answers=["8.2"]
)
def test_the_call_of_2018_trains_on_as_many_samples(keras):
    """`fit_generator(generator, samples_per_epoch=4, nb_epoch=2)` trains two epochs of four samples: two batches of two."""
    model = zeroed(keras)
    fit_generator = model.fit_generator
    fit_generator(stream(pair, itertools.count()), samples_per_epoch=4, nb_epoch=2, verbose=0)
    assert learned(model, 9) == [0.5] * 8 + [0.0]


@claim(holds_on=OLD, otherwise=(TypeError, AttributeError), instead="test_trains_as_from_arrays", answers=["8.2"])
def test_samples_per_epoch_is_a_number_of_batches(keras):
    """Keras 2 takes the names of Keras 1 with a warning, but `samples_per_epoch=4` means four batches, of whatever size."""
    model = zeroed(keras)
    fit_generator = model.fit_generator
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        fit_generator(stream(pair, itertools.count()), samples_per_epoch=4, nb_epoch=2, verbose=0)
    assert [warning for warning in caught if "samples_per_epoch" in str(warning.message)]
    assert learned(model) == [0.5] * 16


@claim(holds_on=OLD, otherwise=(TypeError, AttributeError), instead="test_trains_as_from_arrays", answers=["8.2"])
def test_samples_per_epoch_are_samples_where_the_batch_size_is_known(keras):
    """`samples_per_epoch` is a number of samples where the generator has a `batch_size`, as a flow of images has."""

    class Flow:
        batch_size, numbers = 2, itertools.count()

        def __iter__(self):
            return self

        def __next__(self):
            return pair(next(self.numbers))

    model = zeroed(keras)
    fit_generator = model.fit_generator
    fit_generator(Flow(), samples_per_epoch=4, nb_epoch=2, verbose=0)
    assert learned(model, 9) == [0.5] * 8 + [0.0]


@claim(
    holds_on=["keras<3", "tf.keras"],
    otherwise=AttributeError,
    instead="test_fit_takes_a_generator",
    answers=["8.2"],
    examples=2,
)
@given(steps=st.integers(1, 4), epochs=st.integers(1, 2))
def test_fit_generator_counts_batches(keras, steps, epochs):
    """Example: `fit_generator(generator, steps_per_epoch=s, epochs=e)` trains e epochs of s batches.

    Keras 3 has dropped it; where it went is asked in keras#19225.
    """
    model = zeroed(keras)
    fit_generator = model.fit_generator
    history = fit_generator(stream(single, itertools.count()), steps_per_epoch=steps, epochs=epochs, verbose=0).history
    assert learned(model) == [1.0] * (steps * epochs) + [0.0] * (NUMBERS - steps * epochs)
    assert len(history["loss"]) == epochs


@claim(
    holds_on=["keras>=2.2.5", "tf.keras"],
    otherwise=AttributeError,
    instead="test_fit_generator_counts_batches",
    answers=["8.2"],
    examples=2,
)
@given(steps=st.integers(1, 4), epochs=st.integers(1, 2))
def test_fit_takes_a_generator(keras, steps, epochs):
    """Example: `fit(generator, steps_per_epoch=s, epochs=e)` trains e epochs of s batches."""
    model = zeroed(keras)
    history = model.fit(stream(single, itertools.count()), steps_per_epoch=steps, epochs=epochs, verbose=0).history
    assert learned(model) == [1.0] * (steps * epochs) + [0.0] * (NUMBERS - steps * epochs)
    assert len(history["loss"]) == epochs


def numbers_of_the_first_fit(keras):
    """The numbers of the batches that a new model is trained on in three steps, from a generator of 0, 1, 2, ..."""
    model = sequential(keras, (NUMBERS,), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"))
    model.compile(optimizer=sgd(keras), loss=lambda target, output: -target[:, 0] * output[:, 0])
    train = model.fit if trains_in_steps(keras) else model.fit_generator
    train(stream(single, itertools.count()), steps_per_epoch=3, verbose=0)
    return np.flatnonzero(learned(model)).tolist()


@claim(
    holds_on=["keras<3", "keras>=3.7", "keras[tensorflow]>=3", "tf.keras"],
    otherwise=AssertionError,
    instead="test_loses_the_first_batch_of_all",
    answers=["8.3"],
)
def test_trains_on_the_first_batch_of_all(keras):
    """The first `fit` of a new model, too, trains on the first batch of a generator."""
    assert numbers_of_the_first_fit(keras) == [0, 1, 2]


@claim(
    holds_on=["keras[jax]>=3,<3.7", "keras[torch]>=3,<3.7"],
    otherwise=AssertionError,
    instead="test_trains_on_the_first_batch_of_all",
    answers=["8.3"],
)
def test_loses_the_first_batch_of_all(keras):
    """The first `fit` of a new model reads the first batch of a generator, but begins to train with the second."""
    assert numbers_of_the_first_fit(keras) == [1, 2, 3]


@claim(answers=["8.3"], examples=3)
@given(sizes=st.lists(st.integers(1, 3), min_size=2, max_size=4), source=st.sampled_from(["generator", *WORKERS]))
@example(sizes=[2, 2, 1], source="generator")
@example(sizes=[2, 2, 1], source="one worker")
@example(sizes=[2, 1, 2], source="two workers")
def test_trains_as_from_arrays(keras, sizes, source):
    """A generator or a `Sequence` of (inputs, targets) trains step by step as arrays would; batches may differ in size."""
    ends = np.cumsum(sizes)
    parts = [slice(end - size, end) for size, end in zip(sizes, ends)]
    inputs, targets = np.eye(NUMBERS, dtype="float32"), 6 * np.arange(1, NUMBERS + 1, dtype="float32")[:, None]
    model, after = zeroed(keras), weights_after_batches(keras)

    def batch(index):
        return inputs[parts[index]], targets[parts[index]]

    if source == "generator":
        batches = stream(batch, range(len(parts)))
    else:
        batches = sequence(keras, len(parts), batch, workers=WORKERS[source])
    fit_from(keras, model, batches, steps_per_epoch=len(parts), shuffle=False, callbacks=[after])
    worth = targets[:, 0] / np.repeat([*sizes, 1], [*sizes, NUMBERS - ends[-1]])  # a sample adds its target / its batch's size
    expected = [np.where(np.arange(NUMBERS) < end, worth, 0).tolist() for end in ends]
    assert [weights[0][:, 0].tolist() for weights in after.weights] == expected


@claim(
    holds_on=["keras<3", "tf.keras>=2.1"],
    otherwise=(AttributeError, ValueError),
    instead="test_trains_as_from_arrays",
    answers=["8.3"],
)
def test_any_iterator_will_do(keras):
    """Any iterator over batches will do, such as one that `map` makes.

    Keras 3 takes true generators only, and so do TensorFlow 1.15 and 2.0.
    """
    model = zeroed(keras)
    fit_from(keras, model, map(single, range(4)), steps_per_epoch=4)
    assert learned(model, 5) == [1.0, 1.0, 1.0, 1.0, 0.0]


@claim(answers=["8.3"], examples=2)
@given(weights=st.lists(st.integers(1, 5), min_size=4, max_size=4), source=st.sampled_from(["generator", "Sequence"]))
@example(weights=[1, 2, 3, 4], source="generator")
@example(weights=[1, 2, 3, 4], source="Sequence")
def test_takes_sample_weights_in_the_tuple(keras, weights, source):
    """The third of (inputs, targets, weights) is the weight of each sample."""
    model = zeroed(keras)

    def weighted(index):
        return (*single(index), np.array(weights[index : index + 1], "float32"))

    batches = stream(weighted, range(4)) if source == "generator" else sequence(keras, 4, weighted)
    fit_from(keras, model, batches, steps_per_epoch=4)
    assert learned(model, 4) == weights


@claim(
    ["keras<3.6", "keras>=3.8", "tf.keras"], (AssertionError, "tensorflow.errors.InvalidArgumentError"),
    "test_takes_sample_weights_in_the_tuple", answers=["8.3"],
)  # fmt: skip
def test_takes_class_weights_for_a_sequence(keras):
    """`class_weight` weighs the samples of a `Sequence` as it does those of arrays. Keras 3.6 and 3.7 ignored it, or failed."""
    model = zeroed(keras)
    classes = sequence(keras, 4, lambda index: single(index, target=index % 2))
    fit_from(keras, model, classes, shuffle=False, class_weight={0: 5.0, 1: 3.0})
    assert learned(model, 5) == [0.0, 3.0, 0.0, 3.0, 0.0]


@claim(holds_on=MODERN, otherwise=AttributeError, instead="test_trains_as_from_arrays", needs=["tensorflow"], answers=["8.3"])
def test_trains_from_a_tensorflow_dataset(keras):
    """Example: a `tf.data.Dataset`, batched, goes into `fit` and trains as arrays would."""
    import tensorflow as tf

    inputs, targets = np.eye(NUMBERS, dtype="float32"), np.arange(NUMBERS, dtype="float32")[:, None]
    model, data = zeroed(keras), tf.data.Dataset.from_tensor_slices((inputs, targets)).batch(4)
    model.fit(data, epochs=2, verbose=0)
    assert learned(model) == (2 * np.arange(NUMBERS) / 4).tolist()


@claim(
    holds_on=MODERN,
    otherwise=AttributeError,
    instead="test_trains_as_from_arrays",
    needs=["tensorflow"],
    answers=["8.2", "8.3"],
)
def test_trains_by_steps_from_a_dataset_of_unknown_length(keras):
    """`steps_per_epoch` also cuts a `tf.data.Dataset` that does not know its length, such as one that was filtered."""
    import tensorflow as tf

    rows, ones = np.eye(NUMBERS, dtype="float32")[:6], np.ones((6, 1), "float32")
    model, data = zeroed(keras), tf.data.Dataset.from_tensor_slices((rows, ones)).filter(lambda *_: True).batch(1)
    model.fit(data, steps_per_epoch=2, epochs=2, verbose=0)
    assert learned(model, 6) == [1, 1, 1, 1, 0, 0]


@claim(
    holds_on=["keras<2.3", "keras>=3", "tf.keras"],
    otherwise=AssertionError,
    instead="test_evaluates_the_last_batch_alone",
    answers=["8.3"],
    examples=2,
)
@given(steps=st.integers(1, 4))
@example(steps=2)
def test_evaluates_and_predicts_as_from_arrays(keras, steps):
    """`evaluate` and `predict` take generators too, `evaluate_generator` and `predict_generator` in Keras 2.2."""
    model, inputs = zeroed(keras), np.eye(NUMBERS, dtype="float32")
    model.set_weights([np.arange(1.0, NUMBERS + 1)[:, None]])
    batches, samples = stream(single, itertools.count()), (inputs[[number]] for number in itertools.count())
    loss = evaluate_from(keras, model, batches, steps)
    if trains_in_steps(keras):
        outputs = model.predict(((inputs,) for inputs in samples), steps=steps, verbose=0)  # tuples, as for training
    else:
        outputs = model.predict_generator(samples, steps=steps)
    assert loss == pytest.approx(-np.mean(np.arange(1, steps + 1)), rel=1e-6)
    assert outputs[:, 0].tolist() == list(range(1, steps + 1))


@claim(["keras>=2.3,<3"], AssertionError, "test_evaluates_and_predicts_as_from_arrays", answers=["8.3"])
def test_evaluates_the_last_batch_alone(keras):
    """Evaluated from a generator, the loss is that of the last batch alone. So it was in Keras 2.3."""
    model = zeroed(keras)
    model.set_weights([np.arange(1.0, NUMBERS + 1)[:, None]])  # of the n-th batch the loss is -n
    assert evaluate_from(keras, model, stream(single, itertools.count()), steps=3) == pytest.approx(-3, rel=1e-6)


def evaluate_from(keras, model, batches, steps):
    """The loss of so many batches of a generator."""
    if trains_in_steps(keras):
        return model.evaluate(batches, steps=steps, verbose=0)
    return model.evaluate_generator(batches, steps=steps)


@claim(answers=["8.2"], examples=2)
@given(steps=st.integers(1, 4), epochs=st.integers(2, 4))
def test_an_epoch_goes_on_where_the_last_ended(keras, steps, epochs):
    """With `steps_per_epoch` an epoch goes on where the last ended: no batch is left out, none is trained on twice."""
    model, after = zeroed(keras), weights_after_batches(keras)
    fit_from(keras, model, stream(single, itertools.count()), steps_per_epoch=steps, epochs=epochs, callbacks=[after])
    trained = steps * epochs
    expected = [[1.0] * step + [0.0] * (NUMBERS - step) for step in range(1, trained + 1)]
    assert [weights[0][:, 0].tolist() for weights in after.weights] == expected


def learned_by_steps(keras):
    """What is learned from eight batches of a Sequence, of a sample each, in four epochs of two steps."""
    model = zeroed(keras)
    fit_from(keras, model, sequence(keras, 8, single), steps_per_epoch=2, epochs=4, shuffle=False)
    return learned(model, 9)


@claim(["keras", "tf.keras<2.1"], AssertionError, "test_each_epoch_by_steps_begins_a_sequence_anew", answers=["8.2"])
def test_a_sequence_goes_on_where_the_last_epoch_ended(keras):
    """With `steps_per_epoch` an epoch of a `Sequence` goes on where the last ended, too: no batch is left out."""
    assert learned_by_steps(keras) == [1.0] * 8 + [0.0]


@claim(["tf.keras>=2.1"], AssertionError, "test_a_sequence_goes_on_where_the_last_epoch_ended", answers=["8.2"])
def test_each_epoch_by_steps_begins_a_sequence_anew(keras):
    """With `steps_per_epoch` each epoch of a `Sequence` begins at its first batch: those after the steps train nothing."""
    assert learned_by_steps(keras) == [4.0] * 2 + [0.0] * 7
