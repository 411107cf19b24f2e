"""What is an HDF5 file, and is it the same as an `.h5` file?"""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.hdf5 import write_hdf5
from fixtures.models import ledger

SIGNATURE = b"\x89HDF\r\n\x1a\n"  # how every HDF5 file begins
COLUMNS = 4
WEIGHTS = np.arange(1.0, COLUMNS + 1)[:, None]
endings = st.sampled_from([".h5", ".hdf5"])


def saved_model(keras, path):
    """A linear model of known weights, saved at this path, which is returned as text."""
    model = ledger(keras, COLUMNS)
    model.set_weights([WEIGHTS])
    model.save(str(path), include_optimizer=False)
    return str(path)


def arrays_in(path):
    """The arrays that an HDF5 file holds, by name."""
    found = {}
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, item: found.update({name: item[:]}) if isinstance(item, h5py.Dataset) else None)
    return found


@claim(answers=["17.R1"], examples=2)
@given(ending=endings)
def test_h5_and_hdf5_name_one_format(keras, tmp_path_factory, ending):
    """`.h5` and `.hdf5` name one format: a model saved under either begins with HDF5's signature and loads, its weights too."""
    path = saved_model(keras, tmp_path_factory.mktemp("files") / ("model" + ending))
    assert Path(path).read_bytes()[:8] == SIGNATURE
    model = keras.models.load_model(path, compile=False)
    assert model.get_weights()[0].tolist() == WEIGHTS.tolist()
    model.set_weights([np.zeros_like(WEIGHTS)])
    model.load_weights(path)
    assert model.get_weights()[0].tolist() == WEIGHTS.tolist()


@claim(answers=["17.R1"])
def test_a_saved_model_is_read_with_h5py(keras, tmp_path):
    """A model's `.h5` file holds each weight as an array with a name, in groups like folders: h5py reads it without Keras."""
    arrays = arrays_in(saved_model(keras, tmp_path / "model.h5"))
    assert [array.tolist() for array in arrays.values()] == [WEIGHTS.tolist()]
    assert all(name.startswith("model_weights/") for name in arrays)


@claim(answers=["17.R1"])
def test_data_is_no_model(keras, tmp_path):
    """The same format is no guarantee of content: `load_model` refuses a file of data, with a ValueError."""
    path = write_hdf5(tmp_path / "data.h5", images=np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"config|group"):
        keras.models.load_model(path)


@claim(answers=["17.R1"])
def test_data_is_no_weights(keras, tmp_path):
    """`load_weights` refuses a file of data, with a ValueError, and leaves the model's weights as they are."""
    path = write_hdf5(tmp_path / "data.h5", images=np.zeros((COLUMNS, 1)))
    model = ledger(keras, COLUMNS)
    model.set_weights([WEIGHTS])
    with pytest.raises(ValueError, match="layers"):
        model.load_weights(path)
    assert model.get_weights()[0].tolist() == WEIGHTS.tolist()


@claim(answers=["17.R1", "17.2"])
def test_holds_a_model_and_its_data(keras, tmp_path):
    """Example: one file can hold a model and its data, side by side, like a small database of arrays."""
    path = saved_model(keras, tmp_path / "everything.h5")

    with h5py.File(path, "a") as file:
        file["data/inputs"] = np.eye(COLUMNS)
    model = keras.models.load_model(path, compile=False)
    with h5py.File(path, "r") as file:
        predictions = model.predict(file["data/inputs"], verbose=0)

    assert predictions.tolist() == WEIGHTS.tolist()
