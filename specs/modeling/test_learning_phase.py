"""How can I get a layer's output in training mode, and what is the learning phase?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import input_layer, ledger, sequential
from fixtures.stacks import as_array, learning_phase, outputs_in_mode, stack
from fixtures.tensors import eager, tensor

KERAS_2, KERAS_3 = ["keras<3", "tf.keras"], ["keras>=3"]
GRAPHS = ["keras<3", "tf.keras<2"]  # on TensorFlow 1 and Theano
ONES = np.ones((8, 32))  # with rate 0.5 none, or all, are dropped with a probability of 2**-255
KEPT = 2.0  # what remains of a one that is not dropped
PAIR = np.array([[1.0, 2.0], [3.0, 6.0]])


def dropping(keras):
    """A layer that passes its inputs on, and one that drops half of them."""
    identity = keras.layers.Activation("linear", name="identity")
    return stack(keras, ONES.shape[1:], identity, keras.layers.Dropout(0.5, name="dropout"))


@claim(GRAPHS, (AttributeError, ValueError), "test_the_call_names_the_mode", answers=["7.4", "7.3"])
def test_feeds_the_mode_to_a_function(keras):
    """Example: with `K.learning_phase()` among a function's inputs, a 0 fed for it gives test mode and a 1 training mode."""
    model, K = dropping(keras), keras.backend
    function = K.function([model.layers[0].input, K.learning_phase()], [model.layers[1].output])
    in_test_mode = function([ONES, 0])[0]
    in_training_mode = function([ONES, 1])[0]
    assert in_test_mode.tolist() == ONES.tolist()
    assert set(in_training_mode.ravel().tolist()) == {0, KEPT}


def own(keras, kind):
    """A layer or model of one's own class that drops with no mode named, and lets pass with `training=False`."""

    class Own(kind):
        def __init__(self):
            super().__init__()
            self.dropout = keras.layers.Dropout(0.5)

        def call(self, inputs, training=None):
            return self.dropout(inputs), self.dropout(inputs, training=False)

    return Own()


@claim(["keras>=3", "tf.keras"], ValueError, "test_feeds_the_mode_to_a_function", answers=["7.4", "7.6"])
def test_the_call_names_the_mode(keras):
    """Example: a model that ends at the layer, called with `training=False` or `True`, gives it in test or training mode.

    The mode reaches the layers of a model within the model, and those that a layer or model of one's own class calls without
    naming a mode; the mode named in such a call wins.
    """
    model = dropping(keras)
    cut = keras.models.Model(model.inputs, model.get_layer("dropout").output)
    in_test_mode = cut(ONES, training=False)
    in_training_mode = cut(ONES, training=True)
    assert as_array(keras, in_test_mode).tolist() == ONES.tolist()
    assert set(as_array(keras, in_training_mode).ravel().tolist()) == {0, KEPT}
    around = sequential(keras, ONES.shape[1:], cut)
    assert set(as_array(keras, around(ONES, training=True)).ravel().tolist()) == {0, KEPT}
    for kind in (keras.layers.Layer, keras.models.Model):
        model = sequential(keras, ONES.shape[1:], own(keras, kind))
        for training, seen in [(False, {1}), (True, {0, KEPT})]:
            inherited, named = outputs_in_mode(keras, model, ONES, training)
            assert [set(inherited.ravel().tolist()), set(named.ravel().tolist())] == [seen, {1}]


@claim(answers=["7.4"])
def test_test_mode_is_the_default(keras):
    """Test mode is the default: of `predict`, of a model's call, and of a layer's.

    On TensorFlow 1 it is that of a function that is fed no phase; on Theano a function must be fed one.
    """
    model = dropping(keras)
    assert model.predict(ONES, verbose=0).tolist() == ONES.tolist()
    if eager(keras):
        assert as_array(keras, model(ONES)).tolist() == ONES.tolist()
        kinds = [getattr(keras.layers, name) for name in ("SimpleRNN", "LSTM", "GRU")]
        recurrent = [kind(2, dropout=0.5, unroll=True, **tenths(keras)) for kind in kinds]
        steps = tensor(keras, STEPS[:, :1])
        for layer in [*noisy(keras), *recurrent, keras.layers.BatchNormalization()]:
            by_default, in_test_mode = layer(steps), layer(steps, training=False)
            assert as_array(keras, by_default).tolist() == as_array(keras, in_test_mode).tolist()
    elif keras.backend.backend() == "tensorflow":
        assert keras.backend.function(model.inputs, model.outputs)([ONES])[0].tolist() == ONES.tolist()


