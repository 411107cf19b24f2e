"""How do I run parts of a model on different devices?"""

import pytest

from fixtures.claims import claim
from fixtures.interpreter import JobError
from fixtures.models import input_layer
from fixtures.seeds import FIRST
from fixtures.several_devices import device, device_names, device_of, devices_of, simulate

# The devices are simulated: parts of the CPU. With PyTorch the second one is "meta", which knows shapes but no numbers.

FAILED = (AssertionError, JobError)


def branches_placed_when_connected(keras):
    """A job. Where two branches of a shared LSTM and their concatenation compute that were connected on a device each."""
    simulate(keras, 4)
    first, second, third = device_names(keras)
    input_a, input_b = (input_layer(keras, (4, 3), batch_size=2) for _ in range(2))
    shared_lstm = keras.layers.LSTM(2)
    with device(keras, first):
        encoded_a = shared_lstm(input_a)
    with device(keras, second):
        encoded_b = shared_lstm(input_b)
    with device(keras, third):
        merged = keras.layers.concatenate([encoded_a, encoded_b], axis=-1)
    return devices_of(keras, keras.models.Model([input_a, input_b], [encoded_a, encoded_b, merged]))


def branches_placed_in_call(keras):
    """A job. Where they compute whose layers open the scope of their device in `call`."""
    simulate(keras, 4)
    first, second, third = device_names(keras)

    class On(keras.layers.Layer):
        def __init__(self, place, layer):
            super().__init__()
            self.place, self.layer = place, layer

        def call(self, inputs):
            with device(keras, self.place):
                return self.layer(inputs)

        def compute_output_shape(self, input_shape):
            return self.layer.compute_output_shape(input_shape)

    input_a, input_b = (input_layer(keras, (4, 3), batch_size=2) for _ in range(2))
    shared_lstm = keras.layers.LSTM(2)
    encoded_a, encoded_b = On(first, shared_lstm)(input_a), On(second, shared_lstm)(input_b)
    merged = On(third, keras.layers.Concatenate(axis=-1))([encoded_a, encoded_b])
    return devices_of(keras, keras.models.Model([input_a, input_b], [encoded_a, encoded_b, merged]))


FIRST.prepare(branches_placed_when_connected)
FIRST.prepare(branches_placed_in_call)


INSTEAD = ["test_a_layer_computes_where_its_call_says", "test_theano_computes_on_the_device_that_it_started_with"]


@claim([], AttributeError, INSTEAD, needs=["tensorflow"], answers=["3.6"])
def test_the_printed_scope_exists(keras):
    """As printed, `tf.device_scope` is the scope of a device.

    It exists in no TensorFlow: `tf.device` is what is meant. Mended so, the printed program still calls the layer on `tweet_a`
    and `tweet_b`, which are nowhere defined: `input_a` and `input_b` are meant.
    """
    import tensorflow as tf

    assert callable(tf.device_scope)


@claim(
    ["keras[tensorflow]<3", "tf.keras<2"],
    FAILED,
    INSTEAD,
    answers=["3.5", "3.6"],
)
def test_a_layer_computes_where_it_was_connected(keras):
    """Example of 2018: what is connected within `tf.device` computes on that device, be it a branch or a concatenation.

    The parts of the model that Keras has later are connected without being computed, and compute on the default device.
    """
    assert FIRST.run(branches_placed_when_connected) == list(device_names(keras))


@claim(
    ["keras[tensorflow,jax]>=3", "keras[torch]>=3.5", "tf.keras>=2"],
    FAILED,
    ["test_a_layer_computes_where_it_was_connected", *INSTEAD],
    answers=["3.5", "3.6"],
)
def test_the_place_of_connection_does_not_matter(keras):
    """A layer that is connected within the scope of a device, `tf.device` or `keras.device`, computes on the default one.

    With PyTorch, Keras 3.0 builds no layer within the scope of "meta": a RuntimeError.
    """
    placed = FIRST.run(branches_placed_when_connected)
    assert placed == [placed[0]] * 3
    assert placed[0] in ("cpu:0", "cpu")


@claim(
    ["keras[tensorflow]", "keras>=3", "tf.keras"],
    JobError,
    "test_theano_computes_on_the_device_that_it_started_with",
    answers=["3.5", "3.6"],
)
def test_a_layer_computes_where_its_call_says(keras):
    """Example: a layer whose `call` opens the scope of a device has its part computed there, when the model is called.

    Two branches of one LSTM compute on a device each, their concatenation on a third: `tf.device` up to Keras 2.15,
    `keras.device` since Keras 3.
    """
    assert FIRST.run(branches_placed_in_call) == list(device_names(keras))


@claim(needs=["theano"], answers=["3.5"])
def test_theano_computes_on_the_device_that_it_started_with(keras):
    """Keras on Theano has no scope of a device: Theano's flag `device` names one for all, and cannot be changed later."""
    import theano

    assert not hasattr(keras, "device")
    assert theano.config.device == "cpu"
    with pytest.raises(Exception, match="Can't change the value"):
        theano.config.device = "cuda0"


def places_of_what_is_made(keras, name):
    """A job. Where ones are that Keras made within the scope of a device, and on TensorFlow the weights of a layer."""
    simulate(keras, 2)
    with keras.device(name):
        made, layer = [keras.ops.ones((2,))], keras.layers.Dense(1)
        if keras.backend.backend() == "tensorflow":
            layer.build((None, 2))
    return sorted({device_of(each) for each in [*made, *(weight.value for weight in layer.weights)]})


@claim(
    ["keras>=3"],
    AttributeError,
    INSTEAD,
    answers=["3.5"],
)
def test_keras_has_a_scope_of_its_own(keras):
    """`keras.device` places what is computed within, whatever the backend: Keras 3 needs no `tf.device`."""
    assert callable(keras.device)
    name = "meta" if keras.backend.backend() == "torch" else "cpu:1"
    assert FIRST.run(places_of_what_is_made, name) == [name]
