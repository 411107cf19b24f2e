"""How do I remove a layer from a Sequential model?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import feed, sequential
from fixtures.stacks import NAMES, fresh_tower, stack, tower_outputs, whole_weights

KERAS_2, KERAS_3 = ["keras<3", "tf.keras"], ["keras>=3"]
BATCH = np.array([[1.0, 2.0], [-2.0, 1.0], [0.0, -1.0]])
WIDTHS = (3, 3, 4, 2)  # of the outputs of the layers of a `tower`
fewer = st.integers(1, len(NAMES) - 1)


def names(model):
    """The names of the model's layers, in order."""
    return [layer.name for layer in model.layers]


def pop(model, times):
    """Remove as many layers."""
    for _ in range(times):
        model.pop()


@claim(answers=["15.1"])
def test_two_layers_less_one(keras):
    """Example: of a Sequential of two layers `pop()` leaves one."""
    model = keras.models.Sequential()
    model.add(keras.layers.Dense(32, activation="relu", input_dim=784))
    model.add(keras.layers.Dense(10, activation="softmax"))
    assert len(model.layers) == 2
    model.pop()
    assert len(model.layers) == 1
    assert model.output_shape == (None, 32)


@claim(answers=["15.1"])
@given(pops=fewer)
def test_removes_the_last_layers(keras, pops):
    """`pop()` removes the last layer, and n times n layers: those that stay are the first ones, in their order."""
    model = fresh_tower(keras)
    layers = list(model.layers)
    pop(model, pops)
    assert names(model) == list(NAMES[:-pops])
    assert all(left is layer for left, layer in zip(model.layers, layers))


@claim(answers=["15.1", "15.R2"], examples=3)
@given(pops=fewer, seed=st.integers(0, 2**32 - 1))
@example(pops=1, seed=1)
def test_gives_what_the_last_remaining_layer_gives(keras, pops, seed):
    """After n times `pop()` the model gives what the last layer that remains gives, and its output has that layer's shape."""
    model = fresh_tower(keras)
    weights = whole_weights(model, seed)
    pop(model, pops)
    assert model.output_shape == (None, WIDTHS[-1 - pops])
    assert feed(keras, model, BATCH).tolist() == tower_outputs(weights, BATCH)[-1 - pops].tolist()


@claim(answers=["15.1"])
@given(pops=fewer)
def test_keeps_the_weights_of_the_others(keras, pops):
    """The model has the weights of the layers that remain, to the bit, and no others."""
    model = fresh_tower(keras)
    before = model.get_weights()
    pop(model, pops)
    left = before[: (2, 2, 4)[-pops]]
    assert [weight.tobytes() for weight in model.get_weights()] == [weight.tobytes() for weight in left]


@claim(answers=["15.R2"])
def test_the_output_changes_shape_with_the_layers(keras):
    """The model's output has the shape of its last layer's, whatever that is: a row, an image, a class."""
    layers = [keras.layers.Conv2D(5, 3), keras.layers.MaxPooling2D(2), keras.layers.Flatten(), keras.layers.Dense(7)]
    model = stack(keras, (10, 8, 1), *layers)
    shapes = [model.output_shape]
    for _ in layers[1:]:
        model.pop()
        shapes.append(model.output_shape)
    assert shapes == [(None, 7), (None, 4 * 3 * 5), (None, 4, 3, 5), (None, 8, 6, 5)]


@claim(KERAS_3, AssertionError, "test_returns_nothing", answers=["15.1"])
def test_returns_the_layer(keras):
    """`pop()` returns the layer that it removed."""
    model = fresh_tower(keras)
    last = model.layers[-1]
    assert model.pop() is last


@claim(KERAS_2, AssertionError, "test_returns_the_layer", answers=["15.1"])
def test_returns_nothing(keras):
    """`pop()` returns nothing: keep the layer, `model.layers[-1]`, before you remove it."""
    assert fresh_tower(keras).pop() is None


@claim(answers=["15.1"])
def test_saves_the_shorter_model(keras):
    """The configuration of the model, and a model made from it, are without the layers that were removed."""
    model = fresh_tower(keras)
    pop(model, 2)
    again = keras.models.Sequential.from_config(model.get_config())
    assert names(again) == ["first", "second"]


@claim(answers=["15.R1"], examples=3)
@given(pops=fewer)
def test_takes_the_layers_back_with_their_weights(keras, pops):
    """Layers that were removed can be added again, in the old order: with their weights, and the model gives what it gave."""
    model = fresh_tower(keras)
    weights = whole_weights(model, seed=2)
    removed = model.layers[-pops:]
    pop(model, pops)
    for layer in removed:
        model.add(layer)
    assert names(model) == list(NAMES)
    assert [weight.tolist() for weight in model.get_weights()] == [weight.tolist() for weight in weights]
    assert feed(keras, model, BATCH).tolist() == tower_outputs(weights, BATCH)[-1].tolist()


