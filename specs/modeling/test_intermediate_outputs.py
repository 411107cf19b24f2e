"""How can I get the output of an intermediate layer?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.figures import grid
from fixtures.models import feed, input_layer, sequential, sgd
from fixtures.stacks import NAMES, stack, tower, tower_outputs, whole_weights
from fixtures.tensors import as_laid

BATCH = np.array([[1.0, 2.0], [-2.0, 1.0], [0.0, -1.0]])
kinds = st.sampled_from(["sequential", "functional"])
places = st.integers(0, len(NAMES) - 1)


@claim(["keras<3"], (TypeError, ValueError), "test_gives_what_the_layer_gives", answers=["7.1"])
def test_takes_input_and_output_in_the_singular(keras):
    """`Model(input=…, output=…)`, in the singular, makes a model that ends at an intermediate layer."""
    model = tower(keras)
    weights = whole_weights(model, seed=1)
    cut = keras.models.Model(input=model.input, output=model.get_layer("third").output)
    assert cut.predict(BATCH).tolist() == tower_outputs(weights, BATCH)[2].tolist()


@claim(["keras<3"], (TypeError, ValueError, pytest.fail.Exception), "test_gives_what_the_layer_gives", answers=["7.1"])
def test_warns_of_the_singular(keras):
    """`Model(input=…, output=…)` warns that Keras 2 writes `inputs` and `outputs`."""
    model = tower(keras)
    with pytest.warns(UserWarning, match="Keras 2 API"):
        keras.models.Model(input=model.input, output=model.get_layer("third").output)


@claim(answers=["7.2"], examples=4)
@given(kind=kinds, place=places, seed=st.integers(0, 2**32 - 1))
@example(kind="sequential", place=0, seed=1)
@example(kind="functional", place=2, seed=1)
def test_gives_what_the_layer_gives(keras, kind, place, seed):
    """`Model(inputs=model.inputs, outputs=model.get_layer(name).output)` gives exactly that layer's output, for any layer."""
    model = tower(keras, kind)
    weights = whole_weights(model, seed)
    cut = keras.models.Model(inputs=model.inputs, outputs=model.get_layer(NAMES[place]).output)
    assert feed(keras, cut, BATCH).tolist() == tower_outputs(weights, BATCH)[place].tolist()


@claim(answers=["7.2"])
@given(place=places)
def test_finds_a_layer_by_name_or_by_number(keras, place):
    """`get_layer(name)` and `get_layer(index=i)` find the same layer, `model.layers[i]`, counted from 0."""
    model = tower(keras, "sequential")
    assert model.get_layer(NAMES[place]) is model.get_layer(index=place)
    assert model.get_layer(index=place) is model.layers[place]


@claim(answers=["7.2"])
def test_counts_the_input_of_a_functional_model(keras):
    """The first of a functional model's `layers` is its input; a Sequential's are counted without it."""
    assert [layer.name for layer in tower(keras).layers[1:]] == list(NAMES)
    assert [layer.name for layer in tower(keras, "sequential").layers] == list(NAMES)


@claim(answers=["7.2"])
def test_refuses_an_unknown_name(keras):
    """`get_layer` raises ValueError where no layer has that name."""
    model = tower(keras)
    for name in ("fifth", "fir", "First"):
        with pytest.raises(ValueError, match="No such layer"):
            model.get_layer(name)


def chain(keras):
    """Two factors, `hidden` and `last`, both 1, and the model that ends at `hidden`. A step takes half the gradient off."""
    options = {"use_bias": False, "kernel_initializer": "ones"}
    layers = [keras.layers.Dense(1, name=name, **options) for name in ("hidden", "last")]
    model = sequential(keras, (1,), *layers)
    return model, keras.models.Model(inputs=model.inputs, outputs=model.get_layer("hidden").output)


ONE, THREE = np.ones((1, 1)), np.full((1, 1), 3.0)


@claim(answers=["7.2"])
def test_follows_the_training_of_the_model(keras):
    """The cut model shares its weights with the model it was cut from: training that one changes what this one gives."""
    model, cut = chain(keras)
    model.compile(optimizer=sgd(keras, 0.5), loss="mse")
    model.train_on_batch(ONE, THREE)  # in TensorFlow 1 the one factor's step may use the other's new value: it is 3 or 7
    assert feed(keras, cut, ONE).tolist() == model.get_weights()[0].tolist() != [[1.0]]


@claim(answers=["7.2"])
def test_trains_the_model_it_was_cut_from(keras):
    """Training the cut model trains the layers of the one it was cut from, and none behind the cut."""
    model, cut = chain(keras)
    cut.compile(optimizer=sgd(keras, 0.5), loss="mse")
    cut.train_on_batch(ONE, THREE)
    assert [weight.tolist() for weight in model.get_weights()] == [[[3.0]], [[1.0]]]
    assert feed(keras, model, ONE).tolist() == [[3.0]]


