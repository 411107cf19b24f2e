"""Why does a layer have no output?"""

import numpy as np
import pytest

from fixtures.claims import claim
from fixtures.models import feed, input_layer
from fixtures.stacks import fresh_tower, tower, tower_outputs, whole_weights

BATCH = np.array([[1.0, 2.0], [-2.0, 1.0], [0.0, -1.0]])
MODERN, KERAS_2 = ["keras>=3", "tf.keras"], ["keras<3", "tf.keras"]
LATE_SHAPES = ["keras", "tf.keras>=2.3"]
UNDEFINED = r"output|inbound"


def shapeless(keras):
    """A Sequential that nobody told the shape of its inputs: `hidden`, which doubles, and `last`, which trebles."""
    factors = {"hidden": keras.initializers.Constant(2.0), "last": keras.initializers.Constant(3.0)}
    return keras.models.Sequential(
        [keras.layers.Dense(1, use_bias=False, kernel_initializer=value, name=name) for name, value in factors.items()]
    )


@claim(["keras<3", "keras>=3.6", "tf.keras"], ValueError, "test_says_that_the_layer_was_never_called", answers=["7.2"])
def test_a_layer_that_was_never_called_has_no_output(keras):
    """The layers of a Sequential that does not know its input's shape have no output: AttributeError.

    Keras 3.0 to 3.5 raise ValueError.
    """
    model = shapeless(keras)
    with pytest.raises(AttributeError, match=UNDEFINED):
        model.get_layer("hidden").output  # noqa: B018


@claim(
    ["keras[tensorflow,jax]>=3", "keras[torch]>=3,<3.6"],
    AssertionError,
    "test_a_layer_that_was_never_called_has_no_output",
    answers=["7.2"],
)
def test_says_that_the_layer_was_never_called(keras):
    """The error for an output that is not defined says that the layer has never been called."""
    with pytest.raises((AttributeError, ValueError)) as raised:
        shapeless(keras).get_layer("hidden").output  # noqa: B018
    assert "has never been called" in str(raised.value)


@claim(LATE_SHAPES, AttributeError, "test_a_late_shape_defines_no_outputs", answers=["7.2"])
def test_build_defines_the_outputs(keras):
    """`model.build((None, columns))` gives every layer of a Sequential its output."""
    model = shapeless(keras)
    model.build((None, 1))
    cut = keras.models.Model(model.inputs, model.get_layer("hidden").output)
    assert feed(keras, cut, np.array([[1.0], [3.0]])).tolist() == [[2.0], [6.0]]


@claim(LATE_SHAPES, AttributeError, "test_a_late_shape_defines_no_outputs", answers=["7.2"])
def test_the_first_batch_defines_the_outputs(keras):
    """The first batch, by `predict`, gives every layer of a Sequential its output, for batches of any size."""
    model = shapeless(keras)
    model.predict(np.ones((3, 1)), verbose=0)
    cut = keras.models.Model(model.inputs, model.get_layer("hidden").output)
    assert cut.predict(np.array([[1.0], [3.0]]), verbose=0).tolist() == [[2.0], [6.0]]


@claim(["tf.keras<2.3"], pytest.fail.Exception, "test_build_defines_the_outputs", answers=["7.2"])
def test_a_late_shape_defines_no_outputs(keras):
    """The layers of a Sequential that learns its input's shape only by `build` or the first batch never get an output.

    So it was in TensorFlow up to 2.2: there a first layer must be told the shape.
    """
    built, used = shapeless(keras), shapeless(keras)
    built.build((None, 1))
    used.predict(np.ones((3, 1)), verbose=0)
    for model in built, used:
        with pytest.raises(AttributeError, match=UNDEFINED):
            model.get_layer("hidden").output  # noqa: B018


@claim(
    KERAS_2,
    (AttributeError, ValueError),
    "test_inputs_and_outputs_are_defined_once_built",
    bug="keras#20116",
    answers=["7.1", "7.2"],
)
def test_input_and_output_are_defined_once_built(keras):
    """A Sequential that knows its input's shape has an `input` and an `output`, of which a model can be made (keras#20339)."""
    model = fresh_tower(keras, "sequential")
    assert keras.models.Model(model.input, model.output).output_shape == (None, 2)


@claim(answers=["7.1", "7.2"])
def test_inputs_and_outputs_are_defined_once_built(keras):
    """A Sequential that knows its input's shape has `inputs` and `outputs`, of which a new model can be made."""
    model = fresh_tower(keras, "sequential")
    weights = whole_weights(model, seed=1)
    again = keras.models.Model(model.inputs, model.outputs[0])
    assert feed(keras, again, BATCH).tolist() == tower_outputs(weights, BATCH)[-1].tolist()


def subclassed(keras):
    """A model by subclassing, of two layers of four and two ones."""

    class Subclassed(keras.models.Model):
        def __init__(self):
            super().__init__()
            self.hidden = keras.layers.Dense(2, use_bias=False, kernel_initializer="ones")
            self.last = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")

        def call(self, inputs):
            return self.last(self.hidden(inputs))

    return Subclassed()


@claim(MODERN, pytest.fail.Exception, "test_calls_the_layers_of_a_subclassed_model", answers=["7.2"])
def test_layers_of_a_subclassed_model_have_no_output(keras):
    """The layers of a subclassed model have no `output`, not even after the model was used (keras#18634)."""
    model = subclassed(keras)
    model.predict(BATCH, verbose=0)
    with pytest.raises((AttributeError, ValueError), match=UNDEFINED):
        model.hidden.output  # noqa: B018


