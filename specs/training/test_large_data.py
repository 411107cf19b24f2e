"""How can a model be trained on data that is larger than the memory?"""

import gc
import itertools
import weakref

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.curves import graded
from fixtures.figures import lines
from fixtures.models import forget_batches, ledger, sequential, sgd
from fixtures.probes import weights_after_batches
from fixtures.sources import ahead, everything, fit_from, learner, sequence

OWN, RUNNING = ["keras<3", "keras>=3.15", "tf.keras"], ["keras>=3,<3.15"]  # what methods of a batch return


def trained_both_ways(keras, samples, seed):
    """The weights after each batch, of two epochs, and the final state: for `fit`, and for `train_on_batch`."""
    one, other = learner(keras, copy=0), learner(keras, copy=1)  # they were trained alike in earlier examples
    rows = np.random.RandomState(seed).rand(samples, 6).astype("float32")
    inputs, targets = rows[:, :3], rows[:, 3:]
    after_fit, by_hand = weights_after_batches(keras), []
    one.fit(inputs, targets, batch_size=4, epochs=2, shuffle=False, callbacks=[after_fit], verbose=0)
    for start in [*range(0, samples, 4)] * 2:
        other.train_on_batch(inputs[start : start + 4], targets[start : start + 4])
        by_hand.append(other.get_weights())
    return [[*after_fit.weights, everything(keras, one)], [*by_hand, everything(keras, other)]]


def differences(both):
    """The differences between the arrays of two lists of lists of arrays, each the largest of its array."""
    assert len(both[0]) == len(both[1])
    return [np.abs(np.subtract(a, b)).max() for pair in zip(*both) for a, b in zip(*pair)]


@claim(answers=["8.1"], examples=2)
@given(samples=st.sampled_from([6, 8, 10]), seed=st.integers(0, 99))
@example(samples=6, seed=0)
def test_train_on_batch_does_what_fit_does(keras, samples, seed):
    """`train_on_batch` over the batches, epoch by epoch, does step by step what `fit(shuffle=False)` does.

    So do the optimizer's momentum and the moving statistics of a normalization; the last batch may be smaller.
    """
    learner(keras, copy=0).set_weights(learner(keras, copy=1).get_weights())
    assert max(differences(trained_both_ways(keras, samples, seed))) < 1e-5  # float32, of numbers below 2


@claim(
    holds_on=["keras<3", "keras>=3.7", "keras[jax]>=3", "keras[torch]>=3", "tf.keras<2", "tf.keras>=2.2"],
    otherwise=AssertionError,
    instead="test_train_on_batch_does_what_fit_does",
    answers=["8.1"],
    examples=2,
)
@given(samples=st.sampled_from([6, 8, 10]), seed=st.integers(0, 99))
@example(samples=6, seed=0)
def test_train_on_batch_does_it_bit_for_bit(keras, samples, seed):
    """The weights that `train_on_batch` leads to are, bit for bit, those that `fit(shuffle=False)` leads to.

    In TensorFlow 2.0 and 2.1, and before Keras 3.7 on TensorFlow, the two round differently.
    """
    assert not any(differences(trained_both_ways(keras, samples, seed)))


@claim(OWN, AssertionError, "test_methods_of_a_batch_return_means_so_far", answers=["8.1"], examples=2)
@given(targets=st.lists(st.integers(-4, 4), min_size=2, max_size=4))
@example(targets=[1, 2, 3])
def test_train_on_batch_returns_the_loss_before_its_update(keras, targets):
    """`train_on_batch` returns the loss of its own batch alone, as it was before the update.

    Keras 3.0 to 3.14 returned running averages over the calls: keras#22596, keras#22617.
    """
    model = ledger(keras, 2)
    model.set_weights([np.ones((2, 1))])
    batches = [(np.array([[1.0, 0.0]] * 2, "float32"), np.full((2, 1), target, "float32")) for target in targets]
    losses = [model.train_on_batch(*batch) for batch in batches]
    weights = 1 + np.cumsum([0, *targets])[:-1]  # each batch has added its target to the weight
    assert losses == (-weights * targets).tolist()


