"""What does `HDF5Matrix` do?"""

import h5py
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.hdf5 import hdf5_matrix, python_errors, write_hdf5
from fixtures.models import ledger, logbook
from fixtures.probes import noted

OLD = ["keras<3", "tf.keras<2.4"]
ROWS = 16
TABLE = np.arange(1.0, 3 * ROWS + 1).reshape(ROWS, 3)
NUMBERS = np.arange(1.0, ROWS + 1)[:, None]
windows = st.integers(0, ROWS - 1).flatmap(lambda start: st.tuples(st.just(start), st.integers(start + 1, ROWS)))


def rows_file(tmp_path_factory):
    """The path of an HDF5 file with a table of 16 rows and three columns, and the numbers from 1 to 16."""
    return write_hdf5(tmp_path_factory.mktemp("matrix") / "rows.h5", table=TABLE, numbers=NUMBERS)


@claim(OLD, AssertionError, "test_is_replaced_by_the_dataset", answers=["17.1"])
def test_is_there(keras):
    """`keras.utils.HDF5Matrix` exists."""
    assert hasattr(keras.utils, "HDF5Matrix")


@claim(answers=["17.1"])
def test_is_replaced_by_the_dataset(keras, tmp_path_factory):
    """Example: without `HDF5Matrix` the dataset itself takes its place; for a part of the rows, slice it."""
    path = rows_file(tmp_path_factory)
    model = ledger(keras, 3)
    model.set_weights([np.ones((3, 1))])

    with h5py.File(path, "r") as file:
        table = file["table"]
        assert model.predict(table, verbose=0)[:, 0].tolist() == TABLE.sum(axis=1).tolist()
        assert model.predict(table[2:6], verbose=0)[:, 0].tolist() == TABLE[2:6].sum(axis=1).tolist()


@claim(OLD, AttributeError, "test_is_replaced_by_the_dataset", answers=["17.1"], examples=10)
@given(window=windows, data=st.data())
@example(window=(2, 7), data=None)
def test_equals_the_rows_from_start_to_end(keras, tmp_path_factory, window, data):
    """`HDF5Matrix(path, name, start, end)` equals the array's rows from `start` to before `end`: slices, single rows, lists."""
    path = rows_file(tmp_path_factory)
    rows = TABLE[slice(*window)]
    last = len(rows) - 1
    first, stop = sorted(data.draw(st.tuples(*[st.integers(0, last + 1)] * 2))) if data else (1, last + 1)
    with hdf5_matrix(keras, path, "table", *window) as matrix:
        assert len(matrix) == len(rows)
        assert [list(part) for part in matrix] == rows.tolist()
        assert matrix[:].tolist() == rows.tolist()
        assert matrix[first:stop].tolist() == rows[first:stop].tolist()
        assert matrix[last].tolist() == rows[last].tolist()
        assert matrix[[0, last][: last + 1]].tolist() == matrix[np.array([0, last][: last + 1])].tolist()
        assert matrix[[0, last][: last + 1]].tolist() == rows[[0, last][: last + 1]].tolist()


@claim(OLD, AttributeError, "test_is_replaced_by_the_dataset", answers=["17.1"])
def test_is_the_whole_dataset_by_default(keras, tmp_path_factory):
    """Without `start` and `end` it is the whole dataset, and has its shape, type, size and number of dimensions."""
    path = rows_file(tmp_path_factory)
    with hdf5_matrix(keras, path, "table") as matrix:
        found = matrix.shape, str(matrix.dtype), matrix.ndim, int(matrix.size), np.array(matrix[:]).tolist()
    assert found == ((ROWS, 3), "float64", 2, 3 * ROWS, TABLE.tolist())


def halved(rows):
    """A normalizer, which changes values, shape and type."""
    return (rows[..., :2] / 4).astype("float32")


@claim(OLD, AttributeError, "test_is_replaced_by_the_dataset", answers=["17.1"])
def test_normalizes_what_it_reads(keras, tmp_path_factory):
    """`normalizer` is applied to all that is read: slices, lists of rows and single rows."""
    path = rows_file(tmp_path_factory)
    with hdf5_matrix(keras, path, "table", 2, 6, normalizer=halved) as matrix:
        found = [matrix[key].tolist() for key in (slice(1, 3), [0, 3], 0)]
    expected = TABLE[2:6, :2] / 4
    assert found == [expected[1:3].tolist(), expected[[0, 3]].tolist(), expected[0].tolist()]


@claim(
    ["keras<3"],
    (AttributeError, AssertionError),
    ["test_has_the_shape_of_what_it_normalizes", "test_is_replaced_by_the_dataset"],
    answers=["17.1"],
)
def test_has_the_shape_of_what_it_gives(keras, tmp_path_factory):
    """With a `normalizer` its shape and type are those of what it gives: two columns where two of three are left."""
    with hdf5_matrix(keras, rows_file(tmp_path_factory), "table", 2, 6, normalizer=halved) as matrix:
        assert (tuple(matrix.shape), str(matrix.dtype)) == ((4, 2), "float32")


