"""How do I use HDF5 inputs?"""

import h5py
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.hdf5 import datasets, python_errors, write_hdf5
from fixtures.models import joint_ledger, ledger, logbook
from fixtures.probes import noted
from fixtures.tensors import trains_in_steps

COLUMNS = 16
NUMBERS = np.arange(1.0, COLUMNS + 1)[:, None]
ONE_EACH = np.eye(COLUMNS, dtype="float32")  # a row a sample, which alone moves its own weight of the ledger
ZEROS = np.zeros((COLUMNS, 1))
samples, batch_sizes = st.integers(1, COLUMNS), st.integers(1, COLUMNS)


def ready(keras, weights=ZEROS):
    """The ledger, with these weights."""
    model = ledger(keras, len(weights))
    model.set_weights([weights])
    return model


def worth(targets, batch_size):
    """What each of these samples adds to the ledger's weight, in batches of neighbours, the last of which may be smaller."""
    batch = np.arange(len(targets)) // batch_size
    gains = targets / np.bincount(batch)[batch]
    return pytest.approx(np.pad(gains, (0, COLUMNS - len(targets)), "constant").tolist(), rel=1e-6)  # a division in float32


def loss_of(products, batch_size):
    """What the loss of these samples, in batches, may be: their mean, or that of the batches' means, as in Keras 3.0."""
    means = [np.mean(products[start : start + batch_size]) for start in range(0, len(products), batch_size)]
    return [pytest.approx(-np.mean(each), rel=1e-6) for each in (products, means)]


def learned(model):
    """The ledger's weights."""
    return model.get_weights()[0][:, 0].tolist()


@claim(needs=["float32"], answers=["17.2"], examples=3)
@given(samples=samples, batch_size=batch_sizes)
@example(samples=7, batch_size=3)
def test_predicts_from_a_dataset(keras, samples, batch_size):
    """`predict` takes an `h5py` dataset as it takes an array: any number of samples, any batch size, the last batch smaller."""
    inputs = 1001 * np.arange(4.0 * samples, dtype="float32").reshape(samples, 4)  # which float16 could not tell apart
    with datasets(inputs) as [dataset]:
        predictions = ready(keras, weights=NUMBERS[:4]).predict(dataset, batch_size=batch_size, verbose=0)
    assert predictions.tolist() == (inputs @ NUMBERS[:4]).tolist()  # whole numbers are exact


@claim(answers=["17.2"], examples=3)
@given(samples=samples, batch_size=batch_sizes)
@example(samples=7, batch_size=3)
def test_evaluates_datasets(keras, samples, batch_size):
    """`evaluate` takes datasets as it takes arrays, for any number of samples and any batch size."""
    targets = np.arange(2.0, samples + 2)
    with datasets(ONE_EACH[:samples], targets[:, None]) as [inputs, outputs]:
        loss = ready(keras, weights=NUMBERS).evaluate(inputs, outputs, batch_size=batch_size, verbose=0)
    assert loss in loss_of(targets * NUMBERS[:samples, 0], batch_size)


@claim(answers=["17.2"], examples=3)
@given(samples=samples, batch_size=batch_sizes, mixed=st.booleans())
@example(samples=7, batch_size=3, mixed=False)
@example(samples=7, batch_size=3, mixed=True)
def test_trains_on_datasets(keras, samples, batch_size, mixed):
    """`fit(shuffle=False)` learns from datasets what it learns from arrays; the targets may be either."""
    model, targets = ready(keras), np.arange(1.0, samples + 1)
    with datasets(ONE_EACH[:samples], targets[:, None]) as [inputs, outputs]:
        outputs = targets[:, None] if mixed else outputs
        model.fit(inputs, outputs, batch_size=batch_size, shuffle=False, verbose=0)
    assert learned(model) == worth(targets, batch_size)


@claim(answers=["17.2"])
def test_takes_sample_weights_from_a_dataset(keras):
    """Sample weights may be a dataset too."""
    model, weights = ready(keras), np.arange(1.0, 8)
    with datasets(ONE_EACH[:7], np.ones((7, 1)), weights) as [inputs, outputs, sample_weight]:
        model.fit(inputs, outputs, sample_weight=sample_weight, batch_size=3, shuffle=False, verbose=0)
    assert learned(model) == worth(weights, 3)


