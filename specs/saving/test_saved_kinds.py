"""Which kinds of models and layers come back from a file?"""

import numpy as np
import pytest

from fixtures.claims import claim
from fixtures.models import feed, input_layer, sequential, sgd
from fixtures.trained import INPUTS, TARGETS, filled, named, trajectory

FLOAT64 = ["keras[theano]", "keras>=2.2.5", "tf.keras"]
DICTIONARIES, NORMALIZATIONS = ["keras>=3", "tf.keras>=2.2"], ["keras>=3", "tf.keras>=2.8"]


def loaded(keras, model, folder, name="model.keras"):
    """The model saved under that name, and loaded again."""
    model.save(named(keras, folder / name))
    return keras.models.load_model(named(keras, folder / name))


@claim(answers=["5.4"])
def test_training_of_many_layers_goes_on(keras, tmp_path):
    """Training that goes on from a file is as if never interrupted with more than ten states of weights, too."""
    inputs = input_layer(keras, (3,))  # layers side by side: in Keras 2.2, the steps of one behind another race
    model = filled(keras.models.Model(inputs, keras.layers.concatenate([keras.layers.Dense(1)(inputs) for _ in range(8)])))
    model.compile(optimizer=sgd(keras, 0.25, momentum=0.5), loss="mean_squared_error")
    model.train_on_batch(INPUTS, TARGETS)
    again = loaded(keras, model, tmp_path)
    assert np.array_equal(trajectory(again), trajectory(model))


@claim(answers=["5.2", "5.3"])
def test_losses_by_the_names_of_outputs_come_back(keras, tmp_path):
    """Losses and their weights that were given by the names of the outputs come back from either kind of file."""
    inputs = input_layer(keras, (3,))
    outputs = [keras.layers.Dense(2, kernel_initializer="ones", name=name)(inputs) for name in ("first", "second")]
    model = keras.models.Model(inputs, outputs)
    losses = {"second": "mean_absolute_error", "first": "mean_squared_error"}  # not in the order of the outputs
    model.compile(optimizer="sgd", loss=losses, loss_weights={"second": 0.5, "first": 0.25})
    samples, targets = np.full((2, 3), 2.0), [np.full((2, 2), 4.0), np.full((2, 2), 3.0)]  # errors of 2 and of 3
    for name in ("model.h5", "model.keras"):
        results = loaded(keras, model, tmp_path, name).evaluate(samples, targets, verbose=0)
        assert np.ravel(results)[0] == 0.25 * 2**2 + 0.5 * 3


def in_float64(keras):
    """A model of a layer in float64, whatever `floatx` is."""
    return keras.models.Sequential([keras.layers.Embedding(3, 2, dtype="float64", input_shape=(4,))])


@claim(FLOAT64, ValueError, "test_no_layer_is_in_float64_alone", answers=["5.3"])
def test_weights_come_back_in_their_own_type(keras, tmp_path):
    """The weights of an `Embedding` in float64 come back from either kind of file to the last bit."""
    model = in_float64(keras)
    model.set_weights([np.full((3, 2), 1 + 2.0**-40)])
    for name in ("model.h5", "model.keras"):
        for kept, given in zip(loaded(keras, model, tmp_path, name).get_weights(), model.get_weights()):
            assert (kept.dtype, kept.tobytes()) == (given.dtype, given.tobytes())


@claim(["keras[tensorflow]<2.2.5"], pytest.fail.Exception, "test_weights_come_back_in_their_own_type", answers=["5.3"])
def test_no_layer_is_in_float64_alone(keras):
    """An `Embedding` with `dtype="float64"` cannot be made where `floatx` is float32: a ValueError."""
    with pytest.raises(ValueError, match="float64"):
        in_float64(keras)


def own(keras, kind, layers, use):
    """A layer or model of one's own class, `kind`, with these layers for its attributes."""

    class Own(kind):
        def __init__(self):
            super().__init__()
            for name, value in layers.items():
                setattr(self, name, value)

        def call(self, inputs):
            return use(self, inputs)

    return Own()


def comes_back(keras, folder, make):
    """Whether a model gives the same as one that was made likewise, with the weights of its file."""
    one, other = make(), make()
    expected = feed(keras, one, INPUTS)
    assert not np.allclose(feed(keras, other, INPUTS), expected)
    path = named(keras, folder / "own.weights.h5")
    one.save_weights(path)
    other.load_weights(path)
    return np.array_equal(feed(keras, other, INPUTS), expected)


