"""Can a model be pickled?"""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import sequential
from fixtures.trained import INPUTS, TARGETS, plain_step, scale_layer, trained, trajectory

WHOLE = ["keras<3", "keras>=3.3", "tf.keras>=2.12"]
REFUSED = (AttributeError, TypeError)  # what Python raises at something that it cannot pickle


@claim(
    WHOLE,
    (*REFUSED, AssertionError),
    ["test_forgets_the_optimizer", "test_is_refused"],
    answers=["5.1"],
    examples=8,
)
@given(optimizer=st.sampled_from(["momentum", "rmsprop"]))
def test_brings_the_model_back(keras, optimizer):
    """A model that was pickled comes back with its weights, compiled, and with the state of its optimizer: it trains on alike.

    What speaks against pickle is that reading one runs code, and that it needs the Keras that wrote it.
    """
    model = trained(keras, optimizer)
    copy = pickle.loads(pickle.dumps(model))
    assert np.array_equal(np.concatenate(copy.get_weights(), axis=None), np.concatenate(model.get_weights(), axis=None))
    assert np.array_equal(trajectory(copy), trajectory(model))


@claim(
    ["tf.keras>=2.7,<2.12"],
    (*REFUSED, AssertionError),
    ["test_brings_the_model_back", "test_is_refused"],
    answers=["5.1"],
)
def test_forgets_the_optimizer(keras):
    """A model that was pickled comes back with its weights, and compiled, but without the state of its optimizer."""
    model = trained(keras, "momentum", "pickle")
    copy = pickle.loads(pickle.dumps(model))
    assert np.array_equal(np.concatenate(copy.get_weights(), axis=None), np.concatenate(model.get_weights(), axis=None))
    expected = plain_step(copy)
    copy.train_on_batch(INPUTS, TARGETS)
    assert copy.get_weights()[0] == pytest.approx(expected, rel=1e-4)


@claim(
    ["keras>=3,<3.3", "tf.keras<2.7"],
    pytest.fail.Exception,
    ["test_brings_the_model_back", "test_forgets_the_optimizer"],
    answers=["5.1"],
)
def test_is_refused(keras):
    """A model cannot be pickled: Python raises an error at a part of it that it cannot pickle."""
    with pytest.raises(REFUSED, match=r"(?i)can(not|'t) pickle"):
        pickle.dumps(trained(keras, "sgd"))


@claim(
    ["keras<3", "keras>=3.3", "tf.keras>=2.11"],
    (*REFUSED, pytest.fail.Exception),
    ["test_holds_what_a_custom_layer_computes", "test_is_refused"],
    answers=["5.1", "5.R4"],
)
def test_holds_no_custom_layer(keras):
    """A pickle, too, holds the name of a layer of your own, not its code: reading it without registration is an error."""
    pickled = pickle.dumps(sequential(keras, (3,), scale_layer(keras, registered=False)(by=3.0)))
    assert b'"Scale"' in pickled
    with pytest.raises((TypeError, ValueError)):  # tf.keras 2.13 and later do not even name the class
        pickle.loads(pickled)


@claim(
    ["tf.keras>=2.7,<2.11"],
    (*REFUSED, ValueError),
    ["test_holds_no_custom_layer", "test_is_refused"],
    answers=["5.1", "5.R4"],
)
def test_holds_what_a_custom_layer_computes(keras):
    """A pickle holds what a layer of your own computes, as a graph: the model comes back without the class, and computes it."""
    pickled = pickle.dumps(sequential(keras, (3,), scale_layer(keras, registered=False)(by=3.0)))
    assert np.array(pickle.loads(pickled).predict_on_batch(INPUTS)).tolist() == (3 * INPUTS).tolist()