@claim(answers=["17.2"])
def test_takes_a_dataset_for_each_input(keras):
    """A model of several inputs takes a list of datasets."""
    model = joint_ledger(keras, 2)
    model.set_weights([NUMBERS[:4], -NUMBERS[:4]])
    with datasets(np.eye(2), 10 * np.eye(2)[::-1]) as inputs:
        first, second = model.predict(inputs, batch_size=1, verbose=0)
    assert first[:, 0].tolist() == [1 + 40, 2 + 30]
    assert second[:, 0].tolist() == [-1 - 40, -2 - 30]


@claim(answers=["17.2"], examples=2)
@given(dtype=st.sampled_from(["uint8", "int64", "float16", "float64"]))
@example(dtype="uint8")
@example(dtype="float64")
def test_takes_numbers_of_any_type(keras, dtype):
    """The dataset may hold bytes, other integers or floats of another precision: they become what the model computes in."""
    inputs = np.arange(8).reshape(2, 4).astype(dtype)
    with datasets(inputs) as [dataset]:
        predictions = ready(keras, weights=NUMBERS[:4]).predict(dataset, verbose=0)
    assert predictions.tolist() == [[20.0], [60.0]]
    assert predictions.dtype == "float32"


@claim(["keras", "tf.keras>=2.1"], TypeError, "test_refuses_to_validate_datasets", answers=["17.2"])
def test_validates_datasets(keras):
    """`validation_data` may be a pair of datasets."""
    model = ready(keras, weights=NUMBERS)
    with datasets(ONE_EACH[:8], np.ones((8, 1)), ONE_EACH[8:], np.ones((8, 1))) as [inputs, outputs, *held_out]:
        history = model.fit(inputs, outputs, validation_data=tuple(held_out), batch_size=3, shuffle=False, verbose=0).history
    assert history["val_loss"][0] in loss_of(NUMBERS[8:], 3)


@claim(["tf.keras<2.1"], pytest.fail.Exception, "test_validates_datasets", answers=["17.2"])
def test_refuses_to_validate_datasets(keras):
    """In training on datasets, those in `validation_data` are shuffled in vain and refused with a TypeError: pass slices."""
    with datasets(ONE_EACH, NUMBERS) as [inputs, outputs], pytest.raises(TypeError, match="HDF5"):
        ready(keras).fit(inputs, outputs, validation_data=(inputs, outputs), batch_size=8, shuffle=False, verbose=0)


@claim(["keras<3", "keras>=3.1", "tf.keras<2.1"], ValueError, "test_refuses_to_split_a_dataset", answers=["17.2"])
def test_splits_a_dataset(keras):
    """`validation_split` holds out the last rows of a dataset."""
    model = ready(keras, weights=NUMBERS)
    with datasets(ONE_EACH, np.ones((COLUMNS, 1))) as [inputs, outputs]:
        history = model.fit(inputs, outputs, validation_split=0.25, batch_size=12, verbose=0).history
    assert np.flatnonzero(learned(model) - NUMBERS[:, 0]).tolist() == list(range(12))
    assert history["val_loss"] == [pytest.approx(-np.mean(NUMBERS[12:]), rel=1e-6)]


@claim(["keras>=3,<3.1", "tf.keras>=2.1"], pytest.fail.Exception, "test_splits_a_dataset", answers=["17.2"])
def test_refuses_to_split_a_dataset(keras):
    """`validation_split` of a dataset is refused with a ValueError: slice it into training and validation arrays yourself."""
    refusal = pytest.raises(ValueError, match=r"validation_split|Cannot handle input")
    with datasets(ONE_EACH, np.ones((COLUMNS, 1))) as [inputs, outputs], refusal:
        ready(keras).fit(inputs, outputs, validation_split=0.25, batch_size=12, verbose=0)


@claim(
    ["keras>=3"],
    (TypeError, AssertionError),
    ["test_refuses_to_shuffle_samples", "test_leaves_samples_in_order"],
    answers=["17.R1"],
)
def test_shuffles_samples(keras):
    """The samples of a dataset are shuffled by default: each comes once, in an order drawn anew at every epoch."""
    book = logbook(keras)
    with datasets(NUMBERS) as [dataset], python_errors():
        book.fit(dataset, dataset, batch_size=COLUMNS, epochs=2, verbose=0)
    first, second = noted(book)
    assert sorted(first) == sorted(second) == list(range(1, COLUMNS + 1))
    assert first != second  # false alarm: 1 / 16!, less than 1e-13