@claim(answers=["7.2"])
@given(kind=kinds, place=places)
def test_has_the_weights_before_the_cut(keras, kind, place):
    """The cut model has the weights of the layers up to the cut, and no others."""
    model = tower(keras, kind)
    weights = whole_weights(model, seed=2)
    cut = keras.models.Model(model.inputs, model.get_layer(NAMES[place]).output)
    assert [w.tolist() for w in cut.get_weights()] == [w.tolist() for w in weights[: (2, 2, 4, 6)[place]]]


@claim(answers=["7.2", "7.R3"], examples=2)
@given(kind=kinds, places=st.lists(places, min_size=2, max_size=4, unique=True))
@example(kind="sequential", places=[2, 0])
def test_gives_several_outputs_at_once(keras, kind, places):
    """A list of outputs makes a model that gives a list: each layer's output, in the order of the list."""
    model = tower(keras, kind)
    weights = whole_weights(model, seed=3)
    cut = keras.models.Model(model.inputs, [model.get_layer(NAMES[place]).output for place in places])
    expected = [tower_outputs(weights, BATCH)[place].tolist() for place in places]
    for outputs in cut.predict(BATCH, verbose=0), cut.predict_on_batch(BATCH):
        assert [np.asarray(output).tolist() for output in outputs] == expected


@claim(["keras>=3", "tf.keras>=2.2"], (ValueError, AssertionError), "test_gives_several_outputs_at_once", answers=["7.R3"])
def test_gives_outputs_by_name(keras):
    """A dictionary of outputs makes a model that gives a dictionary: each layer's output by its name.

    TensorFlow up to 2.1 takes the dictionary, but gives a list; Keras 2.2 and 2.3 refuse it.
    """
    model = tower(keras)
    weights = whole_weights(model, seed=4)
    cut = keras.models.Model(model.inputs, {layer.name: layer.output for layer in model.layers[1:]})
    outputs = cut.predict(BATCH, verbose=0)
    assert isinstance(outputs, dict)
    expected = dict(zip(NAMES, (output.tolist() for output in tower_outputs(weights, BATCH))))
    assert {name: output.tolist() for name, output in outputs.items()} == expected


@claim(["keras[tensorflow]<3", "tf.keras<2"], pytest.fail.Exception, "test_gives_several_outputs_at_once", answers=["7.R3"])
def test_refuses_the_input_as_an_output(keras):
    """The output of the input layer cannot be asked for: the error says that it is both fed and fetched."""
    model = tower(keras)
    every = keras.models.Model(model.inputs, [layer.output for layer in model.layers])
    with pytest.raises(Exception, match="both fed and fetched"):
        every.predict(BATCH)


def fork(keras):
    """Two inputs, of 2 and 3 columns, each through a layer of ones, `left` and `right`, then added up in `both`."""
    inputs = [input_layer(keras, (2,)), input_layer(keras, (3,))]
    branches = [
        keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name=name)(tensor)
        for name, tensor in zip(("left", "right"), inputs)
    ]
    return keras.models.Model(inputs, keras.layers.Add(name="both")(branches))


@claim(answers=["7.2"])
def test_needs_no_other_inputs_than_the_layer(keras):
    """Of a model of several inputs, the cut one takes those alone that the layer depends on."""
    model = fork(keras)
    right = keras.models.Model(model.inputs[1], model.get_layer("right").output)
    both = keras.models.Model(model.inputs, model.get_layer("both").output)
    assert feed(keras, right, np.array([[1.0, 2, 3]])).tolist() == [[6.0]]
    assert both.predict([np.array([[10.0, 20]]), np.array([[1.0, 2, 3]])], verbose=0).tolist() == [[36.0]]


@claim(answers=["7.2"])
def test_may_keep_inputs_that_it_does_not_need(keras):
    """Of a model of several inputs, a cut one made from `model.inputs` takes all of them, also those it does not need."""
    model = fork(keras)
    right = keras.models.Model(inputs=model.inputs, outputs=model.get_layer("right").output)
    assert right.predict([np.array([[10.0, 20]]), np.array([[1.0, 2, 3]])], verbose=0).tolist() == [[6.0]]


@claim(
    ["keras<3", "keras>=3.14", "tf.keras"],
    pytest.fail.Exception,
    "test_a_cut_without_its_inputs_gives_nothing",
    answers=["7.2"],
)
def test_refuses_a_cut_without_its_inputs(keras):
    """A cut that leaves out an input that the layer depends on raises ValueError.

    Keras 3.0 to 3.13 make a model of it all the same, which fails only when it is used.
    """
    model = fork(keras)
    with pytest.raises(ValueError, match="connected"):
        keras.models.Model(model.inputs[0], model.get_layer("both").output)


@claim(answers=["7.2"])
def test_a_cut_without_its_inputs_gives_nothing(keras):
    """A cut that leaves out an input that the layer depends on gives nothing: it raises ValueError, or KeyError when used."""
    model = fork(keras)
    with pytest.raises((ValueError, KeyError)):
        feed(keras, keras.models.Model(model.inputs[0], model.get_layer("both").output), np.ones((1, 2)))