@claim(answers=["15.R1"])
def test_adds_a_new_layer_instead(keras):
    """Example: a head for other classes: remove the last layer, add a new one; the layers below keep what they learned."""
    model = fresh_tower(keras)
    weights = whole_weights(model, seed=3)
    model.pop()
    model.add(keras.layers.Dense(5, kernel_initializer="ones", name="head"))
    features = tower_outputs(weights, BATCH)[2]
    assert model.output_shape == (None, 5)
    assert feed(keras, model, BATCH).tolist() == [[row.sum()] * 5 for row in features]


@claim(answers=["15.R1"])
def test_refuses_a_layer_that_does_not_fit(keras):
    """A removed layer is not taken back where its input would have another width than its weights: ValueError."""
    model = fresh_tower(keras)
    last = model.layers[-1]
    pop(model, 2)
    with pytest.raises(ValueError, match=r"incompatible|must be equal"):
        model.add(last)


@claim(answers=["15.R1"])
def test_leaves_the_removed_layer_usable(keras):
    """The layer that was removed is a layer still: it keeps its weights and works in another model."""
    model = fresh_tower(keras)
    last, weights = model.layers[-1], whole_weights(model, seed=4)
    model.pop()
    assert last.trainable
    other = sequential(keras, (4,), last)
    rows = np.eye(4)
    assert feed(keras, other, rows).tolist() == (rows.dot(weights[4]) + weights[5]).tolist()


@claim(answers=["15.1"])
def test_shortens_a_model_that_is_not_built(keras):
    """`pop()` works on a model that does not know its input's shape yet, too."""
    layers = [keras.layers.Dense(width, kernel_initializer="ones") for width in (4, 3)]
    model = keras.models.Sequential(layers)
    model.pop()
    assert feed(keras, model, np.ones((2, 2))).tolist() == [[2.0] * 4] * 2


def built_later(keras):
    """A Sequential of two layers that is told its input's shape by `build`, less the second."""
    model = keras.models.Sequential([keras.layers.Dense(width, kernel_initializer="ones") for width in (3, 4)])
    model.build((None, 2))
    model.pop()
    return model


@claim(["keras", "tf.keras>=2.3"], AttributeError, "test_forgets_the_shape_that_it_was_built_with", answers=["15.1"])
def test_keeps_the_shape_that_it_was_built_with(keras):
    """A Sequential that was told its input's shape by `build` keeps it: after `pop()` its output's shape is known."""
    model = built_later(keras)
    assert model.output_shape == (None, 3)
    assert feed(keras, model, np.ones((2, 2))).tolist() == [[2.0] * 3] * 2


@claim(["tf.keras<2.3"], pytest.fail.Exception, "test_keeps_the_shape_that_it_was_built_with", answers=["15.1"])
def test_forgets_the_shape_that_it_was_built_with(keras):
    """A Sequential that was told its input's shape by `build` has no `output_shape` after `pop()`: AttributeError."""
    model = built_later(keras)
    with pytest.raises(AttributeError):
        model.output_shape  # noqa: B018


@claim(["keras>=3", "tf.keras"], TypeError, "test_two_layers_less_one", answers=["15.1"])
def test_leaves_the_input_that_it_began_with(keras):
    """A Sequential may begin with `keras.Input`, which is none of its layers: `pop()` leaves it."""
    layers = [keras.layers.Dense(width, kernel_initializer="ones") for width in (3, 4)]
    model = keras.models.Sequential([keras.layers.Input((2,)), *layers])
    assert model.layers == layers
    model.pop()
    assert (model.input_shape, model.output_shape) == ((None, 2), (None, 3))
    assert feed(keras, model, np.ones((2, 2))).tolist() == [[2.0] * 3] * 2


@claim(answers=["15.1"])
def test_removes_every_layer(keras):
    """As many `pop()` as there are layers leave a model of none, if it was told its input's shape."""
    model = fresh_tower(keras)
    pop(model, len(NAMES))
    assert model.layers == []


@claim(KERAS_2, IndexError, "test_fails_after_removing_the_only_layer", answers=["15.1"])
def test_removes_the_only_layer(keras):
    """`pop()` removes the only layer of a model that was not told its input's shape."""
    model = keras.models.Sequential([keras.layers.Dense(4)])
    model.pop()
    assert model.layers == []


@claim(KERAS_3, pytest.fail.Exception, "test_removes_the_only_layer", answers=["15.1"])
def test_fails_after_removing_the_only_layer(keras):
    """`pop()` of the only layer of a model that was not told its input's shape removes it, and raises IndexError then."""
    model = keras.models.Sequential([keras.layers.Dense(4)])
    with pytest.raises(IndexError):
        model.pop()
    assert model.layers == []


@claim(KERAS_2, IndexError, "test_an_empty_model_raises_index_error", answers=["15.1"])
def test_an_empty_model_raises_type_error(keras):
    """`pop()` of a model of no layers raises TypeError, with or without an input's shape."""
    for model in (keras.models.Sequential(), stack(keras, (2,))):
        with pytest.raises(TypeError, match="no layers"):
            model.pop()