@claim(["keras<3", "tf.keras"], pytest.fail.Exception, "test_shuffles_samples", answers=["17.R1"], examples=2)
@given(options=st.sampled_from([{}, {"shuffle": True}]))
def test_refuses_to_shuffle_samples(keras, options):
    """Shuffling, the default, fails: h5py reads rows in increasing order only. Pass `shuffle="batch"` or `shuffle=False`.

    Public threads: keras#887, keras#6874.
    """
    with datasets(NUMBERS) as [dataset], pytest.raises(TypeError, match=r"increasing order|HDF5"), python_errors():
        logbook(keras).fit(dataset, dataset, batch_size=8, verbose=0, **options)  # both sorted by chance: 1 / 8!**2, 6e-10


@claim(
    ["tf.keras<2.1"],
    (TypeError, AssertionError),
    ["test_shuffles_samples", "test_refuses_to_shuffle_samples"],
    answers=["17.R1"],
    examples=2,
)
@given(options=st.sampled_from([{}, {"shuffle": True}]))
def test_leaves_samples_in_order(keras, options):
    """Where one batch holds a whole dataset, shuffling, the default, is passed over: every epoch takes the samples in order."""
    book = logbook(keras)
    with datasets(NUMBERS) as [dataset], python_errors():
        book.fit(dataset, dataset, batch_size=COLUMNS, epochs=2, verbose=0, **options)
    assert noted(book) == [list(range(1, COLUMNS + 1))] * 2


@claim(answers=["17.R1"])
def test_shuffles_batches_of_one(keras):
    """Shuffling works everywhere with batches of one sample: one row is always in order."""
    model, targets = ready(keras), np.arange(1.0, COLUMNS + 1)
    with datasets(ONE_EACH, targets[:, None]) as [inputs, outputs]:
        model.fit(inputs, outputs, batch_size=1, shuffle=True, verbose=0)
    assert learned(model) == targets.tolist()


@claim(answers=["17.R1"], examples=2)
@given(samples=samples, batch_size=st.integers(1, 5))
@example(samples=COLUMNS, batch_size=4)
@example(samples=7, batch_size=3)
def test_shuffles_in_batches(keras, samples, batch_size):
    """`shuffle="batch"`, made for HDF5, trains each sample once an epoch, in batches of neighbours, the last one smaller."""
    model = ready(keras)
    with datasets(ONE_EACH[:samples], np.ones((samples, 1))) as [inputs, outputs]:
        model.fit(inputs, outputs, batch_size=batch_size, shuffle="batch", verbose=0)
    assert learned(model) == worth(np.ones(samples), batch_size)


@claim(
    ["keras<3", "keras[torch]", "keras>=3.1", "tf.keras<2.1"],
    AssertionError,
    "test_batch_shuffling_parts_samples_from_targets",
    answers=["17.R1"],
)
def test_batch_shuffling_keeps_targets(keras):
    """With `shuffle="batch"` each sample keeps its own target."""
    model = ready(keras)
    with datasets(ONE_EACH, NUMBERS) as [inputs, outputs]:
        model.fit(inputs, outputs, batch_size=8, shuffle="batch", verbose=0)
    assert learned(model) == (NUMBERS[:, 0] / 8).tolist()


@claim(
    ["keras[tensorflow,jax]>=3,<3.1", "tf.keras>=2.1"], AssertionError, "test_batch_shuffling_keeps_targets", answers=["17.R1"]
)
def test_batch_shuffling_parts_samples_from_targets(keras):
    """With `shuffle="batch"` samples get targets of other samples in their batch, so that the model learns nothing true.

    Public threads: keras#15846, tensorflow#45197. False alarm: two batches of eight stay as they were, 1 / 8!**2, 6e-10.
    """
    model = ready(keras)
    with datasets(ONE_EACH, NUMBERS) as [inputs, outputs]:
        model.fit(inputs, outputs, batch_size=8, shuffle="batch", verbose=0)
    assert sorted(learned(model)) == (NUMBERS[:, 0] / 8).tolist()
    assert learned(model) != (NUMBERS[:, 0] / 8).tolist()