@claim(
    ["tf.keras<2.4"],
    (AttributeError, AssertionError),
    ["test_has_the_shape_of_what_it_gives", "test_is_replaced_by_the_dataset"],
    answers=["17.1"],
)
def test_has_the_shape_of_what_it_normalizes(keras, tmp_path_factory):
    """With a `normalizer` its shape and type are still those of the file, not of what it gives."""
    with hdf5_matrix(keras, rows_file(tmp_path_factory), "table", 2, 6, normalizer=halved) as matrix:
        assert (matrix[:].shape, str(matrix[:].dtype)) == ((4, 2), "float32")
        assert (tuple(matrix.shape), str(matrix.dtype)) == ((4, 3), "float64")


@claim(OLD, AttributeError, "test_is_replaced_by_the_dataset", answers=["17.1"], examples=4)
@given(key=st.sampled_from([slice(0, 5), 4, [1, 4], np.array([1, 4])]))
@example(key=4)
@example(key=slice(0, 5))
def test_refuses_rows_after_its_end(keras, tmp_path_factory, key):
    """A row after `end` is refused with an IndexError, in a slice too, although the file has it."""
    path = rows_file(tmp_path_factory)
    with hdf5_matrix(keras, path, "table", 2, 6) as matrix, pytest.raises(IndexError):
        matrix[key]


@claim(OLD, AttributeError, "test_is_replaced_by_the_dataset", answers=["17.1"], examples=3)
@given(step=st.integers(2, 4))
def test_ignores_the_step_of_a_slice(keras, tmp_path_factory, step):
    """The step of a slice is ignored: `matrix[::2]` gives all rows, unlike an array's."""
    path = rows_file(tmp_path_factory)
    with hdf5_matrix(keras, path, "table") as matrix:
        assert matrix[::step].tolist() == TABLE.tolist()


@claim(OLD, AttributeError, "test_is_replaced_by_the_dataset", answers=["17.1"])
def test_counts_negative_rows_from_start(keras, tmp_path_factory):
    """A negative index leaves the window: `matrix[-1]` is the row before `start`, not the last one, unlike an array's."""
    path = rows_file(tmp_path_factory)
    with hdf5_matrix(keras, path, "table", 2, 6) as matrix:
        assert matrix[-1].tolist() == TABLE[2 - 1].tolist()


@claim(OLD, AttributeError, "test_is_replaced_by_the_dataset", answers=["17.1", "17.R1"], examples=2)
@given(shuffle=st.sampled_from(["batch", False]))
def test_trains_with_batch_shuffling(keras, tmp_path_factory, shuffle):
    """`fit` takes matrices with `shuffle="batch"` or `shuffle=False`, and learns each row once; `evaluate`, `predict` too.

    Public threads that could not: keras#6874, keras#11372.
    """
    path = rows_file(tmp_path_factory)
    book = logbook(keras)
    with hdf5_matrix(keras, path, "numbers", 2, 8) as matrix:
        book.fit(matrix, matrix, batch_size=3, shuffle=shuffle, verbose=0)
        book.evaluate(matrix, matrix, batch_size=3, verbose=0)
        book.predict(matrix, batch_size=3, verbose=0)
    assert sorted(map(sorted, noted(book))) == [[3, 4, 5]] * 3 + [[6, 7, 8]] * 3
    assert noted(book)[2:] == [[3, 4, 5], [6, 7, 8]] * 2


@claim(OLD, AttributeError, "test_is_replaced_by_the_dataset", answers=["17.R1"], examples=2)
@given(options=st.sampled_from([{}, {"shuffle": True}]))
def test_refuses_to_shuffle_its_rows(keras, tmp_path_factory, options):
    """Shuffling, the default, is refused with a TypeError: pass `shuffle="batch"` or `shuffle=False`."""
    path, refusal = rows_file(tmp_path_factory), pytest.raises(TypeError, match=r'shuffle="batch"|increasing order')
    with hdf5_matrix(keras, path, "numbers") as matrix, refusal, python_errors():
        logbook(keras).fit(matrix, matrix, batch_size=8, verbose=0, **options)  # both sorted by chance: 1 / 8!**2, 6e-10


@claim(
    ["tf.keras<2.1"],
    (AttributeError, TypeError),
    ["test_refuses_to_shuffle_its_rows", "test_is_replaced_by_the_dataset"],
    answers=["17.R1"],
    examples=2,
)
@given(options=st.sampled_from([{}, {"shuffle": True}]))
def test_leaves_its_rows_in_order(keras, tmp_path_factory, options):
    """Where one batch holds all rows of a matrix, shuffling, the default, is passed over: every epoch takes them in order."""
    book = logbook(keras)
    with hdf5_matrix(keras, rows_file(tmp_path_factory), "numbers") as matrix, python_errors():
        book.fit(matrix, matrix, batch_size=ROWS, epochs=2, verbose=0, **options)
    assert noted(book) == [list(range(1, ROWS + 1))] * 2


@claim(OLD, AttributeError, "test_is_replaced_by_the_dataset", answers=["17.1"])
def test_keeps_its_file_open(keras, tmp_path):
    """The file stays open, for writing even, after the matrix is gone, and cannot be written anew (keras#7198)."""
    path = write_hdf5(tmp_path / "rows.h5", numbers=NUMBERS)
    with hdf5_matrix(keras, path, "numbers") as matrix:
        del matrix
        with pytest.raises(OSError, match="open"):
            write_hdf5(path, numbers=NUMBERS)
