"""Faults in `HDF5Matrix`; where it is gone, one that is back."""

from collections import defaultdict

import h5py
import numpy as np

from specs.saving import test_hdf5_matrix as spec
from tests.falsifiers import falsifies

OLD, GONE = ["keras<3", "tf.keras<2.4"], ["keras>=3", "tf.keras>=2.4"]


class Matrix:
    """What Keras 2.2 had: rows of a dataset from `start` to before `end`, normalized, in a file that stays open."""

    refs = defaultdict(int)  # noqa: RUF012

    def __init__(self, path, name, start=0, end=None, normalizer=None):
        """`normalizer` is applied to all that is read."""
        if path not in self.refs:
            self.refs[path] = h5py.File(path, "r+")
        self.data, self.start, self.normalizer = self.refs[path][name], start, normalizer or (lambda rows: rows)
        self.end = len(self.data) if end is None else end
        first = self.normalizer(self.data[:1])
        self.shape, self.dtype, self.ndim = (self.end - start, *first.shape[1:]), first.dtype, self.data.ndim
        self.size = np.prod(self.shape)

    def __len__(self):
        return self.end - self.start

    def __array__(self, dtype=None, **options):
        return np.asarray(self[:], dtype)

    def __getitem__(self, key):
        if isinstance(key, slice):
            first, stop = key.start or 0, len(self) if key.stop is None else key.stop
            rows, last = slice(first + self.start, stop + self.start), stop - 1
        else:
            last = int(np.max(key))
            rows = (np.asarray(key) + self.start).tolist()
        if last >= len(self):
            raise IndexError
        return self.normalizer(self.data[rows])


class Refusing(Matrix):
    """One that cannot be shuffled."""

    @property
    def shape(self):
        """Nothing asks for it in vain."""
        raise TypeError('pass shuffle="batch"')

    @shape.setter
    def shape(self, shape):
        """Forget it."""

    def __init__(self, path, name):
        """All rows."""
        self.refs[path] = h5py.File(path, "r+")

    def __array__(self, *args, **options):
        raise TypeError('pass shuffle="batch"')


@falsifies(spec.test_is_there, spec.test_equals_the_rows_from_start_to_end, on=GONE)
@falsifies(spec.test_is_the_whole_dataset_by_default, spec.test_normalizes_what_it_reads, on=GONE)
@falsifies(spec.test_refuses_rows_after_its_end, spec.test_ignores_the_step_of_a_slice, on=GONE)
@falsifies(spec.test_counts_negative_rows_from_start, spec.test_keeps_its_file_open, on=GONE)
@falsifies(spec.test_trains_with_batch_shuffling, spec.test_has_the_shape_of_what_it_gives, on=GONE)
def is_back(keras, patch):
    """`HDF5Matrix` is there again."""
    patch.setattr(keras.utils, "HDF5Matrix", Matrix, raising=False)


@falsifies(spec.test_has_the_shape_of_what_it_normalizes, on=GONE)
def is_back_with_the_shape_of_the_file(keras, patch):
    """`HDF5Matrix` is there again, and has the shape and type of the file."""

    class Unshaped(Matrix):
        def __init__(self, *args, normalizer):
            super().__init__(*args)
            self.normalizer = normalizer

    patch.setattr(keras.utils, "HDF5Matrix", Unshaped, raising=False)


@falsifies(spec.test_leaves_its_rows_in_order, on=GONE)
def is_back_and_never_shuffled(keras, patch):
    """`HDF5Matrix` is there again, and is never shuffled."""
    patch.setattr(keras.utils, "HDF5Matrix", Matrix, raising=False)
    fit = keras.models.Model.fit
    patch.setattr(keras.models.Model, "fit", lambda self, *data, **given: fit(self, *data, **{**given, "shuffle": False}))


@falsifies(spec.test_refuses_to_shuffle_its_rows, on=GONE)
def is_back_and_refuses(keras, patch):
    """`HDF5Matrix` is there again, and cannot be shuffled."""
    patch.setattr(keras.utils, "HDF5Matrix", Refusing, raising=False)


@falsifies(spec.test_is_there, on=OLD)
def is_gone(keras, patch):
    """There is no `HDF5Matrix`."""
    patch.delattr(keras.utils, "HDF5Matrix")