def rows_read(keras):
    """The rows of each read of the inputs while the ledger is trained on 16, and while it predicts them, four at a time."""
    model = ready(keras)
    with datasets(ONE_EACH, np.ones((COLUMNS, 1))) as [inputs, outputs]:
        model.fit(inputs, outputs, batch_size=4, shuffle=False, verbose=0)
        trained = len(inputs.reads)
        model.predict(inputs, batch_size=4, verbose=0)
        return inputs.reads[:trained], inputs.reads[trained:]


@claim(["keras<3", "tf.keras>=2.1"], AssertionError, "test_reads_everything_first", answers=["17.2"])
def test_reads_batch_by_batch(keras, evidence):
    """A dataset is read batch by batch, so that it may be larger than memory."""
    training, prediction = rows_read(keras)
    evidence("rows of each read, in training and prediction", [training, prediction])
    assert training == prediction == [4] * 4


@claim(["keras>=3", "tf.keras<2.1"], AssertionError, "test_reads_batch_by_batch", answers=["17.2"])
def test_reads_everything_first(keras, evidence):
    """The whole dataset is read into memory first, in training and in prediction: what is larger needs a `Sequence`."""
    training, prediction = rows_read(keras)
    evidence("rows of each read, in training and prediction", [training, prediction])
    assert training[:1] == prediction[:1] == [COLUMNS]


@claim(answers=["17.2", "17.R1"])
def test_a_sequence_reads_batch_by_batch(keras):
    """Example: a `Sequence` reads its batch from the dataset, everywhere, and `fit` shuffles these batches."""

    class Rows(keras.utils.Sequence):
        def __init__(self, inputs, outputs, batch_size):
            if hasattr(keras, "ops"):
                super().__init__()
            self.inputs, self.outputs, self.batch_size = inputs, outputs, batch_size

        def __len__(self):
            return -(-len(self.inputs) // self.batch_size)

        def __getitem__(self, index):
            rows = slice(index * self.batch_size, (index + 1) * self.batch_size)
            return self.inputs[rows], self.outputs[rows]

    model = ready(keras)
    train = model.fit if trains_in_steps(keras) else model.fit_generator  # the latter in Keras 2.2
    with datasets(ONE_EACH, NUMBERS) as [inputs, outputs]:
        train(Rows(inputs, outputs, batch_size=5), epochs=1, verbose=0)
        assert set(inputs.reads) == {5, 1}
    assert learned(model) == worth(NUMBERS[:, 0], 5)


@claim(answers=["17.2"])
def test_needs_the_file_open(keras):
    """The dataset is no copy: once its file is closed, `predict` fails."""
    with datasets(ONE_EACH) as [dataset]:
        pass
    with pytest.raises((ValueError, RuntimeError), match=r"dataset|identifier"):
        ready(keras).predict(dataset, verbose=0)


@claim(
    ["keras<3", "tf.keras<2", "tf.keras>=2.1", "keras[tensorflow]>=3", "keras[torch]>=3"],
    (TypeError, AttributeError),
    "test_takes_a_slice_as_an_array",
    answers=["17.2"],
)
def test_takes_a_dataset_as_one_batch(keras):
    """`predict_on_batch` takes a whole dataset as its batch."""
    with datasets(ONE_EACH) as [dataset]:
        assert np.array(ready(keras, weights=NUMBERS).predict_on_batch(dataset)).tolist() == NUMBERS.tolist()


@claim(answers=["17.2"])
def test_takes_a_slice_as_an_array(keras):
    """A slice of a dataset is an array in memory, which every method takes."""
    model = ready(keras, weights=NUMBERS)
    with datasets(ONE_EACH, NUMBERS) as [inputs, outputs]:
        assert np.array(model.predict_on_batch(inputs[4:8])).tolist() == NUMBERS[4:8].tolist()
        model.train_on_batch(inputs[4:8], outputs[4:8])
    assert (learned(model) - NUMBERS[:, 0]).tolist() == [0] * 4 + (NUMBERS[4:8, 0] / 4).tolist() + [0] * 8


@claim(answers=["17.2"])
def test_predicts_from_an_open_file(keras, tmp_path):
    """Example: open the file, take the dataset by its name, and predict."""
    path = write_hdf5(tmp_path / "images.hdf5", images=ONE_EACH)
    model = ready(keras, weights=NUMBERS)

    with h5py.File(path, "r") as file:
        predictions = model.predict(file["images"], verbose=0)

    assert predictions.tolist() == NUMBERS.tolist()