@claim(KERAS_2, AttributeError, "test_any_other_number_is_training_mode", answers=["7.R2"])
@given(phase=st.sampled_from([0.5, 0.001, 2, -1]))
def test_the_phase_is_zero_or_one(keras, phase):
    """`K.set_learning_phase` takes 0 and 1 and nothing else: ValueError for 0.001, which would be a rate."""
    with pytest.raises(ValueError, match="0 or 1"):
        keras.backend.set_learning_phase(phase)


@claim(
    ["keras[tensorflow]<3", "keras>=3", "tf.keras<2"],
    (TypeError, AssertionError),
    "test_the_phase_is_zero_or_one",
    answers=["7.R2"],
)
@given(phase=st.sampled_from([0.5, 0.001, 2]))
def test_any_other_number_is_training_mode(keras, phase):
    """The mode is a flag: a number that is neither 0 nor 1, given for it, means training mode, and scales nothing.

    TensorFlow 2's tf.keras refuses it; on Theano the flag is a whole number, so that 0.5 is 0.
    """
    (output,) = outputs_in_mode(keras, dropping(keras), ONES, phase)
    assert set(output.ravel().tolist()) == {0, KEPT}


@claim(answers=["7.R2"])
@given(training=st.booleans())
def test_neither_mode_learns(keras, training):
    """Computing an output teaches nothing, in training mode neither: no weight that can be trained changes."""
    model = stack(keras, (2,), keras.layers.Dense(2), keras.layers.BatchNormalization(), keras.layers.Dropout(0.5))
    before = [as_array(keras, weight) for weight in weights_to_train(keras, model)]
    outputs_in_mode(keras, model, PAIR, training)
    after = [as_array(keras, weight) for weight in weights_to_train(keras, model)]
    assert [weight.tobytes() for weight in before] == [weight.tobytes() for weight in after]


def weights_to_train(keras, model):
    """The values of the weights that training changes."""
    if eager(keras):
        return [np.array(as_array(keras, weight)) for weight in model.trainable_weights]
    return keras.backend.batch_get_value(model.trainable_weights)


@claim(KERAS_2, AttributeError, "test_the_call_names_the_mode", answers=["7.R2"])
@given(phase=st.sampled_from([0, 1]))
def test_the_phase_is_no_learning_rate(keras, phase):
    """With `K.set_learning_phase(0)` a step of training goes as far as with 1: the phase is no learning rate."""
    with learning_phase(keras, phase):
        model = ledger(keras, 2)  # at rate 1, a sample adds its target times its features, over the size of the batch
        model.set_weights([np.zeros((2, 1))])
        model.train_on_batch(np.eye(2), np.array([[2.0], [6.0]]))
        assert model.get_weights()[0].tolist() == [[1.0], [3.0]]


@claim(
    ["keras<3", "tf.keras<2.1"],
    (AssertionError, AttributeError),
    ["test_predict_obeys_no_set_phase", "test_test_mode_is_the_default"],
    answers=["7.4"],
)
def test_predict_obeys_the_set_phase(keras):
    """`K.set_learning_phase(1)` puts every model that is built afterwards into training mode, for `predict` as well."""
    with learning_phase(keras, 1):
        assert set(dropping(keras).predict(ONES, verbose=0).ravel().tolist()) == {0, KEPT}


@claim(
    ["tf.keras>=2.1"],
    (AssertionError, AttributeError),
    ["test_predict_obeys_the_set_phase", "test_test_mode_is_the_default"],
    answers=["7.4"],
)
def test_predict_obeys_no_set_phase(keras):
    """After `K.set_learning_phase(1)` `predict` is in test mode all the same; a plain call is in training mode."""
    with learning_phase(keras, 1):
        model = dropping(keras)
        assert model.predict(ONES, verbose=0).tolist() == ONES.tolist()
        assert set(as_array(keras, model(ONES)).ravel().tolist()) == {0, KEPT}


@claim(answers=["7.5"], examples=3)
@given(eighths=st.integers(1, 7))
def test_dropout_scales_what_it_keeps(keras, eighths):
    """`Dropout(rate)` gives zeros and `x / (1 - rate)` in training mode, and in test mode `x` itself, to the bit."""
    rate = eighths / 8
    model = stack(keras, ONES.shape[1:], keras.layers.Dropout(rate))
    (dropped,), (passed,) = (outputs_in_mode(keras, model, ONES, training) for training in (True, False))
    kept = dropped[dropped != 0]  # all are kept, or none, with a probability below (7/8)**256, 1e-14
    assert 0 < len(kept) < ONES.size
    np.testing.assert_allclose(kept, 1 / (1 - rate), rtol=1e-6)  # one division in float32
    assert passed.tolist() == ONES.tolist()