@falsifies(spec.test_is_replaced_by_the_dataset)
def predicts_zeros(keras, patch):
    """`predict` gives zeros."""
    original = keras.models.Model.predict
    patch.setattr(keras.models.Model, "predict", lambda self, x, **options: 0 * original(self, x, **options))


def rows_become(keras, patch, change):
    """Make `matrix[key]` answer with `change(get, matrix, key)`."""
    original = keras.utils.HDF5Matrix.__getitem__
    patch.setattr(keras.utils.HDF5Matrix, "__getitem__", lambda self, key: change(original, self, key))


@falsifies(spec.test_equals_the_rows_from_start_to_end, spec.test_is_the_whole_dataset_by_default, on=OLD)
@falsifies(spec.test_normalizes_what_it_reads, spec.test_trains_with_batch_shuffling, on=OLD)
@falsifies(spec.test_counts_negative_rows_from_start, on=OLD)
def doubles_what_it_reads(keras, patch):
    """All that is read is doubled."""
    rows_become(keras, patch, lambda get, matrix, key: 2 * get(matrix, key))


@falsifies(spec.test_equals_the_rows_from_start_to_end, on=OLD)
def forgets_the_start_in_lists(keras, patch):
    """A list of rows is counted from the file's first row."""

    def change(get, matrix, key):
        return matrix.data[key] if isinstance(key, list) else get(matrix, key)

    rows_become(keras, patch, change)


@falsifies(spec.test_normalizes_what_it_reads, on=OLD)
def normalizes_slices_only(keras, patch):
    """What is no slice is not normalized."""

    def change(get, matrix, key):
        return get(matrix, key) if isinstance(key, slice) else matrix.data[key]

    rows_become(keras, patch, change)


@falsifies(spec.test_refuses_rows_after_its_end, on=OLD)
def reads_after_its_end(keras, patch):
    """Rows after the end are read."""

    def change(get, matrix, key):
        patch.setattr(matrix, "end", len(matrix.data))
        return get(matrix, key)

    rows_become(keras, patch, change)


@falsifies(spec.test_ignores_the_step_of_a_slice, on=OLD)
def heeds_the_step(keras, patch):
    """The step of a slice is heeded."""

    def change(get, matrix, key):
        return get(matrix, key)[:: key.step] if isinstance(key, slice) else get(matrix, key)

    rows_become(keras, patch, change)


@falsifies(spec.test_refuses_to_shuffle_its_rows, on=OLD)
def is_read_first(keras, patch):
    """`fit` reads a matrix into memory first."""
    original = keras.models.Model.fit
    patch.setattr(keras.models.Model, "fit", lambda self, x, y, **options: original(self, x[:], y[:], **options))


@falsifies(spec.test_trains_with_batch_shuffling, on=OLD)
def forgets_batch_shuffling(keras, patch):
    """`shuffle="batch"` trains only the first batch."""
    original = keras.models.Model.fit
    patch.setattr(keras.models.Model, "fit", lambda self, x, y, **options: original(self, x[:3], y[:3], **options))


@falsifies(spec.test_keeps_its_file_open, on=OLD)
def closes_its_file(keras, patch):
    """The file is closed at once."""
    original = keras.utils.HDF5Matrix.__init__

    def init(self, path, *args, **options):
        original(self, path, *args, **options)
        self.refs[path].close()

    patch.setattr(keras.utils.HDF5Matrix, "__init__", init)


@falsifies(spec.test_has_the_shape_of_what_it_gives, spec.test_has_the_shape_of_what_it_normalizes, on=["keras<3"])
def has_the_shape_of_the_file(keras, patch):
    """`HDF5Matrix` has the shape and type of the file."""
    matrix = keras.utils.HDF5Matrix
    patch.setattr(matrix, "shape", property(lambda self: (self.end - self.start, *self.data.shape[1:])))
    patch.setattr(matrix, "dtype", property(lambda self: self.data.dtype))


@falsifies(spec.test_leaves_its_rows_in_order, on=["keras<3"])
def is_never_shuffled(keras, patch):
    """`fit` never shuffles."""
    fit = keras.models.Model.fit
    patch.setattr(keras.models.Model, "fit", lambda self, *data, **given: fit(self, *data, **{**given, "shuffle": False}))
