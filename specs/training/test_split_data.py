"""Which kinds of inputs can a validation split cut?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import input_layer, ledger, sequential, sgd

ROWS, COLUMNS = 8, 8
MODERN = ["keras>=3", "tf.keras"]


def fit_pair(keras, inputs, held):
    """Train on the two inputs "a" and "b", so many of eight samples held out; return what each sample added, input by input."""
    a, b = (input_layer(keras, (COLUMNS,), name=name) for name in "ab")
    both = keras.layers.concatenate([a, b])
    model = keras.models.Model([a, b], keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")(both))
    model.compile(optimizer=sgd(keras), loss=lambda target, output: -target * output)
    model.fit(inputs, np.ones((ROWS, 1)), validation_split=held / ROWS, batch_size=1, verbose=0)
    return model.get_weights()[0][:, 0].reshape(2, COLUMNS).tolist()


def learned(held):
    """What the first samples add where the second input is twice the first."""
    trained = ROWS - held
    return [[1] * trained + [0] * held, [2] * trained + [0] * held]


@claim(answers=["10.3", "10.4"], examples=2)
@given(held=st.integers(1, 7))
def test_cuts_a_dict_of_inputs(keras, held):
    """A dict of inputs by name is cut like a list: the last samples of each array are held out, in any order of names."""
    inputs = {"b": 2 * np.eye(ROWS), "a": np.eye(ROWS)}
    assert fit_pair(keras, inputs, held) == learned(held)


@claim(MODERN, AttributeError, "test_cuts_a_list_of_inputs", answers=["10.4"])
def test_cuts_a_tuple_of_inputs(keras):
    """A tuple of arrays is several inputs, which are cut like a list of them. Keras 2.2 takes it for an array."""
    assert fit_pair(keras, (np.eye(ROWS), 2 * np.eye(ROWS)), held=2) == learned(held=2)


@claim(answers=["10.4"])
def test_cuts_a_list_of_inputs(keras):
    """A list of arrays is several inputs, each of which is cut at the same sample; a list of one array is one input."""
    assert fit_pair(keras, [np.eye(ROWS), 2 * np.eye(ROWS)], held=2) == learned(held=2)
    model = ledger(keras, COLUMNS)
    model.set_weights([np.zeros((COLUMNS, 1))])
    model.fit([np.eye(ROWS)], np.ones((ROWS, 1)), validation_split=0.25, batch_size=1, verbose=0)
    assert [model.get_weights()[0][:, 0].tolist()] == learned(held=2)[:1]


@claim(answers=["10.4"], examples=2)
@given(rows=st.sampled_from([np.eye(ROWS).tolist(), list(np.eye(ROWS))]))
def test_refuses_a_list_of_samples(keras, rows):
    """A list of samples, each a list or an array of numbers, is not an array: it is refused with an error, not split.

    It is a ValueError, but a RuntimeError where Keras 3.5 on JAX and PyTorch builds the model first.
    """
    model = sequential(keras, (COLUMNS,), keras.layers.Dense(1))  # of its own: what `fit` leaves of it is nobody's
    model.compile(optimizer=sgd(keras), loss="mse")
    with pytest.raises((ValueError, RuntimeError), match=r"validation_split|[Ii]nput|automatically build"):
        model.fit(rows, np.ones((ROWS, 1)), validation_split=0.25, batch_size=1, verbose=0)