EPSILON, MEAN, VARIANCE = 1e-3, np.array([1.0, -1.0]), np.array([4.0, 9.0])


def normalizing(keras):
    """A batch normalization of two columns, of moving statistics MEAN and VARIANCE."""
    model = stack(keras, (2,), keras.layers.BatchNormalization(momentum=0.75, epsilon=EPSILON))
    model.set_weights([np.ones(2), np.zeros(2), MEAN, VARIANCE])
    return model


@claim(answers=["7.5"])
def test_batch_normalization_takes_the_batch_s_statistics(keras):
    """BatchNormalization takes mean and variance from the batch in training mode, and its moving ones in test mode."""
    model = normalizing(keras)
    (by_moving,) = outputs_in_mode(keras, model, PAIR, False)
    (by_batch,) = outputs_in_mode(keras, model, PAIR, True)
    close = {"rtol": 1e-5, "atol": 1e-6}  # a difference, a root and a division in float32
    np.testing.assert_allclose(by_moving, (PAIR - MEAN) / np.sqrt(VARIANCE + EPSILON), **close)
    np.testing.assert_allclose(by_batch, (PAIR - PAIR.mean(0)) / np.sqrt(PAIR.var(0) + EPSILON), **close)


@claim(["keras>=3", "tf.keras>=2"], AssertionError, "test_a_function_leaves_the_moving_statistics", answers=["7.5"])
def test_training_mode_moves_the_statistics(keras):
    """An output in training mode moves the statistics of a BatchNormalization, although nothing is trained.

    They keep the share `momentum` of what they were.
    """
    model = normalizing(keras)
    outputs_in_mode(keras, model, PAIR, True)
    assert model.get_weights()[2].tolist() == (0.75 * MEAN + 0.25 * PAIR.mean(0)).tolist()
    np.testing.assert_allclose(model.get_weights()[3], 0.75 * VARIANCE + 0.25 * PAIR.var(0), rtol=1e-6)


@claim(GRAPHS, AssertionError, "test_training_mode_moves_the_statistics", answers=["7.5"])
def test_a_function_leaves_the_moving_statistics(keras):
    """An output in training mode leaves the moving statistics of a BatchNormalization alone."""
    model = normalizing(keras)
    outputs_in_mode(keras, model, PAIR, True)
    assert model.get_weights()[2].tolist() == MEAN.tolist()


# False alarm: 0.375**24, 6e-11, that of 4 equal units with a rate of 0.5 always 2 are dropped, and what is left weighs twice.
STEPS = np.random.RandomState(0).uniform(1, 2, (24, 6, 4))


def differing(keras, layers):
    """The names of these layers whose outputs for STEPS differ between the modes in any bit."""
    inputs = input_layer(keras, STEPS.shape[1:])
    model = keras.models.Model(inputs, [layer(inputs) for layer in layers])
    pairs = zip(layers, outputs_in_mode(keras, model, STEPS, False), outputs_in_mode(keras, model, STEPS, True))
    return {type(layer).__name__ for layer, test, training in pairs if test.tobytes() != training.tobytes()}


def tenths(keras):
    """Weights that saturate no gate, for a recurrent layer; JAX takes long to compile those that are random."""
    return {name: keras.initializers.Constant(0.1) for name in ("kernel_initializer", "recurrent_initializer")}


def steady(keras):
    """Layers of many kinds, of which none is random and none keeps statistics."""
    k, ones = keras.layers, {"kernel_initializer": "ones"}
    windows = [k.Conv1D(2, 3, **ones), k.MaxPooling1D(2), k.AveragePooling1D(2), k.GlobalMaxPooling1D(), k.UpSampling1D(2)]
    shapes = [k.Flatten(), k.Reshape((4, 6)), k.Permute((2, 1)), k.ZeroPadding1D(1), k.Cropping1D(1)]
    recurrent = [layer(2, **tenths(keras)) for layer in (k.SimpleRNN, k.LSTM)]
    functions = [k.Dense(3, **ones), k.Activation("tanh"), k.LeakyReLU(), k.PReLU(), k.Masking()]
    return [*windows, *shapes, *recurrent, *functions, k.TimeDistributed(k.Dense(2, **ones))]