@claim(KERAS_3, TypeError, "test_an_empty_model_raises_type_error", answers=["15.1"])
def test_an_empty_model_raises_index_error(keras):
    """`pop()` of a model of no layers raises IndexError, with or without an input's shape."""
    for model in (keras.models.Sequential(), stack(keras, (2,))):
        with pytest.raises(IndexError):
            model.pop()


@claim(
    KERAS_3,
    (AssertionError, AttributeError),
    ["test_forgets_the_output_shape_of_an_emptied_model", "test_an_emptied_model_takes_no_layer"],
    answers=["15.1"],
)
def test_an_emptied_model_starts_anew(keras):
    """A model emptied by `pop()` keeps its input's shape: the next layer that is added decides the output's."""
    model = stack(keras, (2,), keras.layers.Dense(4))
    model.pop()
    model.add(keras.layers.Dense(5))
    assert model.output_shape == (None, 5)


@claim(
    ["keras<3", "tf.keras>=2.3"],
    (AssertionError, AttributeError),
    ["test_an_emptied_model_starts_anew", "test_an_emptied_model_takes_no_layer"],
    answers=["15.1"],
)
def test_forgets_the_output_shape_of_an_emptied_model(keras):
    """A model emptied by `pop()` tells the output's shape of the removed layer, whatever is added, though it gives another."""
    model = stack(keras, (2,), keras.layers.Dense(4))
    model.pop()
    model.add(keras.layers.Dense(5))
    assert model.output_shape == (None, 4)
    assert model.predict(BATCH, verbose=0).shape == (3, 5)


@claim(
    ["tf.keras<2.3"],
    pytest.fail.Exception,
    ["test_an_emptied_model_starts_anew", "test_forgets_the_output_shape_of_an_emptied_model"],
    answers=["15.1"],
)
def test_an_emptied_model_takes_no_layer(keras):
    """A model emptied by `pop()` takes no other layer: `add` raises AttributeError."""
    model = stack(keras, (2,), keras.layers.Dense(4))
    model.pop()
    with pytest.raises(AttributeError, match="NoneType"):
        model.add(keras.layers.Dense(5))


@claim(answers=["15.1"])
def test_changes_no_model_by_its_list(keras):
    """`model.layers.pop()` changes no Sequential: `layers` is a copy of the list (keras#2371)."""
    model = fresh_tower(keras)
    model.layers.pop()
    assert names(model) == list(NAMES)
    assert model.output_shape == (None, 2)


def functional(keras):
    """A functional model of the four layers."""
    return fresh_tower(keras, "functional")


@claim([], AttributeError, "test_cuts_a_functional_model", answers=["15.1"])
def test_removes_the_last_layer_of_a_functional_model(keras):
    """`pop()` removes the last layer of a functional model."""
    model = functional(keras)
    model.pop()
    assert model.output_shape == (None, 4)


@claim(["keras>=3", "tf.keras"], AssertionError, "test_the_list_loses_a_layer", answers=["15.1"])
def test_changes_no_functional_model_by_its_list(keras):
    """`model.layers.pop()` changes no functional model either: neither its layers nor its output (keras#6229).

    Nor does it change a Sequential that does not know its input's shape yet.
    """
    model, unbuilt = functional(keras), keras.models.Sequential([keras.layers.Dense(4), keras.layers.Dense(3)])
    model.layers.pop()
    unbuilt.layers.pop()
    assert names(model)[1:] == list(NAMES)
    assert model.layers[-1].output.shape[1] == 2
    assert len(unbuilt.layers) == 2


@claim(["keras<3"], AssertionError, "test_changes_no_functional_model_by_its_list", answers=["15.1"])
def test_the_list_loses_a_layer(keras):
    """`model.layers.pop()` takes the layer from a functional model's list and its weights, but not from what it computes.

    The model still gives what the removed layer gives (keras#8909), and `model.layers[-1].output` is the one before it.
    """
    model = functional(keras)
    weights = whole_weights(model, seed=5)
    model.layers.pop()
    assert names(model)[1:] == list(NAMES[:-1])
    assert len(model.get_weights()) == 4
    assert model.predict(BATCH).tolist() == tower_outputs(weights, BATCH)[-1].tolist()


@claim(answers=["15.1", "15.R1"])
def test_cuts_a_functional_model(keras):
    """Example: a functional model without its last layer is a new one: `Model(model.inputs, model.layers[-2].output)`."""
    model = functional(keras)
    weights = whole_weights(model, seed=6)
    shorter = keras.models.Model(model.inputs, model.layers[-2].output)
    assert feed(keras, shorter, BATCH).tolist() == tower_outputs(weights, BATCH)[2].tolist()
    assert feed(keras, model, BATCH).tolist() == tower_outputs(weights, BATCH)[3].tolist()