@claim(answers=["7.2"])
def test_calls_the_layers_of_a_subclassed_model(keras):
    """A subclassed model's layers, called one after another on an `Input`, make a model that ends where you like."""
    model = subclassed(keras)
    inputs = input_layer(keras, (2,))
    cut = keras.models.Model(inputs, model.hidden(inputs))
    assert feed(keras, cut, BATCH).tolist() == np.repeat(BATCH.sum(axis=1, keepdims=True), 2, axis=1).tolist()


def nest(keras):
    """A model `(batch, 2)` to `(batch, 1)`: a layer `before`, which doubles, a `tower`, and a layer `after`, which adds up."""
    inner = tower(keras)
    inner_weights = whole_weights(inner, seed=5)
    twice, ones = keras.initializers.Constant([[2.0, 0], [0, 2]]), "ones"
    inputs = input_layer(keras, (2,))
    before = keras.layers.Dense(2, use_bias=False, kernel_initializer=twice, name="before")(inputs)
    after = keras.layers.Dense(1, use_bias=False, kernel_initializer=ones, name="after")(inner(before))
    return keras.models.Model(inputs, after), inner, tower_outputs(inner_weights, 2 * BATCH)


@claim(answers=["7.2"])
def test_does_not_look_into_nested_models(keras):
    """`get_layer` finds the layers of the model itself, not those of a model within it."""
    model, inner, _ = nest(keras)
    assert model.get_layer(inner.name).get_layer("third") is inner.layers[3]
    with pytest.raises(ValueError, match="No such layer"):
        model.get_layer("third")


@claim([], (ValueError, KeyError), "test_cuts_a_nested_model_first", answers=["7.2"])
def test_ends_within_a_nested_model(keras):
    """A model may end at a layer of a model within it, from the outer inputs.

    A nested model's layers keep the outputs that they have for its own inputs: see tensorflow#34977. Keras 3.0 to 3.13 make
    the model all the same, and fail when it is used.
    """
    model, inner, expected = nest(keras)
    cut = keras.models.Model(model.inputs, inner.get_layer("third").output)
    assert feed(keras, cut, BATCH).tolist() == expected[2].tolist()


@claim(answers=["7.2"])
def test_cuts_a_nested_model_first(keras):
    """Cut the nested model first, then call the cut one on the output of the layer before it."""
    model, inner, expected = nest(keras)
    inner_cut = keras.models.Model(inner.inputs, inner.get_layer("third").output)
    cut = keras.models.Model(model.inputs, inner_cut(model.get_layer("before").output))
    assert feed(keras, cut, BATCH).tolist() == expected[2].tolist()


@claim([], (ValueError, AttributeError, KeyError), "test_takes_the_next_layer_s_input", answers=["7.2"])
def test_ends_with_a_nested_model(keras):
    """A model may end at a functional model within it, by this one's `output`."""
    model, inner, expected = nest(keras)
    cut = keras.models.Model(model.inputs, model.get_layer(inner.name).output)
    assert feed(keras, cut, BATCH).tolist() == expected[-1].tolist()


@claim(answers=["7.2"])
def test_takes_the_next_layer_s_input(keras):
    """What a nested model gives is the `input` of the layer behind it."""
    model, _, expected = nest(keras)
    cut = keras.models.Model(model.inputs, model.get_layer("after").input)
    assert feed(keras, cut, BATCH).tolist() == expected[-1].tolist()


def shared(keras):
    """A layer that doubles, called twice, the second time on what it gave the first time; with both of its outputs."""
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(2.0))
    inputs = input_layer(keras, (1,))
    first = layer(inputs)
    second = layer(first)
    return keras.models.Model(inputs, second), layer, first


@claim(MODERN, AttributeError, "test_the_calls_of_a_shared_layer_are_numbered", answers=["7.2"])
def test_a_shared_layer_has_the_output_of_its_first_call(keras):
    """The `output` of a layer that was called twice is that of its first call."""
    model, layer, _ = shared(keras)
    cut = keras.models.Model(model.inputs, layer.output)
    assert feed(keras, cut, np.ones((1, 1))).tolist() == [[2.0]]


@claim(KERAS_2, AttributeError, "test_what_a_call_returned_is_its_output", answers=["7.2"])
def test_the_calls_of_a_shared_layer_are_numbered(keras):
    """`get_output_at(n)` is the output of a layer's call number n, counted from 0."""
    model, layer, _ = shared(keras)
    cut = keras.models.Model(model.inputs, [layer.get_output_at(0), layer.get_output_at(1)])
    assert [output.tolist() for output in cut.predict(np.ones((1, 1)), verbose=0)] == [[[2.0]], [[4.0]]]


@claim(answers=["7.2"])
def test_what_a_call_returned_is_its_output(keras):
    """What a layer's call returned is the output to cut at, however often the layer is called."""
    model, _, first = shared(keras)
    cut = keras.models.Model(model.inputs, first)
    assert feed(keras, cut, np.ones((1, 1))).tolist() == [[2.0]]
    assert feed(keras, model, np.ones((1, 1))).tolist() == [[4.0]]
