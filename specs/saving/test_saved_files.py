"""Which kinds of file can a model be saved in?"""

import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import siamese

names = st.sampled_from(["model", "model.tf", "model.model"])


@claim(answers=["5.2"], examples=8)
@given(name=st.sampled_from(["model.h5", "model.hdf5"]))
def test_h5_is_an_hdf5_file(keras, tmp_path_factory, name):
    """A model saved as `.h5` or `.hdf5` is an HDF5 file."""
    path = str(tmp_path_factory.mktemp("saved") / name)
    siamese(keras).save(path)
    assert h5py.is_hdf5(path)


@claim(["keras>=3", "tf.keras>=2.13"], AssertionError, "test_any_name_is_accepted", answers=["5.2"])
def test_keras_is_a_zip_archive(keras, tmp_path_factory):
    """A model saved as `.keras` is a ZIP archive: architecture and training in JSON, weights in HDF5, and the versions."""
    path = str(tmp_path_factory.mktemp("saved") / "model.keras")
    siamese(keras).save(path)
    names = zipfile.ZipFile(path).namelist() if zipfile.is_zipfile(path) else []
    assert sorted(names) == ["config.json", "metadata.json", "model.weights.h5"]


@claim(["keras<3", "tf.keras"], ValueError, "test_other_names_are_refused", answers=["5.2"], examples=1)
@given(name=names)
def test_any_name_is_accepted(keras, tmp_path_factory, name):
    """`model.save` accepts any other name, too, and `load_model` reads what it wrote: HDF5, in tf.keras a SavedModel folder."""
    path, model = str(tmp_path_factory.mktemp("saved") / name), siamese(keras)
    model.save(path)
    loaded = keras.models.load_model(path, compile=False)
    assert all(np.array_equal(a, b) for a, b in zip(loaded.get_weights(), model.get_weights()))


@claim(["keras>=3"], pytest.fail.Exception, "test_any_name_is_accepted", answers=["5.2"], examples=10)
@given(name=names)
def test_other_names_are_refused(keras, tmp_path_factory, name):
    """`model.save` refuses a name that ends neither in `.keras` nor in `.h5` or `.hdf5`: ValueError, no file."""
    folder = tmp_path_factory.mktemp("saved")
    with pytest.raises(ValueError, match=r"\.keras"):
        siamese(keras).save(str(folder / name))
    assert list(folder.iterdir()) == []


@claim(["keras>=3"], (OSError, IndexError, AssertionError), "test_any_name_is_accepted", answers=["5.2"])
def test_a_saved_model_folder_is_refused(keras, tmp_path_factory):
    """`load_model` refuses a SavedModel folder, with a ValueError that points to `keras.layers.TFSMLayer` (keras#18709)."""
    folder = tmp_path_factory.mktemp("saved")
    (folder / "saved_model.pb").write_bytes(b"")
    with pytest.raises(ValueError, match="TFSMLayer"):
        keras.models.load_model(str(folder))
