"""What becomes of Keras on OpenVINO, which only predicts?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import sequential

OPENVINO = ["openvino"]


def scale(keras):
    """A model that multiplies a number by its one weight."""
    return sequential(keras, (1,), keras.layers.Dense(1, use_bias=False))


def times(model, number):
    """What the model predicts of a number."""
    return float(model.predict(np.array([[number]], "float32"), verbose=0)[0, 0])


@claim(needs=OPENVINO, answers=["18.4"])
def test_training_is_refused(keras):
    """On OpenVINO `fit` and `train_on_batch` raise NotImplementedError, `evaluate` and `predict` work."""
    model, ones = scale(keras), np.ones((2, 1), "float32")
    model.set_weights([np.array([[3.0]])])
    model.compile(optimizer="sgd", loss="mse")
    for train in (model.fit, model.train_on_batch):
        with pytest.raises(NotImplementedError, match="openvino"):
            train(ones, ones)
    assert model.evaluate(ones, ones, verbose=0) == 4.0  # (3 - 1)**2
    assert model.predict(ones, verbose=0).tolist() == [[3.0], [3.0]]


@claim(needs=OPENVINO, answers=["18.4"], examples=4)
@given(weights=st.lists(st.integers(1, 9), min_size=2, max_size=2, unique=True))
def test_predictions_stay_with_the_first_weights(keras, weights):
    """On OpenVINO a model that has predicted keeps its weights of then: `set_weights` changes no later prediction.

    Calling the model shows the new ones. What `predict` compiled holds the weights as constants.
    """
    model = scale(keras)
    seen = []
    for weight in weights:
        model.set_weights([np.array([[weight]])])
        seen.append([times(model, 1.0), float(np.array(model(np.ones((1, 1), "float32")))[0, 0])])
    assert seen == [[weights[0], weights[0]], [weights[0], weights[1]]]


@claim(needs=OPENVINO, answers=["18.4", "18.R2"])
def test_predicts_in_bfloat16_where_the_processor_has_it(keras, evidence):
    """On OpenVINO `predict` tells `1 + 2**-8` from 1 only where the processor has no bfloat16, whatever `floatx` says."""
    from openvino import Core

    model = scale(keras)
    model.set_weights([np.array([[1.0]])])
    rounds = "BF16" in Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    evidence("the processor has bfloat16", rounds)
    assert times(model, 1 + 2**-7) == 1 + 2**-7
    assert times(model, 1 + 2**-8) == (1.0 if rounds else 1 + 2**-8)


@claim(needs=OPENVINO, answers=["13.1", "18.4"])
def test_no_state_is_carried(keras):
    """On OpenVINO a stateful layer starts each call of `predict` from zero, and its state cannot be read any more."""
    ones = {"kernel_initializer": "ones", "recurrent_initializer": "ones", "activation": "linear"}
    layer = keras.layers.SimpleRNN(1, stateful=True, **ones)
    model = keras.Sequential([keras.layers.Input((3, 1), batch_size=2), layer])
    for _ in range(2):
        assert model.predict(np.ones((2, 3, 1), "float32"), batch_size=2, verbose=0).tolist() == [[3.0], [3.0]]
    with pytest.raises(RuntimeError, match="convert_to_numpy"):
        np.array(layer.states[0])


@claim(needs=OPENVINO, answers=["6.1", "18.4"], examples=2)
@given(seed=st.integers(1, 2**16))
def test_the_first_draw_comes_twice(keras, seed):
    """On OpenVINO the second call of a `Dropout` drops what its first dropped; only then it draws anew.

    False alarm: that two draws of 200 activations are equal, 2**-200.
    """
    layer = keras.layers.Dropout(0.5, seed=seed)
    first, second, third = (np.array(layer(np.ones((1, 200), "float32"), training=True)) for _ in range(3))
    assert 0 < np.count_nonzero(first) < 200
    assert first.tolist() == second.tolist() != third.tolist()