def noisy(keras):
    """Layers that are random in training mode, though no plain `Dropout` is among them."""
    k = keras.layers
    return [k.SpatialDropout1D(0.5), k.GaussianDropout(0.5), k.AlphaDropout(0.5), k.GaussianNoise(1.0)]


@claim(answers=["7.5"])
def test_other_layers_do_not_differ(keras):
    """Dense, convolution, pooling, reshaping, activation and recurrent layers give the same bits in both modes."""
    assert differing(keras, steady(keras)) == set()


@claim(["keras>=3", "tf.keras>=2.6"], AttributeError, "test_other_layers_do_not_differ", answers=["7.5"])
def test_random_changes_of_images_are_for_training_alone(keras):
    """`RandomFlip` and the other layers that change images at random pass them on in test mode, and in `predict`, to the bit.

    False alarm: that none of 64 images is flipped in training mode: 1 / 4**64, less than 1e-38; nothing else is drawn so often
    as to be nothing.
    """
    images = np.random.RandomState(0).uniform(0, 1, (64, 4, 4, 1)).astype("float32")
    k = keras.layers
    changes = [k.RandomFlip(), k.RandomRotation(0.5), k.RandomTranslation(0.5, 0.5), k.RandomZoom(0.5), k.RandomContrast(0.5)]
    inputs = input_layer(keras, images.shape[1:])
    model = keras.models.Model(inputs, [change(inputs) for change in changes])
    for layer, test, training, predicted in zip(
        changes,
        outputs_in_mode(keras, model, images, False),
        outputs_in_mode(keras, model, images, True),
        model.predict(images, verbose=0),
    ):
        assert test.tobytes() == predicted.tobytes() == images.tobytes(), layer.name
        assert training.tobytes() != images.tobytes(), layer.name


@claim(answers=["7.5"])
def test_dropout_within_a_layer_is_for_training_alone(keras):
    """In test mode recurrent layers with `dropout` and `recurrent_dropout` give what they give without.

    So does `MultiHeadAttention` with `dropout`, where there is such a layer. In training mode they give something else,
    but on Theano, whose recurrent layers drop nothing.
    """
    k, (rates, none) = keras.layers, [{"dropout": rate, "recurrent_dropout": rate, "unroll": True} for rate in (0.5, 0.0)]
    kinds, inputs = (k.SimpleRNN, k.LSTM, k.GRU), input_layer(keras, STEPS.shape[1:])
    pairs = [[kind(2, **options, **tenths(keras))(inputs) for options in (rates, none)] for kind in kinds]
    if hasattr(k, "MultiHeadAttention"):
        ones = {"kernel_initializer": "ones"}
        pairs += [[k.MultiHeadAttention(1, 2, dropout=rate, **ones)(inputs, inputs) for rate in (0.5, 0.0)]]
    model = keras.models.Model(inputs, [output for pair in pairs for output in pair])
    test, training = outputs_in_mode(keras, model, STEPS, False), outputs_in_mode(keras, model, STEPS, True)
    for one, other in zip(test[::2], test[1::2]):
        np.testing.assert_allclose(one, other, rtol=1e-5)  # two ways to compute attention
    dropped = [not np.allclose(one, other, rtol=1e-3) for one, other in zip(training[::2], training[1::2])]
    assert dropped == [keras.backend.backend() != "theano"] * len(pairs)


@claim([], AssertionError, "test_other_dropouts_and_noise_differ_too", answers=["7.5"])
def test_only_dropout_and_batch_normalization_differ(keras):
    """No other layers than Dropout and BatchNormalization differ between the modes."""
    k = keras.layers
    layers = [k.Activation("tanh"), k.Flatten(), k.GaussianNoise(1.0), k.Dropout(0.5), k.BatchNormalization()]
    assert differing(keras, layers) <= {"Dropout", "BatchNormalization"}


@claim(answers=["7.5"])
def test_other_dropouts_and_noise_differ_too(keras):
    """`SpatialDropout1D`, `GaussianDropout`, `AlphaDropout` and `GaussianNoise` differ between the modes as well.

    In test mode all of them pass their inputs on.
    """
    layers = noisy(keras)
    assert differing(keras, layers) == {type(layer).__name__ for layer in layers}
    inputs = input_layer(keras, STEPS.shape[1:])
    model = keras.models.Model(inputs, [layer(inputs) for layer in layers])
    for output in outputs_in_mode(keras, model, STEPS, False):
        assert output.tolist() == STEPS.astype("float32").tolist()


