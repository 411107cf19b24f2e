"""Faults in what an HDF5 file is to Keras."""

from pathlib import Path

import h5py
import numpy as np

from specs.saving import test_hdf5_files as spec
from tests.falsifiers import falsifies


def loading_becomes(keras, patch, react):
    """Make `load_model` answer with `react(load, path)`."""
    original = keras.models.load_model
    patch.setattr(keras.models, "load_model", lambda path, **options: react(lambda: original(path, **options), path))


@falsifies(spec.test_h5_and_hdf5_name_one_format)
def saves_text(keras, patch):
    """A saved model begins with other bytes."""
    original = keras.models.Model.save

    def save(self, path, **options):
        original(self, path, **options)
        Path(path).write_bytes(b"model" + Path(path).read_bytes())

    patch.setattr(keras.models.Model, "save", save)


@falsifies(spec.test_h5_and_hdf5_name_one_format, spec.test_holds_a_model_and_its_data)
def loads_zeros(keras, patch):
    """The weights of a loaded model are zeros."""

    def react(load, path):
        model = load()
        model.set_weights([0 * weights for weights in model.get_weights()])
        return model

    loading_becomes(keras, patch, react)


@falsifies(spec.test_a_saved_model_is_read_with_h5py)
def saves_no_arrays(keras, patch):
    """A saved model holds its architecture only."""
    original = keras.models.Model.save

    def save(self, path, **options):
        original(self, path, **options)
        with h5py.File(path, "a") as file:
            file["model_weights"].clear()

    patch.setattr(keras.models.Model, "save", save)


@falsifies(spec.test_a_saved_model_is_read_with_h5py)
def saves_half_the_precision(keras, patch):
    """Weights are saved less one."""
    original = keras.models.Model.save

    def save(self, path, **options):
        self.set_weights([weights - 1 for weights in self.get_weights()])
        original(self, path, **options)

    patch.setattr(keras.models.Model, "save", save)


@falsifies(spec.test_data_is_no_model)
def loads_anything(keras, patch):
    """Any file loads as an empty model."""
    loading_becomes(keras, patch, lambda load, path: keras.models.Sequential())


@falsifies(spec.test_data_is_no_weights)
def loads_no_weights(keras, patch):
    """A file without weights is taken for one that has none to load."""
    patch.setattr(keras.models.Model, "load_weights", lambda self, path: None)


@falsifies(spec.test_data_is_no_weights)
def forgets_the_weights(keras, patch):
    """The weights are cleared before the file is refused."""
    original = keras.models.Model.load_weights

    def load_weights(self, path):
        self.set_weights([np.zeros_like(weights) for weights in self.get_weights()])
        return original(self, path)

    patch.setattr(keras.models.Model, "load_weights", load_weights)
