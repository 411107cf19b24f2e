"""Can today's Keras load a model that an old one saved?"""

import io
import json
import os
import zipfile

import h5py
import numpy as np
import pytest

import fixtures
from fixtures.claims import claim
from fixtures.models import sequential

# Made by fixtures/data/make_keras_2_2_4.py, on Keras 2.2.4, which says there what is in them.
OLD = os.path.join(os.path.dirname(fixtures.__file__), "data", "keras_2_2_4")
with open(OLD + ".json", encoding="utf-8") as _file:
    FACTS = json.load(_file)
INPUTS, TARGETS = np.array(FACTS["inputs"]), np.array(FACTS["targets"])

# Outputs below 1 of three small layers in float32, summed in another order: some dozens of roundings of 6e-8.
CLOSE = {"abs": 1e-5}


@claim(["keras<3", "tf.keras"], (AssertionError, ValueError), "test_old_weights_go_into_a_model_built_anew", answers=["5.3"])
def test_an_old_model_gives_the_same_outputs(keras):
    """A model that Keras 2.2.4 saved as `.h5` loads, and gives the outputs that it gave there.

    In Keras 3 it loads, and silently gives others: `hard_sigmoid`, the gate of recurrent layers in 2.2.4, is another
    function there, x / 6 + 0.5 instead of 0.2 * x + 0.5 (see keras#19898). Its first releases refuse an old initializer.
    """
    model = keras.models.load_model(OLD + ".h5", compile=False)
    assert np.array(model.predict_on_batch(INPUTS)) == pytest.approx(np.array(FACTS["outputs"]), **CLOSE)


@claim(
    ["keras<3", "keras>=3.11", "tf.keras"],
    (TypeError, ValueError),
    "test_old_weights_go_into_a_model_built_anew",
    needs=["float32"],
    answers=["5.3", "5.R4"],
)
def test_the_old_hard_sigmoid_gives_the_old_outputs(keras):
    """Given the old `hard_sigmoid` as a custom object, a functional model of Keras 2.2.4 gives its old outputs.

    Keras 3 before 3.11 cannot write down a function of your own, which it does while it loads: TypeError.
    """
    clip = getattr(keras, "ops", keras.backend).clip
    custom = {"hard_sigmoid": lambda x: clip(0.2 * x + 0.5, 0.0, 1.0)}
    model = keras.models.load_model(OLD + ".h5", compile=False, custom_objects=custom)
    assert np.array(model.predict_on_batch(INPUTS)) == pytest.approx(np.array(FACTS["outputs"]), **CLOSE)


@claim(needs=["float32"], answers=["5.3", "5.7"])
def test_old_weights_go_into_a_model_built_anew(keras):
    """The weights of a `.h5` file of Keras 2.2.4 go into the model built anew, with the old `hard_sigmoid`: same outputs."""
    clip = getattr(keras, "ops", keras.backend).clip
    model = sequential(
        keras,
        (3, 2),
        keras.layers.LSTM(2, recurrent_activation=lambda x: clip(0.2 * x + 0.5, 0.0, 1.0)),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(1),
    )
    model.load_weights(OLD + ".h5")
    assert np.array(model.predict_on_batch(INPUTS)) == pytest.approx(np.array(FACTS["outputs"]), **CLOSE)


@claim(["keras<3", "tf.keras"], ValueError, "test_old_weights_go_into_a_model_built_anew", answers=["5.3"])
def test_an_old_sequential_model_loads(keras):
    """A `Sequential` that begins with an LSTM, saved as `.h5` by Keras 2.2.4, loads, like a `Model` does.

    Keras 3.15 takes the shape in its first layer for that of a step of the sequence, and refuses the layer.
    """
    loaded = keras.models.load_model(OLD + "_sequential.h5", compile=False)
    assert np.array(loaded.predict_on_batch(INPUTS)) == pytest.approx(np.array(FACTS["outputs"]), **CLOSE)


@claim(["keras<3", "tf.keras"], ValueError, "test_old_weights_go_into_a_model_built_anew", answers=["5.3"])
def test_an_old_model_comes_back_compiled(keras):
    """A compiled model that Keras 2.2.4 saved as `.h5` comes back compiled: it evaluates to the loss that it had there.

    Keras 3 refuses the optimizer's old argument `lr`; with `compile=False` it loads the rest.
    """
    model = keras.models.load_model(OLD + ".h5")
    assert model.test_on_batch(INPUTS, TARGETS)[0] == pytest.approx(FACTS["loss"], rel=1e-5)
    settings = model.optimizer.get_config()
    assert settings.get("learning_rate", settings.get("lr")) == 0.125


@claim(["tf.keras"], ValueError, "test_old_weights_go_into_a_model_built_anew", varies_on=["keras<3"], answers=["5.4"])
def test_an_old_training_goes_on(keras, evidence):
    """Training that Keras 2.2.4 began goes on from its `.h5` file: the next step of Adam is the one of its state there.

    Keras 2.2.4 itself misses it, by threads that race for the number of the step.
    """
    model = keras.models.load_model(OLD + ".h5")
    model.train_on_batch(INPUTS, TARGETS)
    weights = model.get_weights()
    trained = weights[:5] + weights[7:]  # without the moving averages
    errors = [np.abs(weight - np.array(expected)).max() for weight, expected in zip(trained, FACTS["resumed"])]
    evidence("largest difference", float(max(errors)))
    assert max(errors) < 1e-4  # of moves of up to 0.1: gradients in float32 are true to about 1e-6 of themselves


@claim(["keras<3", "tf.keras"], TypeError, "test_old_weights_go_into_a_model_built_anew", answers=["5.5"])
def test_old_json_and_weights_rebuild_the_model(keras):
    """The JSON of a model that Keras 2.2.4 wrote, with its weights, rebuilds the model.

    Keras 3 does not find the classes of the old JSON (keras#20081), which it does in a `.h5` file.
    """
    model = keras.models.model_from_json(FACTS["architecture"])
    model.load_weights(OLD + ".h5")
    assert np.array(model.predict_on_batch(INPUTS)) == pytest.approx(np.array(FACTS["outputs"]), **CLOSE)


# Made by fixtures/data/make_tf_keras_2_15.py: a dense layer that gives [9, 12] for ones.
KERAS_FILE = os.path.join(os.path.dirname(fixtures.__file__), "data", "tf_keras_2_15.keras")


@claim(
    ["tf.keras>=2.15"], (TypeError, OSError, ValueError), "test_weights_of_a_keras_file_can_be_read_by_hand", answers=["5.3"]
)
def test_a_keras_file_of_2_15_loads(keras):
    """A model that `tf.keras` 2.15 saved as `.keras` loads.

    Keras 3 has the same format but not the classes of the old file (keras#19089); Keras 2 does not know the format.
    """
    model = keras.models.load_model(KERAS_FILE, compile=False)
    assert np.array(model.predict_on_batch(np.ones((1, 2)))).tolist() == [[9, 12]]


@claim(answers=["5.3", "5.7"])
def test_weights_of_a_keras_file_can_be_read_by_hand(keras):
    """Example: the weights in a `.keras` file, an HDF5 file in a ZIP archive, are read by h5py into a model built anew."""
    with zipfile.ZipFile(KERAS_FILE) as archive:
        weights = h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r")
    arrays = []
    weights.visititems(lambda name, item: arrays.append(item[()]) if isinstance(item, h5py.Dataset) else None)
    model = sequential(keras, (2,), keras.layers.Dense(2))
    model.set_weights(arrays)
    assert np.array(model.predict_on_batch(np.ones((1, 2)))).tolist() == [[9, 12]]