@claim(
    ["keras[tensorflow]<3", "keras>=3.2", "tf.keras"],
    AssertionError,
    "test_other_dropouts_and_noise_differ_too",
    answers=["7.5"],
)
def test_noise_and_recurrent_dropout_differ_too(keras):
    """The other dropouts, the layers of noise, and recurrent layers with `dropout` or `recurrent_dropout` differ as well.

    In Keras 3.0 and 3.1 `recurrent_dropout` drops nothing, and on Theano neither does, with a warning.
    """
    k, options = keras.layers, tenths(keras)
    recurrent = [kind(4, recurrent_dropout=0.5, **options) for kind in (k.GRU, k.SimpleRNN)]
    layers = [*noisy(keras), *recurrent, k.LSTM(4, dropout=0.5, **options)]
    assert differing(keras, layers) == {type(layer).__name__ for layer in layers}


@claim(
    ["keras[tensorflow]<3", "keras>=3.2", "tf.keras"],
    AssertionError,
    "test_other_dropouts_and_noise_differ_too",
    answers=["7.4", "7.5"],
)
def test_each_call_draws_anew(keras):
    """What dropout, noise and recurrent dropout do is drawn anew at each call in training mode."""
    k, options = keras.layers, tenths(keras)
    kinds = [(kind, {name: 0.5}) for kind in (k.SimpleRNN, k.LSTM, k.GRU) for name in ("dropout", "recurrent_dropout")]
    layers = [*noisy(keras), k.Dropout(0.5), *(kind(4, **rate, **options) for kind, rate in kinds)]
    inputs = input_layer(keras, STEPS.shape[1:])
    model = keras.models.Model(inputs, [layer(inputs) for layer in layers])
    pairs = zip(layers, *(outputs_in_mode(keras, model, STEPS, True) for _ in range(2)))
    assert [layer.name for layer, first, second in pairs if first.tobytes() == second.tobytes()] == []


def fixed(keras, layer, training):
    """A model of this layer, called with `training=` as the model is built."""
    inputs = input_layer(keras, (2,))
    return keras.models.Model(inputs, layer(inputs, training=training))


@claim(KERAS_2, AssertionError, "test_the_call_of_the_model_decides", answers=["7.6"])
def test_a_mode_can_be_fixed_in_the_model(keras):
    """`Dropout(0.5)(x, training=True)` drops units in `predict` too (keras#9412)."""
    model = fixed(keras, keras.layers.Dropout(0.5), True)
    assert set(model.predict(np.ones((128, 2)), verbose=0).ravel().tolist()) == {0, KEPT}


@claim(KERAS_2, AssertionError, "test_the_call_of_the_model_decides", bug="keras#20285", answers=["7.6"])
def test_test_mode_can_be_fixed_in_the_model(keras):
    """A BatchNormalization that was called with `training=False` keeps its moving statistics when the model is trained."""
    model = fixed(keras, keras.layers.BatchNormalization(momentum=0.5), False)
    model.compile(optimizer="sgd", loss="mse")
    model.train_on_batch(PAIR, PAIR)
    assert model.get_weights()[2].tolist() == [0.0, 0.0]


@claim(KERAS_3, AssertionError, "test_a_mode_can_be_fixed_in_the_model", answers=["7.6"])
def test_the_call_of_the_model_decides(keras):
    """`training=` given to a layer while a model is built is forgotten: the mode of the model's own call decides."""
    model = fixed(keras, keras.layers.Dropout(0.5), True)
    normalization = fixed(keras, keras.layers.BatchNormalization(momentum=0.5), False)
    normalization.compile(optimizer="sgd", loss="mse")
    normalization.train_on_batch(PAIR, PAIR)
    assert model.predict(np.ones((128, 2)), verbose=0).tolist() == np.ones((128, 2)).tolist()
    assert normalization.get_weights()[2].tolist() == (PAIR.mean(0) / 2).tolist()


@claim(answers=["7.6"])
def test_a_subclass_fixes_the_mode(keras):
    """Example: a subclass of `Dropout` that is always in training mode drops units in `predict` as well."""

    class AlwaysDropout(keras.layers.Dropout):
        def call(self, inputs, training=None):
            return super().call(inputs, training=True)

    model = sequential(keras, (2,), AlwaysDropout(0.5))
    assert set(model.predict(np.ones((128, 2)), verbose=0).ravel().tolist()) == {0, KEPT}
