"""What if h5py is not installed?"""

import os
import tempfile

from hypothesis import given
from hypothesis import strategies as st

import fixtures
from fixtures.claims import claim
from fixtures.interpreter import Interpreter, JobError

BARE = Interpreter(without=["h5py"])
OLD = os.path.join(os.path.dirname(fixtures.__file__), "data", "keras_2_2_4.h5")
IMPORTED = ["keras<3.6", "keras>=3.12,<3.13", "keras>=3.14", "tf.keras"]


def attempt(keras, action, name):
    """What saving under that name, or loading, raises, as text, and the files there are afterwards: a job."""
    model = keras.models.Sequential([keras.layers.Dense(2, input_shape=(3,))])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, name)
        actions = {
            "save": lambda: model.save(path),
            "save_weights": lambda: model.save_weights(path),
            "load_model": lambda: keras.models.load_model(OLD),
            "load_weights": lambda: model.load_weights(OLD),
            "to_json": lambda: keras.models.model_from_json(model.to_json()).get_weights(),
        }
        try:
            actions[action]()
        except (AttributeError, ImportError, OSError) as error:
            return f"{type(error).__name__}: {error}", os.listdir(folder)
        return "", os.listdir(folder)


def tried(action, name=""):
    """What `attempt` gives in an interpreter without h5py; where Keras itself cannot be imported there, why not."""
    try:
        return BARE.run(attempt, action, name)
    except JobError as error:
        if not str(error).startswith("SubjectError"):
            raise
        return str(error), []


@claim(IMPORTED, AssertionError, "test_keras_is_not_imported", answers=["5.8"])
def test_saving_a_model_raises(keras):
    """Without h5py, `model.save("x.h5")` raises ImportError that names h5py, and writes nothing."""
    raised, files = tried("save", "x.h5")
    assert raised.startswith("ImportError")
    assert "h5py" in raised
    assert files == []


@claim(IMPORTED, AssertionError, "test_keras_is_not_imported", answers=["5.8"])
def test_saving_in_the_newer_format_raises_too(keras):
    """Without h5py, `model.save("x.keras")` raises ImportError too: the archive holds its weights in an HDF5 file."""
    raised, _ = tried("save", "x.keras")
    assert raised.startswith("ImportError")
    assert "h5py" in raised


@claim(
    ["keras<3", "keras>=3.12,<3.13", "keras>=3.14", "tf.keras<2.12"],
    AssertionError,
    ["test_saving_a_model_raises", "test_keras_is_not_imported"],
    answers=["5.8"],
)
def test_saving_weights_raises(keras):
    """Without h5py, `model.save_weights("x.weights.h5")` raises ImportError that names h5py.

    tf.keras from 2.12 on and Keras 3.0 to 3.5 raise AttributeError there, which tells nothing of h5py.
    """
    raised, files = tried("save_weights", "x.weights.h5")
    assert raised.startswith("ImportError")
    assert "h5py" in raised
    assert files == []


@claim(
    ["keras<3.6", "keras>=3.12,<3.13", "keras>=3.14", "tf.keras>=2.7"],
    AssertionError,
    ["test_load_model_looks_for_a_folder", "test_keras_is_not_imported"],
    answers=["5.8"],
    examples=8,
)
@given(action=st.sampled_from(["load_model", "load_weights"]))
def test_loading_raises(keras, action):
    """Without h5py, `load_model` and `load_weights` of a `.h5` file raise ImportError that names h5py."""
    raised, _ = tried(action)
    assert raised.startswith("ImportError")
    assert "h5py" in raised


@claim(["tf.keras<2.7"], AssertionError, ["test_loading_raises", "test_keras_is_not_imported"], answers=["5.8"])
def test_load_model_looks_for_a_folder(keras):
    """Without h5py, `load_model` takes a `.h5` file for a SavedModel folder: OSError, which tells nothing of h5py."""
    raised, _ = tried("load_model")
    assert raised.startswith("OSError: SavedModel file does not exist")
    assert "h5py" not in raised


@claim(IMPORTED, AssertionError, "test_keras_is_not_imported", answers=["5.8"])
def test_json_needs_no_h5py(keras):
    """Without h5py, Keras is imported, and the architecture is saved as JSON and rebuilt from it."""
    assert tried("to_json") == ("", [])


@claim(
    ["keras>=3.6,<3.12", "keras>=3.13,<3.14"],
    AssertionError,
    "test_json_needs_no_h5py",
    answers=["5.8"],
)
def test_keras_is_not_imported(keras):
    """Without h5py, Keras itself cannot be imported: the import ends in an ImportError that names h5py."""
    raised, _ = tried("to_json")
    assert raised.startswith("SubjectError: keras does not import")
    assert "h5py" in raised