@claim(OWN, AssertionError, "test_methods_of_a_batch_return_means_so_far", answers=["8.1"], examples=2)
@given(right=st.lists(st.integers(0, 4), min_size=2, max_size=4))
@example(right=[0, 4, 1])
def test_test_on_batch_returns_loss_and_metrics_of_its_batch(keras, right):
    """`test_on_batch` returns the loss and the metrics of its own batch alone, whatever batches came before."""
    model = graded(keras)
    model.set_weights([np.ones((1, 1))])
    outcomes = [model.test_on_batch((np.arange(4)[:, None] < n).astype("float32"), np.ones((4, 1), "float32")) for n in right]
    assert [list(outcome) for outcome in outcomes] == [[1 - n / 4, n / 4, n / 4, 1 - n / 4] for n in right]


@claim(OWN, AssertionError, "test_methods_of_a_batch_return_means_so_far", answers=["8.1"])
def test_train_on_batch_returns_metrics_of_its_batch(keras):
    """`train_on_batch` returns the metrics of its own batch alone, too, whatever batches came before."""
    model = graded(keras)  # it never learns
    model.set_weights([np.ones((1, 1))])
    right = [0, 4, 1]
    outcomes = [model.train_on_batch((np.arange(4)[:, None] < n).astype("float32"), np.ones((4, 1), "float32")) for n in right]
    assert [list(outcome) for outcome in outcomes] == [[1 - n / 4, n / 4, n / 4, 1 - n / 4] for n in right]


@claim(RUNNING, (AssertionError, AttributeError), "test_test_on_batch_returns_loss_and_metrics_of_its_batch", answers=["8.1"])
def test_methods_of_a_batch_return_means_so_far(keras):
    """`train_on_batch` and `test_on_batch` return means over all batches since `reset_metrics()`, which begins anew."""
    model = graded(keras)
    model.set_weights([np.ones((1, 1))])
    for method in (model.train_on_batch, model.test_on_batch):
        model.reset_metrics()  # the model never learns: all of a batch is right, or none is
        outcomes = [method(np.full((4, 1), right, "float32"), np.ones((4, 1), "float32")) for right in (1.0, 0.0)]
        assert [sorted(outcome) for outcome in outcomes] == [[0, 0, 1, 1], [0.5] * 4]  # Keras 3.0 has an order of its own


@claim(answers=["8.1"], examples=2)
@given(weights=st.lists(st.integers(1, 5), min_size=3, max_size=3))
@example(weights=[1, 2, 5])
def test_a_batch_takes_sample_weights(keras, weights):
    """`sample_weight` multiplies each sample's loss, in `test_on_batch` and in the step that `train_on_batch` makes."""
    model, weights = ledger(keras, 3), np.array(weights, "float32")
    model.set_weights([np.array([[1.0], [2.0], [4.0]])])
    batch = np.eye(3, dtype="float32"), np.full((3, 1), 3.0, "float32")
    forget_batches(model)
    loss = model.test_on_batch(*batch, sample_weight=weights)
    model.train_on_batch(*batch, sample_weight=weights)
    assert loss == pytest.approx(-(weights * [1, 2, 4]).sum(), rel=1e-6)
    np.testing.assert_allclose(model.get_weights()[0][:, 0] - [1, 2, 4], weights, rtol=1e-6)


def changes(keras, method, *data):
    """Whether a method of a trained model changes any of its weights, its moving statistics or its optimizer's state."""
    model = learner(keras, copy=2)
    model.train_on_batch(np.full((4, 3), 2.0), np.ones((4, 3)))
    before = everything(keras, model)
    getattr(model, method)(*data)
    return everything(keras, model) != before


BATCH = np.arange(12.0).reshape(4, 3), np.ones((4, 3))


@claim(answers=["8.1"])
def test_test_on_batch_changes_nothing(keras):
    """`test_on_batch` leaves the weights, the moving statistics of a normalization and the optimizer's state as they are."""
    assert not changes(keras, "test_on_batch", *BATCH)


@claim(answers=["8.1"])
def test_evaluate_changes_nothing(keras):
    """`evaluate` leaves the weights, the moving statistics of a normalization and the optimizer's state as they are."""
    assert not changes(keras, "evaluate", *BATCH, 2, 0)  # the batch size, and no progress bar


@claim(answers=["8.1"], examples=2)
@given(method=st.sampled_from(["predict", "predict_on_batch"]))
def test_predict_changes_nothing(keras, method):
    """`predict` and `predict_on_batch` leave the weights, the moving statistics and the optimizer's state as they are."""
    assert not changes(keras, method, BATCH[0])


