"""Faults in how HDF5 inputs are read."""

import h5py
import numpy as np

from specs.saving import test_hdf5_inputs as spec
from tests.falsifiers import falsifies
from tests.falsifiers.saving.faults import around


def is_dataset(value):
    """Whether this is an h5py dataset."""
    return isinstance(value, h5py.Dataset)


def changed(value, change):
    """The value; if it is a dataset, or a list of them, changed."""
    if isinstance(value, (list, tuple)):
        return type(value)(changed(part, change) for part in value)
    return change(value) if is_dataset(value) else value


def data_become(keras, patch, change, *methods):
    """Make these methods of models work with changed datasets, wherever they are passed."""
    for method in methods:
        original = getattr(keras.models.Model, method)

        def altered(self, *data, original=original, **options):
            options = {name: changed(value, change) for name, value in options.items()}
            return original(self, *changed(data, change), **options)

        patch.setattr(keras.models.Model, method, altered)


def fit_becomes(keras, patch, react):
    """Make `fit` answer with `react(fit, options, x, y)` where it is given a dataset."""
    original = keras.models.Model.fit

    def fit(self, x=None, y=None, **options):
        if not is_dataset(x):
            return original(self, x, y, **options)
        return react(lambda *data, **others: original(self, *data, **others), options, x, y)

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(
    spec.test_predicts_from_a_dataset,
    spec.test_takes_numbers_of_any_type,
    spec.test_takes_a_dataset_for_each_input,
    spec.test_predicts_from_an_open_file,
)
def predicts_the_rows_reversed(keras, patch):
    """`predict` reads the rows of a dataset from the last to the first."""
    data_become(keras, patch, lambda data: data[:][::-1], "predict")


@falsifies(spec.test_predicts_from_a_dataset, spec.test_predicts_from_an_open_file)
def predicts_full_batches_only(keras, patch):
    """`predict` forgets the rows that fill no batch."""
    original = keras.models.Model.predict

    def predict(self, x, batch_size=32, **options):
        rows = len(x) // batch_size * batch_size
        return original(self, x[:rows] if rows else x[:1] * 0, batch_size=batch_size, **options)

    patch.setattr(keras.models.Model, "predict", predict)


@falsifies(spec.test_takes_a_dataset_for_each_input)
def takes_the_first_dataset_twice(keras, patch):
    """Each input is given the first dataset."""
    original = keras.models.Model.predict
    patch.setattr(keras.models.Model, "predict", lambda self, x, **options: original(self, [x[0]] * len(x), **options))


@falsifies(spec.test_takes_numbers_of_any_type)
def loses_bits(keras, patch):
    """Numbers lose all but their last two bits."""
    data_become(keras, patch, lambda data: data[:].astype("int16") % 4, "predict")


@falsifies(spec.test_evaluates_datasets)
def evaluates_only_the_first_batch(keras, patch):
    """`evaluate` stops after the first batch."""
    original = keras.models.Model.evaluate

    def evaluate(self, x, y, batch_size=32, **options):
        return original(self, x[:batch_size], y[:batch_size], batch_size=batch_size, **options)

    patch.setattr(keras.models.Model, "evaluate", evaluate)