def with_a_private_layer(keras):
    """A model of a layer of one's own class, which has another in a private attribute."""
    layers = {"_hidden": keras.layers.Dense(2)}
    return sequential(keras, (3,), own(keras, keras.layers.Layer, layers, lambda layer, x: layer._hidden(x)))


def with_a_list(keras):
    """A model of one's own class that has two layers in a list."""
    layers = {"parts": [keras.layers.Dense(2), keras.layers.Dense(1)]}
    return own(keras, keras.models.Model, layers, lambda model, x: model.parts[1](model.parts[0](x)))


@claim(["keras>=2.3", "tf.keras"], AssertionError, "test_private_layers_are_not_saved", answers=["5.1"])
def test_private_layers_are_saved(keras, tmp_path):
    """The weights of a layer of one's own class are saved with the layers that it has in private attributes."""
    assert comes_back(keras, tmp_path, lambda: with_a_private_layer(keras))


@claim(["keras<2.3"], AssertionError, "test_private_layers_are_saved", answers=["5.1"])
def test_private_layers_are_not_saved(keras, tmp_path):
    """Layers that a layer of one's own class has are not its own: their weights are not in the file."""
    assert not comes_back(keras, tmp_path, lambda: with_a_private_layer(keras))


@claim(["keras>=3", "tf.keras"], AssertionError, "test_layers_in_a_list_are_not_saved", answers=["5.1"])
def test_layers_in_a_list_are_saved(keras, tmp_path):
    """The weights of a model of one's own class are saved with the layers that it has in a list."""
    assert comes_back(keras, tmp_path, lambda: with_a_list(keras))


@claim(["keras<3"], AssertionError, "test_layers_in_a_list_are_saved", answers=["5.1"])
def test_layers_in_a_list_are_not_saved(keras, tmp_path):
    """Layers that a model of one's own class has in a list are not its own: their weights are not in the file."""
    assert not comes_back(keras, tmp_path, lambda: with_a_list(keras))


def by_names(keras):
    """A model whose outputs are a dictionary, `(batch, 3)` to `(batch, 1)` and `(batch, 2)`, not in the alphabet's order."""
    inputs = input_layer(keras, (3,))
    return keras.models.Model(inputs, {"zeta": keras.layers.Dense(1)(inputs), "alpha": keras.layers.Dense(2)(inputs)})


@claim(
    DICTIONARIES,
    (AttributeError, ValueError),
    ["test_outputs_in_a_dictionary_are_refused", "test_outputs_in_a_dictionary_become_a_list"],
    answers=["5.2"],
)
def test_outputs_in_a_dictionary_come_back(keras, tmp_path):
    """A model whose outputs are a dictionary gives them by the same names when it is loaded again."""
    model = by_names(keras)
    expected = model.predict(INPUTS, verbose=0)
    results = loaded(keras, model, tmp_path).predict(INPUTS, verbose=0)
    assert {name: output.tolist() for name, output in results.items()} == {
        name: output.tolist() for name, output in expected.items()
    }
    assert {name: output.shape for name, output in results.items()} == {"zeta": (2, 1), "alpha": (2, 2)}


@claim(
    ["keras<3"],
    pytest.fail.Exception,
    ["test_outputs_in_a_dictionary_come_back", "test_outputs_in_a_dictionary_become_a_list"],
    answers=["5.2"],
)
def test_outputs_in_a_dictionary_are_refused(keras):
    """A model cannot be made with a dictionary of outputs: a ValueError."""
    with pytest.raises(ValueError, match="Output tensors to a Model"):
        by_names(keras)


@claim(
    ["tf.keras<2.2"],
    (AssertionError, ValueError),
    ["test_outputs_in_a_dictionary_come_back", "test_outputs_in_a_dictionary_are_refused"],
    answers=["5.2"],
)
def test_outputs_in_a_dictionary_become_a_list(keras):
    """A dictionary of outputs becomes a list in the alphabet's order of their names."""
    results = by_names(keras).predict(INPUTS, verbose=0)
    assert [getattr(output, "shape", output) for output in results] == [(2, 2), (2, 1)]


def normalized(keras, folder):
    """What a normalization gives for 4 and 9 that has learned from 1, 3, 5 and 7, saved and loaded again: an array `(2, 1)`."""
    layer = keras.layers.Normalization()
    layer.adapt(np.array([[1.0], [3.0], [5.0], [7.0]], "float32"))  # mean 4, variance 5
    return loaded(keras, sequential(keras, (1,), layer), folder).predict(np.array([[4.0], [9.0]]), verbose=0)