@claim(answers=["8.4"])
def test_only_a_few_batches_are_in_memory(keras, evidence):
    """Of 64 batches that a generator makes, and `fit` trains on, no more than 13 are in memory at any time."""
    made, alive = [], []

    def generator():
        for _ in itertools.count():
            inputs = np.zeros((64, 4), "float32")
            made.append(weakref.ref(inputs))
            yield inputs, np.zeros((64, 1), "float32")

    def measure(batch, logs):
        alive.append(sum(reference() is not None for reference in made))

    measured = keras.callbacks.LambdaCallback(on_batch_end=measure)  # after the reader has read all that it will
    fit_from(keras, ledger(keras, 4), generator(), steps_per_epoch=64, callbacks=[ahead(keras, made, pause=0.001), measured])
    evidence("batches in memory", lines("batch", "batches", alive=alive[:20], trained_on=list(range(1, 21))))
    assert len(alive) == 64 <= len(made)
    assert max(alive) <= 13


@claim(answers=["8.4"])
def test_only_a_few_batches_of_a_sequence_are_in_memory(keras):
    """Of 64 batches that a `Sequence` makes, and `fit` trains on, no more than 13 are in memory at any time."""
    made, alive = [], []

    def batch(index):
        inputs = np.zeros((64, 4), "float32")
        made.append(weakref.ref(inputs))
        return inputs, np.zeros((64, 1), "float32")

    def measure(batch, logs):
        alive.append(sum(reference() is not None for reference in made))

    measured = keras.callbacks.LambdaCallback(on_batch_end=measure)
    fit_from(keras, ledger(keras, 4), sequence(keras, 64, batch), callbacks=[ahead(keras, made, pause=0.001), measured])
    assert len(alive) == 64 <= len(made)
    assert max(alive) <= 13


@claim(answers=["8.4", "8.1"])
def test_methods_of_a_batch_keep_no_batch(keras):
    """`train_on_batch` and `test_on_batch` in a loop keep none of the batches of earlier calls."""
    model, alive = ledger(keras, 4), []
    for method in [model.train_on_batch, model.test_on_batch] * 4:
        batch = np.zeros((2, 4), "float32"), np.zeros((2, 1), "float32")
        method(*batch)
        alive += [weakref.ref(part) for part in batch]
    del batch
    gc.collect()
    assert sum(reference() is not None for reference in alive[4:]) == 0  # tf_keras 2.16 keeps what a step was traced with


@claim(needs=["training"], answers=["8.4"])
def test_predict_in_a_loop_keeps_no_batch(keras):
    """`predict` in a loop keeps neither the inputs nor the outputs of earlier calls.

    That memory grows is reported in keras#13118 and tensorflow#44711.
    """
    model, alive = ledger(keras, 4), []
    for _ in range(4):
        inputs = np.zeros((2, 4), "float32")
        outputs = model.predict(inputs, verbose=0)
        alive += [weakref.ref(inputs), weakref.ref(outputs)]
    del inputs, outputs
    gc.collect()
    assert sum(reference() is not None for reference in alive[2:]) == 0  # tf_keras 2.16 keeps what a step was traced with


@claim(
    holds_on=["keras<3", "tf.keras", "keras[tensorflow]>=3", "keras[jax]>=3"],
    otherwise=AssertionError,
    instead="test_predict_in_a_loop_keeps_no_batch",
    answers=["8.4"],
)
def test_predict_in_a_loop_compiles_once(keras):
    """`predict` in a loop compiles the model in its first call; later ones, with batches of that size, run no Python of it."""
    calls = []

    class Counted(keras.layers.Layer):
        def call(self, inputs):
            calls.append(1)
            return 2 * inputs

    model = sequential(keras, (1,), Counted())
    model.predict(np.ones((2, 1)), verbose=0)
    compiled = len(calls)
    outputs = [model.predict(np.full((2, 1), n), verbose=0).tolist() for n in (1.0, 2.0, 3.0)]
    assert outputs == [[[2.0]] * 2, [[4.0]] * 2, [[6.0]] * 2]
    assert len(calls) == compiled


