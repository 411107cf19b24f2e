"""Can layers be frozen while `fit` runs?"""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.freezing import compiled, unit
from fixtures.models import sequential, sgd
from fixtures.tensors import static_shape


def fit_and_set(keras, trainable, compile_too=False):
    """Three epochs, before the second of which a callback sets a layer's flag: its weight before each epoch and at the end."""
    layer, weights = unit(keras, not trainable), []
    model = compiled(keras, layer, unit(keras))

    class SetFlag(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            weights.append(layer.get_weights()[0].item())
            if epoch == 1:
                layer.trainable = trainable
                if compile_too:
                    model.compile(optimizer=sgd(keras, 0.01), loss="mse")

    model.fit(np.ones((4, 1)), np.full((4, 1), 5.0), batch_size=4, epochs=3, verbose=0, callbacks=[SetFlag()])
    return [*weights, layer.get_weights()[0].item()]


def changes(weights):
    """For each epoch, whether it changed the weight."""
    return [before != after for before, after in zip(weights, weights[1:])]


@claim(needs=["tensorflow"], answers=["14.3"], examples=2)
@given(trainable=st.booleans())
def test_a_callback_changes_nothing_on_tensorflow(keras, trainable):
    """With TensorFlow, `trainable` set by a callback changes nothing in the `fit` that is running: its step is made before."""
    assert changes(fit_and_set(keras, trainable)) == [not trainable] * 3


@claim(needs=["torch"], answers=["14.3"])
def test_a_callback_freezes_on_pytorch(keras):
    """With PyTorch, a layer frozen by a callback is frozen from the next batch on; one that is unfrozen is a ValueError."""
    assert changes(fit_and_set(keras, trainable=False)) == [True, False, False]
    with pytest.raises(ValueError, match="Unknown variable"):
        fit_and_set(keras, trainable=True)


@claim(needs=["jax"], answers=["14.3"], examples=2)
@given(trainable=st.booleans())
def test_a_callback_ends_fit_on_jax(keras, trainable):
    """With JAX, a layer frozen or unfrozen by a callback ends `fit` with a ValueError.

    keras#22104 is about it.
    """
    with pytest.raises(ValueError, match="optimizer_variables"):
        fit_and_set(keras, trainable)


@claim(
    ["keras<3", "tf.keras<2"],
    (TypeError, "tensorflow.errors.FailedPreconditionError"),
    "test_compile_in_a_callback_ends_fit",
    answers=["14.3"],
    examples=2,
)
@given(trainable=st.booleans())
def test_compile_in_a_callback_waits(keras, trainable):
    """`compile` in a callback, after `trainable` was changed, does not affect the `fit` that is running."""
    assert changes(fit_and_set(keras, trainable, compile_too=True)) == [not trainable] * 3


@claim(["keras>=3", "tf.keras>=2"], pytest.fail.Exception, "test_compile_in_a_callback_waits", answers=["14.3"], examples=2)
@given(trainable=st.booleans())
def test_compile_in_a_callback_ends_fit(keras, trainable):
    """`compile` in a callback ends the `fit` that is running with an error: its step is gone (tensorflow#50633).

    It is a TypeError; before TensorFlow 2.4 a FailedPreconditionError, for the new optimizer is asked for what it has not.
    """
    with pytest.raises(Exception, match=r"^'NoneType' object is not callable$|variable was uninitialized"):
        fit_and_set(keras, trainable, compile_too=True)


@claim(answers=["14.1"], examples=2)
@given(frozen=st.sampled_from([0, 1]))
def test_the_optimizer_keeps_nothing_for_what_is_frozen(keras, frozen):
    """An optimizer keeps state for the weights that it trains, two arrays each for Adam, and nothing for frozen ones."""
    layers = [keras.layers.Dense(4), keras.layers.Dense(2)]
    model = sequential(keras, (3,), *layers)
    layers[frozen].trainable = False
    model.compile(optimizer="adam", loss="mse")
    model.train_on_batch(np.ones((1, 3)), np.ones((1, 2)))
    variables = getattr(model.optimizer, "variables", None)
    kept = model.optimizer.weights if variables is None else variables() if callable(variables) else variables
    shapes = [tuple(static_shape(keras, variable)) for variable in kept]
    of_layer = [[shapes.count(shape) for shape in pair] for pair in ([(3, 4), (4,)], [(4, 2), (2,)])]
    assert of_layer[frozen] == [0, 0]
    assert of_layer[1 - frozen] == [2, 2]


def fit_frozen(keras):
    """Train a model that is frozen as a whole: its losses, for outputs of 1 and targets of 5, and its weight afterwards."""
    layer = unit(keras, trainable=False)
    model = compiled(keras, layer)
    losses = model.fit(np.ones((4, 1)), np.full((4, 1), 5.0), epochs=2, verbose=0).history["loss"]
    return losses, layer.get_weights()[0].item()


SILENT = ["keras<3", "keras[jax]>=3", "tf.keras"]


@claim(["keras[tensorflow,torch]>=3"], pytest.fail.Exception, "test_a_frozen_model_is_silent", answers=["14.3"])
def test_a_frozen_model_warns(keras):
    """`fit` of a model that is frozen as a whole reports its loss, trains nothing, and warns of it."""
    with pytest.warns(UserWarning, match="does not have any trainable weights"):
        assert fit_frozen(keras) == ([16.0] * 2, 1.0)


@claim(SILENT, AssertionError, "test_a_frozen_model_warns", answers=["14.3"])
def test_a_frozen_model_is_silent(keras):
    """`fit` of a model that is frozen as a whole reports its loss, trains nothing, and says nothing of it."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        assert fit_frozen(keras) == ([16.0] * 2, 1.0)
    assert [str(one.message) for one in said if "trainable weights" in str(one.message)] == []


@claim(answers=["14.3", "14.R1"])
def test_two_fits_freeze_between(keras):
    """Example: to freeze a layer after some epochs, end `fit`, set the flag, `compile`, and call `fit` again."""
    layer = unit(keras)
    model = compiled(keras, layer, unit(keras))
    x, y, weights = np.ones((4, 1)), np.full((4, 1), 5.0), [1.0]
    for layer.trainable in (True, False):
        model.compile(optimizer=sgd(keras, 0.01), loss="mse")
        model.fit(x, y, epochs=2, verbose=0)
        weights.append(layer.get_weights()[0].item())
    assert changes(weights) == [True, False]
