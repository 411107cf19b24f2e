"""What if h5py is not installed?"""

import os
import tempfile

from hypothesis import given
from hypothesis import strategies as st

import fixtures
from fixtures.claims import claim
from fixtures.interpreter import Interpreter

BARE = Interpreter(without=["h5py"])
OLD = os.path.join(os.path.dirname(fixtures.__file__), "data", "keras_2_2_4.h5")


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
        except (AttributeError, ImportError) as error:
            return f"{type(error).__name__}: {error}", os.listdir(folder)
        return "", os.listdir(folder)


@claim(answers=["5.8"])
def test_saving_a_model_raises(keras):
    """Without h5py, `model.save("x.h5")` raises ImportError that names h5py, and writes nothing."""
    raised, files = BARE.run(attempt, "save", "x.h5")
    assert raised.startswith("ImportError")
    assert "h5py" in raised
    assert files == []


@claim(answers=["5.8"])
def test_saving_in_the_newer_format_raises_too(keras):
    """Without h5py, `model.save("x.keras")` raises ImportError too: the archive holds its weights in an HDF5 file."""
    raised, _ = BARE.run(attempt, "save", "x.keras")
    assert raised.startswith("ImportError")
    assert "h5py" in raised


@claim(["keras"], AssertionError, "test_saving_a_model_raises", answers=["5.8"])
def test_saving_weights_raises(keras):
    """Without h5py, `model.save_weights("x.weights.h5")` raises ImportError that names h5py.

    tf.keras 2.15 raises AttributeError there, which tells nothing of h5py.
    """
    raised, files = BARE.run(attempt, "save_weights", "x.weights.h5")
    assert raised.startswith("ImportError")
    assert "h5py" in raised
    assert files == []


@claim(answers=["5.8"], examples=8)
@given(action=st.sampled_from(["load_model", "load_weights"]))
def test_loading_raises(keras, action):
    """Without h5py, `load_model` and `load_weights` of a `.h5` file raise ImportError that names h5py."""
    raised, _ = BARE.run(attempt, action, "")
    assert raised.startswith("ImportError")
    assert "h5py" in raised


@claim(answers=["5.8"])
def test_json_needs_no_h5py(keras):
    """Without h5py, Keras is imported, and the architecture is saved as JSON and rebuilt from it."""
    assert BARE.run(attempt, "to_json", "") == ("", [])