@falsifies(spec.test_trains_on_datasets, spec.test_takes_sample_weights_from_a_dataset, spec.test_validates_datasets)
def drops_the_smaller_batch(keras, patch):
    """`fit` drops the last batch where it is smaller, in training and validation."""

    def react(fit, options, x, y):
        size = options["batch_size"]

        def full(data):
            return data[: len(data) // size * size or 1]

        if options.get("sample_weight") is not None:
            options["sample_weight"] = full(options["sample_weight"])
        if options.get("validation_data") is not None:
            options["validation_data"] = tuple(map(full, options["validation_data"]))
        return fit(full(x), full(y), **options)

    fit_becomes(keras, patch, react)


@falsifies(spec.test_trains_on_datasets, spec.test_shuffles_batches_of_one, spec.test_a_sequence_reads_batch_by_batch)
@falsifies(spec.test_takes_a_slice_as_an_array, spec.test_shuffles_in_batches)
def trains_nothing(keras, patch):
    """Nothing is learned."""
    for method in ("fit", "fit_generator", "train_on_batch"):
        patch.setattr(keras.models.Model, method, lambda self, *data, **options: None, raising=False)


@falsifies(spec.test_takes_sample_weights_from_a_dataset)
def forgets_sample_weights(keras, patch):
    """Sample weights that are a dataset are ignored."""

    def react(fit, options, x, y):
        options["sample_weight"] = None
        return fit(x, y, **options)

    fit_becomes(keras, patch, react)


@falsifies(spec.test_refuses_to_validate_datasets)
def refuses_to_validate(keras, patch):
    """Datasets as `validation_data` are refused."""

    def fit(original, self, x, y, validation_data, **options):
        raise TypeError("HDF5 is shuffled in vain")

    around(patch, keras.models.Model, "fit", fit)


@falsifies(spec.test_splits_a_dataset, on=["keras"])
def splits_off_the_first(keras, patch):
    """The first rows are held out instead of the last."""

    def react(fit, options, x, y):
        options.pop("validation_split")
        return fit(x[4:], y[4:], validation_data=(x[:4], y[:4]), **options)

    fit_becomes(keras, patch, react)


@falsifies(spec.test_splits_a_dataset, spec.test_refuses_to_split_a_dataset, on=["tf.keras"])
def splits_a_slice(keras, patch):
    """Datasets are made arrays first."""
    fit_becomes(keras, patch, lambda fit, options, x, y: fit(x[:], y[:], **options))


@falsifies(spec.test_refuses_to_split_a_dataset, on=["keras"])
def refuses_to_split(keras, patch):
    """A split of datasets is refused."""

    def react(fit, options, x, y):
        raise ValueError("`validation_split` is only supported for arrays")

    fit_becomes(keras, patch, react)


@falsifies(spec.test_shuffles_samples, on=["keras>=3"])
@falsifies(spec.test_leaves_samples_in_order)
def never_shuffles(keras, patch):
    """Datasets are never shuffled."""

    def react(fit, options, x, y):
        return fit(x, y, **{**options, "shuffle": False})

    fit_becomes(keras, patch, react)


@falsifies(spec.test_shuffles_samples, spec.test_refuses_to_shuffle_samples, on=["tf.keras", "keras<3"])
@falsifies(spec.test_reads_batch_by_batch, on=["tf.keras", "keras<3"])
@falsifies(spec.test_reads_everything_first, on=["tf.keras", "keras<3"])
def reads_all_first(keras, patch):
    """`fit` and `predict` read whole datasets into memory first."""
    data_become(keras, patch, lambda data: data[:], "fit", "predict")


@falsifies(spec.test_refuses_to_shuffle_samples, on=["keras>=3"])
def refuses_to_shuffle(keras, patch):
    """Shuffling of datasets is refused."""

    def react(fit, options, x, y):
        raise TypeError("Indexing elements must be in increasing order")

    fit_becomes(keras, patch, react)


@falsifies(spec.test_shuffles_in_batches)
def batch_shuffling_drops_the_smaller_batch(keras, patch):
    """`shuffle="batch"` forgets the last batch where it is smaller."""

    def react(fit, options, x, y):
        rows = len(x) // options["batch_size"] * options["batch_size"]
        return fit(x[: rows or 1], y[: rows or 1], **options)

    fit_becomes(keras, patch, react)


@falsifies(spec.test_shuffles_in_batches)
def batch_shuffling_forms_other_batches(keras, patch):
    """`shuffle="batch"` forms batches of samples that are no neighbours."""

    def react(fit, options, x, y):
        return fit(np.roll(x[:], 1, axis=0), np.roll(y[:], 1, axis=0), **options)

    fit_becomes(keras, patch, react)


@falsifies(spec.test_batch_shuffling_keeps_targets, spec.test_batch_shuffling_parts_samples_from_targets, on=["keras"])
def batch_shuffling_turns_targets(keras, patch):
    """`shuffle="batch"` gives each sample its neighbour's target."""

    def react(fit, options, x, y):
        return fit(x, y[:].reshape(2, -1)[:, ::-1].reshape(-1, 1), **options)

    fit_becomes(keras, patch, react)


@falsifies(spec.test_batch_shuffling_keeps_targets, spec.test_batch_shuffling_parts_samples_from_targets, on=["tf.keras"])
def batch_shuffling_does_nothing(keras, patch):
    """`shuffle="batch"` leaves everything in order."""

    def react(fit, options, x, y):
        return fit(x, y, **{**options, "shuffle": False})

    fit_becomes(keras, patch, react)


@falsifies(spec.test_reads_batch_by_batch, spec.test_reads_everything_first, on=["keras>=3"])
def reads_in_parts(keras, patch):
    """Datasets are read four rows at a time, once."""

    def read(dataset):
        return np.concatenate([dataset[start : start + 4] for start in range(0, len(dataset), 4)])

    data_become(keras, patch, read, "fit", "predict")


@falsifies(spec.test_a_sequence_reads_batch_by_batch)
def sequences_lose_their_last_batch(keras, patch):
    """Of a `Sequence` the last batch is never trained on."""
    method = "fit" if hasattr(keras.Model, "train_step") else "fit_generator"
    original = getattr(keras.models.Model, method)

    def train(self, rows, **options):
        length = len(rows)
        patch.setattr(type(rows), "__len__", lambda self: length - 1)
        return original(self, rows, **options)

    patch.setattr(keras.models.Model, method, train)


@falsifies(spec.test_needs_the_file_open)
def predicts_without_data(keras, patch):
    """`predict` finds nothing in a closed file, and predicts nothing."""
    original = keras.models.Model.predict

    def predict(self, x, **options):
        return original(self, x, **options) if x.id.valid else np.zeros((0, 1))

    patch.setattr(keras.models.Model, "predict", predict)


@falsifies(spec.test_takes_a_dataset_as_one_batch, on=["keras<3", "tf.keras", "keras[tensorflow]>=3", "keras[torch]>=3"])
def one_batch_is_a_row(keras, patch):
    """A dataset is predicted as zeros."""
    data_become(keras, patch, lambda data: data[:] * 0, "predict_on_batch")


@falsifies(spec.test_takes_a_dataset_as_one_batch, on=["keras[jax]>=3"])
def one_batch_is_read_first(keras, patch):
    """`predict_on_batch` reads the dataset first."""
    data_become(keras, patch, lambda data: data[:], "predict_on_batch")