def learned_from_files(keras, folder, piece=lambda rows: rows):
    """What a model that learns each of ten samples in one step has learned from files that stay on disk, piece by piece."""
    np.save(str(folder / "inputs.npy"), np.eye(10, dtype="float32"))
    np.save(str(folder / "targets.npy"), np.arange(10, dtype="float32")[:, None])
    inputs, targets = (np.load(str(folder / name), mmap_mode="r") for name in ("inputs.npy", "targets.npy"))
    model = sequential(keras, (10,), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"))
    model.compile(optimizer=sgd(keras, rate=0.5), loss="mse")
    for _epoch in range(2):
        for start in range(0, len(inputs), 1):
            model.train_on_batch(piece(inputs[start : start + 1]), piece(targets[start : start + 1]))
    return model.predict(np.eye(10), verbose=0)[:, 0].tolist()


@claim(["keras", "tf.keras<2.1", "tf.keras>=2.2"], AssertionError, "test_pieces_of_a_file_have_to_be_copied", answers=["8.1"])
def test_a_file_is_read_piece_by_piece(keras, tmp_path):
    """Example: arrays that stay on disk (`mmap_mode="r"`) are sliced batch by batch for `train_on_batch`."""
    assert learned_from_files(keras, tmp_path) == list(range(10))


@claim(["tf.keras>=2.1,<2.2"], AssertionError, "test_a_file_is_read_piece_by_piece", answers=["8.1"])
def test_pieces_of_a_file_have_to_be_copied(keras, tmp_path):
    """From slices of an array on disk (`mmap_mode="r"`) `train_on_batch` learns nothing; from copies, `np.array`, it does.

    TensorFlow 2.1 neither trains on a memory-mapped array nor says so.
    """
    assert learned_from_files(keras, tmp_path, piece=np.array) == list(range(10))
    assert learned_from_files(keras, tmp_path) == [0] * 10


@claim(
    holds_on=["keras<3", "tf.keras"],
    otherwise=AttributeError,
    instead="test_a_sequence_reads_images_from_files",
    answers=["8.5"],
)
def test_image_data_generator_makes_batches_of_images(keras):
    """Example: `ImageDataGenerator.flow` gives batches of images, rescaled and transformed, each image once an epoch.

    What it can transform by itself needs SciPy; a subclass can transform by its own means.
    """

    class Mirrored(keras.preprocessing.image.ImageDataGenerator):
        def apply_transform(self, x, transform_parameters):
            return x[:, ::-1]

    images = 255 * np.eye(16, dtype="uint8").reshape(16, 4, 4, 1)  # each has one white pixel, which is its own
    model = image_ledger(keras)
    flow = Mirrored(rescale=1 / 255).flow(images, np.arange(16.0)[:, None], batch_size=4)
    fit_from(keras, model, flow, steps_per_epoch=len(images) // 4, epochs=2)
    learned = model.get_weights()[0].reshape(4, 4)[:, ::-1].ravel()
    np.testing.assert_allclose(learned, 2 * np.arange(16) / 4, rtol=1e-5)  # 1 / 255 in float32


def image_ledger(keras):
    """A `ledger` for images of 4 x 4 pixels, at weights of zero."""
    model = keras.models.Sequential([keras.layers.Flatten(input_shape=(4, 4, 1)), ledger(keras, 16)])
    model.compile(optimizer=sgd(keras), loss=lambda target, output: -target[:, 0] * output[:, 0])
    model.set_weights([np.zeros((16, 1))])
    return model


@claim(answers=["8.5"])
def test_a_sequence_reads_images_from_files(keras, tmp_path):
    """Example: on any Keras, a `Sequence` (`PyDataset` in Keras 3) reads a batch of images from files when it is wanted."""

    class Images(keras.utils.Sequence):
        def __init__(self, files, targets, batch_size):
            super().__init__()
            self.files, self.targets, self.batch_size = files, targets, batch_size

        def __len__(self):
            return -(-len(self.files) // self.batch_size)

        def __getitem__(self, index):
            chosen = slice(index * self.batch_size, (index + 1) * self.batch_size)
            images = [np.load(file).astype("float32") / 255 for file in self.files[chosen]]
            return np.stack(images), self.targets[chosen]

    files = [str(tmp_path / f"{number}.npy") for number in range(16)]
    for number, file in enumerate(files):
        np.save(file, 255 * np.eye(16, dtype="uint8")[number].reshape(4, 4, 1))
    model = image_ledger(keras)
    fit_from(keras, model, Images(files, np.arange(16.0)[:, None], batch_size=4), epochs=2)
    assert model.get_weights()[0][:, 0].tolist() == (2 * np.arange(16) / 4).tolist()