@claim(
    NORMALIZATIONS,
    (AttributeError, AssertionError),
    ["test_there_is_no_normalization", "test_an_adapted_normalization_comes_back_without_effect"],
    answers=["5.2"],
)
def test_an_adapted_normalization_comes_back(keras, tmp_path):
    """A `Normalization` layer that has learned mean and variance of the data by `adapt` still applies them when loaded."""
    np.testing.assert_allclose(normalized(keras, tmp_path), [[0.0], [5**0.5]], rtol=1e-6)


@claim(
    ["tf.keras>=2.6,<2.8"],
    (AttributeError, AssertionError),
    ["test_there_is_no_normalization", "test_an_adapted_normalization_comes_back"],
    answers=["5.2"],
)
def test_an_adapted_normalization_comes_back_without_effect(keras, tmp_path):
    """A `Normalization` layer that has learned from the data passes on what it gets when it is loaded from an HDF5 file."""
    assert normalized(keras, tmp_path).tolist() == [[4.0], [9.0]]


@claim(
    ["keras<3", "tf.keras<2.6"],
    AssertionError,
    ["test_an_adapted_normalization_comes_back", "test_an_adapted_normalization_comes_back_without_effect"],
    answers=["5.2"],
)
def test_there_is_no_normalization(keras):
    """`keras.layers` has no `Normalization`, which would learn from the data."""
    assert not hasattr(keras.layers, "Normalization")


OWN_WAY_BACK = ["keras>=3.3", "tf.keras"]
BOTH_WAYS = ["keras<3", *OWN_WAY_BACK]


def both_ways(keras, **options):
    """A model, `(batch, 3, 1)` to `(batch, 4)`, of a `Bidirectional` layer with these options."""
    return sequential(keras, (3, 1), keras.layers.Bidirectional(keras.layers.SimpleRNN(2), **options))


def with_its_own_way_back(keras):
    """One that goes there with `tanh`, and back as it is."""
    return both_ways(keras, backward_layer=keras.layers.SimpleRNN(2, activation="linear", go_backwards=True))


@claim(
    OWN_WAY_BACK,
    (TypeError, ValueError),
    ["test_the_way_back_is_as_the_way_there", "test_a_bidirectional_layer_cannot_be_loaded"],
    answers=["5.2"],
)
def test_a_way_back_of_its_own_comes_back(keras, tmp_path):
    """A `Bidirectional` with a `backward_layer` of its own comes back with it from either kind of file."""
    model = filled(with_its_own_way_back(keras))
    sequences = 10 * np.arange(6.0).reshape((2, 3, 1))
    expected = model.predict(sequences, verbose=0)
    assert expected[:, 2:].max() > 1  # which `tanh`, the usual way back, never gives
    for name in ("model.h5", "model.keras"):
        assert np.array_equal(loaded(keras, model, tmp_path, name).predict(sequences, verbose=0), expected)


@claim(
    ["keras<3"],
    pytest.fail.Exception,
    ["test_a_way_back_of_its_own_comes_back", "test_a_bidirectional_layer_cannot_be_loaded"],
    answers=["5.2"],
)
def test_the_way_back_is_as_the_way_there(keras):
    """`Bidirectional` takes no `backward_layer`, a layer of its own for the way back: a TypeError."""
    with pytest.raises(TypeError, match="backward_layer"):
        with_its_own_way_back(keras)


@claim(BOTH_WAYS, ValueError, "test_a_bidirectional_layer_cannot_be_loaded", answers=["5.2"])
def test_a_bidirectional_layer_comes_back(keras, tmp_path):
    """A model of a `Bidirectional` layer gives the same when it is loaded from its file, to the last bit."""
    model, sequences = filled(both_ways(keras)), np.arange(6.0).reshape((2, 3, 1))
    again = loaded(keras, model, tmp_path)
    assert np.array_equal(feed(keras, again, sequences), feed(keras, model, sequences))


@claim(["keras>=3,<3.3"], pytest.fail.Exception, "test_a_bidirectional_layer_comes_back", answers=["5.2"])
def test_a_bidirectional_layer_cannot_be_loaded(keras, tmp_path):
    """A model of a `Bidirectional` layer cannot be loaded from its file, in which weights are missing: a ValueError."""
    model = both_ways(keras)
    with pytest.raises(ValueError, match="received 0 variables"):
        loaded(keras, model, tmp_path)
