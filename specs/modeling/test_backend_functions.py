"""How does a backend function give a layer's output?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import input_layer
from fixtures.stacks import NAMES, as_array, tower, tower_outputs, whole_weights

KERAS_2, KERAS_3 = ["keras<3", "tf.keras"], ["keras>=3"]
X = np.array([[1.0, 2.0], [-2.0, 1.0], [0.0, -1.0]])


def function(keras, inputs, outputs):
    """What `K.function` was until Keras 3, and `keras.Function` is since."""
    return (keras.Function if hasattr(keras, "ops") else keras.backend.function)(inputs, outputs)


@claim(KERAS_2, AttributeError, "test_keras_3_has_a_function_of_its_own", answers=["7.3", "7.R1"])
def test_takes_a_list_and_gives_a_list(keras):
    """Example: `K.function([input], [output])` makes a function that takes a list of arrays, `[X]`, and returns a list."""
    model = tower(keras, "sequential")
    weights = whole_weights(model, seed=1)
    get_third_layer_output = keras.backend.function([model.layers[0].input], [model.layers[2].output])
    outputs = get_third_layer_output([X])
    assert isinstance(outputs, list)
    assert [output.tolist() for output in outputs] == [tower_outputs(weights, X)[2].tolist()]


@claim(KERAS_3, AttributeError, "test_takes_a_list_and_gives_a_list", answers=["7.3", "7.R1"])
def test_keras_3_has_a_function_of_its_own(keras):
    """Example: `keras.Function([input], [output])` makes a function that takes a list of arrays, `[X]`, and returns a list."""
    model = tower(keras, "sequential")
    weights = whole_weights(model, seed=1)
    get_third_layer_output = keras.Function([model.layers[0].input], [model.layers[2].output])
    outputs = get_third_layer_output([X])
    assert isinstance(outputs, list)
    assert [keras.ops.convert_to_numpy(output).tolist() for output in outputs] == [tower_outputs(weights, X)[2].tolist()]


@claim(answers=["7.3"], examples=5)
@given(place=st.integers(0, 3), kind=st.sampled_from(["sequential", "functional"]), seed=st.integers(0, 2**32 - 1))
def test_gives_exactly_any_layer_s_output(keras, place, kind, seed):
    """The function gives exactly what the layer gives, for any layer, of a Sequential and of a functional model."""
    model = tower(keras, kind)
    weights = whole_weights(model, seed)
    (output,) = function(keras, [model.inputs[0]], [model.get_layer(NAMES[place]).output])([X])
    assert as_array(keras, output).tolist() == tower_outputs(weights, X)[place].tolist()


@claim(answers=["7.3", "7.R1"], examples=4)
@given(places=st.permutations([0, 1, 2, 3]))
def test_gives_as_many_outputs_as_were_named(keras, places):
    """The list that it returns has an entry for each output that was named, in their order."""
    model = tower(keras)
    expected = tower_outputs(whole_weights(model, seed=2), X)
    outputs = function(keras, [model.inputs[0]], [model.get_layer(NAMES[place]).output for place in places])([X])
    assert [as_array(keras, output).tolist() for output in outputs] == [expected[place].tolist() for place in places]


@claim(answers=["7.3", "7.R1"])
def test_takes_as_many_arrays_as_inputs_were_named(keras):
    """The list that it is called with has an array for each input that was named, in their order."""
    first, second = input_layer(keras, (2,)), input_layer(keras, (2,))
    difference = keras.layers.subtract([first, second])
    (output,) = function(keras, [second, first], [difference])([X, 3 * X])
    assert as_array(keras, output).tolist() == (2 * X).tolist()


@claim(answers=["7.3", "7.R1"])
def test_needs_every_input_of_the_layer(keras):
    """Every input that the layer depends on must be named: with one of two left out there is an error (keras#2684).

    From Keras 3.0 to 3.13 it is a KeyError that names no input.
    """
    first, second = input_layer(keras, (2,)), input_layer(keras, (2,))
    difference = keras.layers.subtract([first, second])
    with pytest.raises(Exception, match=r"connected|must feed a value|calling Function|Input 1 of the graph"):
        function(keras, [first], [difference])([X])


@claim(["keras<2.3", "keras>=3"], pytest.fail.Exception, "test_takes_an_array_without_a_list", answers=["7.R1"])
def test_refuses_an_array_without_a_list(keras):
    """A function of a list of inputs refuses an array that is in no list: TypeError in Keras 2.2, ValueError in Keras 3.

    With Theano it is an AssertionError without a word.
    """
    model = tower(keras)
    third = function(keras, [model.inputs[0]], [model.get_layer("third").output])
    with pytest.raises((TypeError, ValueError, AssertionError), match=r"list|structure|^$"):
        third(X)


@claim(
    ["keras>=2.3,<3", "tf.keras"],
    (TypeError, ValueError, AssertionError),
    "test_refuses_an_array_without_a_list",
    answers=["7.R1"],
)
def test_takes_an_array_without_a_list(keras):
    """A function of a list of one input takes an array that is in no list, too."""
    model = tower(keras)
    weights = whole_weights(model, seed=3)
    (output,) = function(keras, [model.inputs[0]], [model.get_layer("third").output])(X)
    assert as_array(keras, output).tolist() == tower_outputs(weights, X)[2].tolist()


@claim(answers=["7.3"])
def test_computes_with_the_weights_of_the_moment(keras):
    """The function computes with the weights that the model has when it is called, not when the function was made."""
    model = tower(keras)
    whole_weights(model, seed=4)
    third = function(keras, [model.inputs[0]], [model.get_layer("third").output])
    weights = whole_weights(model, seed=5)
    assert as_array(keras, third([X])[0]).tolist() == tower_outputs(weights, X)[2].tolist()


@claim(["keras<3", "tf.keras<2"], AttributeError, "test_tensorflow_traces_a_cut_model", needs=["tensorflow"], answers=["7.6"])
def test_a_tensorflow_session_computes_an_output(keras):
    """TensorFlow's own session computes a layer's output: `K.get_session().run(layer.output, {model.input: X})`."""
    model = tower(keras)
    weights = whole_weights(model, seed=6)
    output = keras.backend.get_session().run(model.get_layer("third").output, {model.input: X})
    assert output.tolist() == tower_outputs(weights, X)[2].tolist()


@claim(
    ["keras>=3", "tf.keras>=2"],
    AttributeError,
    "test_a_tensorflow_session_computes_an_output",
    needs=["tensorflow"],
    answers=["7.6"],
)
def test_tensorflow_traces_a_cut_model(keras):
    """TensorFlow's own `tf.function` compiles a model that ends at the layer, and gives the layer's output."""
    import tensorflow as tf

    model = tower(keras)
    weights = whole_weights(model, seed=6)
    third = tf.function(keras.models.Model(model.inputs, model.get_layer("third").output))
    assert third(tf.constant(X, "float32")).numpy().tolist() == tower_outputs(weights, X)[2].tolist()


@claim(needs=["jax"], answers=["7.6"])
def test_jax_compiles_a_cut_model(keras):
    """JAX's own `jit` compiles `stateless_call` of a model that ends at the layer, and gives the layer's output."""
    import jax

    model = tower(keras)
    weights = whole_weights(model, seed=6)
    cut = keras.models.Model(model.inputs, model.get_layer("third").output)
    values = [variable.value for variable in cut.trainable_variables]
    output, _ = jax.jit(cut.stateless_call)(values, [], X)
    assert output.tolist() == tower_outputs(weights, X)[2].tolist()


@claim(needs=["torch"], answers=["7.6"])
def test_torch_hooks_a_layer(keras):
    """PyTorch's own hooks see every layer's output: a Keras layer is a `torch.nn.Module`, and no second model is needed."""
    model = tower(keras)
    weights = whole_weights(model, seed=6)
    seen = {}
    hook = model.get_layer("third").register_forward_hook(lambda layer, inputs, output: seen.update({layer.name: output}))
    model(X.astype("float32"))
    hook.remove()
    assert {name: output.tolist() for name, output in seen.items()} == {"third": tower_outputs(weights, X)[2].tolist()}