@claim(["keras>=3", "tf.keras>=2.7"], ValueError, "test_needs_no_other_inputs_than_the_layer", answers=["7.2"])
def test_begins_behind_a_layer(keras):
    """`Model(inputs=layer.output, outputs=…)` makes a model of what comes behind the layer, and shares its weights.

    Before TensorFlow 2.7 it is refused with a ValueError: the model's own input is missing.
    """
    model = tower(keras)
    head = keras.models.Model(model.get_layer("second").output, model.get_layer("fourth").output)
    weights = whole_weights(model, seed=6)
    _, second, _, fourth = tower_outputs(weights, BATCH)
    assert feed(keras, head, second).tolist() == fourth.tolist()


def added_up(keras):
    """A layer, one behind it, and the sum of the two: of ones, whose outputs are the sum of two inputs."""
    first = keras.layers.Dense(2, kernel_initializer="ones")(input_layer(keras, (2,)))
    second = keras.layers.Dense(2, kernel_initializer="ones")(first)
    return first, second, keras.layers.Add()([first, second])


def behind_two_layers(keras):
    """What a model behind both layers makes of `[1, 2]` for the first and `[10, 20]` for the second."""
    first, second, both = added_up(keras)
    model = keras.models.Model([first, second], both)
    return model.predict([np.array([[1.0, 2.0]]), np.array([[10.0, 20.0]])], verbose=0).tolist()


@claim(["keras>=3", "tf.keras>=2.7"], ValueError, "test_needs_no_other_inputs_than_the_layer", answers=["7.2"])
def test_begins_behind_a_layer_that_is_used_twice(keras):
    """A model may begin behind a layer whose output goes two ways that meet again, as in a residual network."""
    first, _, both = added_up(keras)
    assert feed(keras, keras.models.Model(first, both), np.array([[1.0, 2.0]])).tolist() == [[4.0, 5.0]]


@claim(
    ["keras>=3.1", "tf.keras>=2.7"],
    (ValueError, AssertionError),
    ["test_needs_no_other_inputs_than_the_layer", "test_computes_the_second_of_two_layers_anew"],
    answers=["7.2"],
)
def test_begins_behind_two_layers(keras):
    """A model may begin behind two layers, one of which depends on the other: it takes what it is given for both."""
    assert behind_two_layers(keras) == [[11.0, 22.0]]


@claim(
    ["keras>=3,<3.1"],
    (ValueError, AssertionError),
    ["test_begins_behind_two_layers", "test_needs_no_other_inputs_than_the_layer"],
    answers=["7.2"],
)
def test_computes_the_second_of_two_layers_anew(keras):
    """Of a model that begins behind two layers, one behind the other, what is given for the second is ignored."""
    assert behind_two_layers(keras) == [[4.0, 5.0]]


@claim(needs=["float32"], answers=["7.2"])
def test_features_of_a_classifier(keras):
    """Example: a classifier's features, the output of the layer before its last, for use elsewhere."""
    data = np.random.RandomState(0).normal(size=(5, 8))
    classifier = stack(
        keras,
        (8,),
        keras.layers.Dense(4, activation="relu", name="features"),
        keras.layers.Dense(3, activation="softmax", name="classes"),
    )
    extractor = keras.models.Model(inputs=classifier.inputs, outputs=classifier.get_layer("features").output)
    features = extractor.predict(data, verbose=0)
    kernel, bias = classifier.get_layer("features").get_weights()
    np.testing.assert_allclose(features, np.maximum(data.dot(kernel) + bias, 0), rtol=1e-5, atol=1e-6)  # in float32


EDGE = np.array([[-1.0, 1.0]])  # brighter to the right


@claim(answers=["7.R3"])
def test_shows_every_layer(keras, evidence):
    """Example: one model gives every layer's output for an image, each a picture: here of a filter that finds left edges."""
    image = np.kron([[0, 1, 1, 0]] * 2, np.ones((2, 2)))
    model = sequential(
        keras,
        (4, 8, 1),
        keras.layers.Conv2D(1, (1, 2), use_bias=False, padding="valid", name="edges"),
        keras.layers.Activation("relu", name="left_edges"),
        keras.layers.MaxPooling2D((2, 2), name="pooled"),
    )
    model.set_weights([as_laid(keras, EDGE).reshape(1, 2, 1, 1)])
    every = keras.models.Model(model.inputs, [layer.output for layer in model.layers[1:]])
    edges, left, pooled = (output[0, :, :, 0] for output in every.predict(image[None, :, :, None], verbose=0))
    for name, picture in [("image", image), ("edges", edges), ("left edges", left), ("pooled", pooled)]:
        evidence(name, grid("column", "row", picture))
    assert edges.tolist() == np.diff(image, axis=1).tolist() == [[0, 1, 0, 0, 0, -1, 0]] * 4
    assert left.tolist() == [[0, 1, 0, 0, 0, 0, 0]] * 4
    assert pooled.tolist() == [[1, 0, 0]] * 2
