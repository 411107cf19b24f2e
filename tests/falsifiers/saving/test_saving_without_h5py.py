"""Faults for: What if h5py is not installed?"""

from fixtures.subject import SubjectError
from specs.saving import test_saving_without_h5py as spec
from tests.falsifiers import falsifies


@falsifies(spec.test_saving_a_model_raises, spec.test_saving_in_the_newer_format_raises_too, in_interpreter=True)
def saves_an_empty_file(keras, patch):
    """Without h5py, an empty file is written."""
    patch.setattr(keras.models.Model, "save", lambda self, path: open(path, "w").close())


@falsifies(spec.test_saving_weights_raises, on=["keras", "tf.keras<2.12"], in_interpreter=True)
def saves_no_weights(keras, patch):
    """Without h5py, an empty file of weights is written."""
    patch.setattr(keras.models.Model, "save_weights", lambda self, path: open(path, "w").close())


@falsifies(spec.test_saving_weights_raises, on=["tf.keras>=2.12"], in_interpreter=True)
def says_what_is_missing(keras, patch):
    """A repair: the error names h5py."""

    def save_weights(self, path):
        raise ImportError("install h5py")

    patch.setattr(keras.models.Model, "save_weights", save_weights)


@falsifies(spec.test_loading_raises, in_interpreter=True)
def loads_nothing(keras, patch):
    """Without h5py, nothing is loaded, and nothing said."""
    patch.setattr(keras.models, "load_model", lambda path: None)
    patch.setattr(keras.models.Model, "load_weights", lambda self, path: None)


@falsifies(spec.test_load_model_looks_for_a_folder, in_interpreter=True)
def looks_for_a_folder(keras, patch):
    """Without h5py, a file is taken for a folder."""

    def load_model(path):
        raise OSError("SavedModel file does not exist")

    patch.setattr(keras.models, "load_model", load_model)


@falsifies(spec.test_keras_is_not_imported, in_interpreter=True)
def ends_the_import(keras, patch):
    """Without h5py, it ends as if Keras were not imported."""

    def model_from_json(text):
        raise SubjectError("keras does not import: install h5py")

    patch.setattr(keras.models, "model_from_json", model_from_json)


@falsifies(spec.test_json_needs_no_h5py, in_interpreter=True)
def needs_h5py_for_json(keras, patch):
    """JSON is read only where h5py is installed."""

    def model_from_json(text):
        raise ImportError("install h5py")

    patch.setattr(keras.models, "model_from_json", model_from_json)
