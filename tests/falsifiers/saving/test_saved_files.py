"""Faults for: Which kinds of file can a model be saved in?"""

import os
import zipfile

import h5py

from specs.saving import test_saved_files as spec
from tests.falsifiers import falsifies
from tests.falsifiers.saving.faults import after, around, shift


@falsifies(spec.test_h5_is_an_hdf5_file)
def writes_text(keras, patch):
    """The file holds the architecture only, as text."""

    def save(_, model, path):
        with open(path, "w") as file:
            file.write(model.to_json())

    around(patch, keras.models.Model, "save", save)


@falsifies(spec.test_keras_is_a_zip_archive, on=["keras>=3", "tf.keras>=2.13"])
def writes_a_file_too_many(keras, patch):
    """The archive holds a file more."""

    def add(_, model, path, *rest):
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("more", "")

    after(patch, keras.models.Model, "save", add)


@falsifies(spec.test_keras_is_a_zip_archive, on=["keras<3", "tf.keras<2.13"])
def writes_an_archive(keras, patch):
    """A model is saved as an archive of three files."""

    def save(_, model, path):
        with zipfile.ZipFile(path, "w") as archive:
            for name in ("config.json", "metadata.json", "model.weights.h5"):
                archive.writestr(name, "")

    around(patch, keras.models.Model, "save", save)


@falsifies(spec.test_any_name_is_accepted, on=["keras<3", "tf.keras"])
def loads_other_weights(keras, patch):
    """Every weight is loaded one too large."""
    after(patch, keras.models, "load_model", shift)


@falsifies(spec.test_any_name_is_accepted, spec.test_other_names_are_refused, on=["keras>=3"])
def accepts_any_name(keras, patch):
    """A model is saved under any name, as HDF5."""
    around(patch, keras.models.Model, "save", lambda save, model, path: save(model, path + ".h5"))
    around(patch, keras.models, "load_model", lambda load, path, **options: load(path + ".h5", **options))


@falsifies(spec.test_other_names_are_refused, on=["keras<3", "tf.keras"])
def refuses_other_names(keras, patch):
    """A model is saved under certain names only."""

    def save(_, model, path):
        raise ValueError("use .keras")

    around(patch, keras.models.Model, "save", save)


@falsifies(spec.test_a_saved_model_folder_is_refused, on=["keras>=3"])
def loads_folders(keras, patch):
    """A folder is loaded, whatever is in it."""
    around(patch, keras.models, "load_model", lambda load, path: os.listdir(path))


@falsifies(spec.test_a_saved_model_folder_is_refused, on=["keras<3", "tf.keras"])
def points_to_the_layer(keras, patch):
    """A SavedModel folder is refused, with a message that names what to use."""

    def load(original, path):
        if not h5py.is_hdf5(path):
            raise ValueError("use TFSMLayer")

    around(patch, keras.models, "load_model", load)
