"""Why is the training loss higher than the test loss?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from fixtures.claims import claim
from fixtures.figures import lines
from fixtures.losses import descend, descent, in_training, slope, still, unlearning
from fixtures.models import sequential, sgd

BY_SAMPLES, BY_BATCHES = ["keras<3", "keras>=3.2", "tf.keras"], ["keras>=3,<3.2"]
ONES = np.ones((8, 1))
NUMBERS = np.arange(1.0, 6)[:, None]
NOT_THEANO = [f"keras[{backend}]" for backend in ("tensorflow", "jax", "torch", "openvino")] + ["tf.keras"]
rates = st.sampled_from([0.1, 0.25, 0.5, 0.8])


def close_to(losses):
    """These losses, to float32's precision."""
    return pytest.approx(losses, rel=1e-6)


@claim(answers=["6.3"], examples=3)
@given(batches=st.integers(1, 4), epochs=st.integers(1, 3))
@example(batches=3, epochs=2)
def test_averages_over_a_moving_model(keras, batches, epochs):
    """An epoch's training loss is the mean of its batches' losses, each taken before that batch is learned from.

    Here each batch lowers the loss by 1. Public threads that ask: keras#503, keras#6977.
    """
    reported = descend(keras, 2 * batches, batch_size=2, epochs=epochs)["loss"]
    assert reported == close_to([-epoch * batches - (batches - 1) / 2 for epoch in range(epochs)])


@claim(BY_SAMPLES, AssertionError, "test_weighs_all_batches_alike", answers=["6.3"], examples=3)
@given(batches=st.integers(1, 4), epochs=st.integers(1, 2))
@example(batches=2, epochs=2)
def test_weighs_a_batch_by_its_samples(keras, batches, epochs):
    """In this mean a batch counts by its samples: a last batch of half the size counts half."""
    reported = descend(keras, 2 * batches + 1, batch_size=2, epochs=epochs)["loss"]
    sizes = [2] * batches + [1]
    starts = [epoch * (batches + 1) for epoch in range(epochs)]
    assert reported == close_to([-np.average(np.arange(batches + 1) + start, weights=sizes) for start in starts])


@claim(BY_SAMPLES, AssertionError, "test_weighs_all_batches_alike", answers=["6.3"], examples=3)
@given(samples=st.integers(1, 5), batch_size=st.integers(1, 4))
@example(samples=5, batch_size=2)
@example(samples=5, batch_size=32)
def test_tests_the_mean_over_the_samples(keras, samples, batch_size):
    """`evaluate` returns the mean over all samples, whatever the batch size, a smaller last batch included."""
    loss = still(keras).evaluate(NUMBERS[:samples], NUMBERS[:samples], batch_size=batch_size, verbose=0)[0]
    assert loss == close_to(np.mean(NUMBERS[:samples] ** 2))


@claim(BY_BATCHES, AssertionError, "test_weighs_a_batch_by_its_samples", answers=["6.3"], examples=3)
@given(batches=st.integers(1, 4))
def test_weighs_all_batches_alike(keras, batches):
    """Each batch counts the same in the mean, in training as in `evaluate`: a last batch of half the size as the others."""
    reported = descend(keras, 2 * batches + 1, batch_size=2)["loss"]
    losses = [4.0] * batches + [1.0]
    targets = np.sqrt([4.0] * 2 * batches + [1.0])[:, None]
    assert reported == close_to([-batches / 2])
    assert still(keras).evaluate(0 * targets, targets, batch_size=2, verbose=0)[0] == close_to(np.mean(losses))


@claim(answers=["6.4"], examples=3)
@given(batches=st.integers(1, 4), epochs=st.integers(1, 3))
@example(batches=3, epochs=2)
def test_validates_at_the_end_of_the_epoch(keras, batches, epochs):
    """`val_loss` is computed with the weights at the end of its epoch, when the model has learned from every batch."""
    history = descend(keras, 2 * batches, batch_size=2, epochs=epochs, validation_data=(ONES, ONES))
    assert history.get("val_loss") == close_to([-float(epoch * batches) for epoch in range(1, epochs + 1)])


@claim(varies_on=["tf.keras<2"], otherwise=Flaky, answers=["6.4"], examples=2)
@given(factor=st.floats(1, 8, width=32), epochs=st.integers(1, 3))
@example(factor=2.0, epochs=3)
def test_validates_as_evaluate_does(keras, factor, epochs):
    """The last `val_loss` is, to the bit, what `evaluate` returns right after on the same data, in batches of the same size.

    TensorFlow 1.15 shuffles what it validates, so that the sum is rounded otherwise.
    """
    numbers = NUMBERS[:4]
    model, held = descent(keras), (factor * numbers, numbers / 3)
    history = model.fit(ONES, ONES, batch_size=2, epochs=epochs, validation_data=held, verbose=0).history
    loss = model.evaluate(*held, batch_size=2, verbose=0)
    assert history.get("val_loss", [])[-1:] == [loss]
    assert loss == close_to(-4 * epochs * factor * np.mean(numbers**2) / 3)


@claim(answers=["6.5"], examples=3)
@given(batches=st.integers(1, 4), epochs=st.integers(1, 3))
@example(batches=4, epochs=2)
def test_exceeds_the_validation_loss_while_the_model_improves(keras, evidence, batches, epochs):
    """A model that improves in the epoch has a training loss above its `val_loss` even where both are of the same data.

    Each batch lowers the loss by 1, so that the gap is half the number of batches and a half.
    """
    data = np.ones((2 * batches, 1)), np.ones((2 * batches, 1))
    history = descend(keras, 2 * batches, batch_size=2, epochs=epochs, validation_data=data)
    evidence("losses on the same data", lines("epoch", "loss", training=history["loss"], validation=history["val_loss"]))
    assert np.subtract(history["loss"], history["val_loss"]).tolist() == close_to([(batches + 1) / 2] * epochs)


@claim(answers=["6.5"])
def test_falls_below_the_validation_loss_while_the_model_gets_worse(keras):
    """A model that gets worse, its learning rate too large, has a training loss below its `val_loss` on the same data."""
    model, ones = slope(keras, rate=1.5), np.ones((4, 1))  # each batch takes the error, at first 1, times -2
    model.set_weights([np.full((1, 1), 2.0)])
    history = model.fit(ones, ones, batch_size=2, epochs=2, validation_data=(ones, ones), verbose=0).history
    assert history["loss"] == close_to([(1 + 4) / 2, (16 + 64) / 2])
    assert history["val_loss"] == close_to([16, 256])


@claim(answers=["6.5"])
def test_equals_the_validation_loss_where_nothing_is_learned(keras):
    """Without learning, and without layers that behave differently in training, both losses are equal on the same data."""
    data = NUMBERS[:4], NUMBERS[:4]
    history = still(keras).fit(*data, batch_size=2, epochs=2, validation_data=data, verbose=0).history
    assert history["loss"] == history["val_loss"] == close_to([np.mean(NUMBERS[:4] ** 2)] * 2)


@claim(answers=["6.1"])
def test_drops_in_training_only(keras):
    """`Dropout` is active in the training loss, and neither in `val_loss` nor in `evaluate`, on the same data.

    At a rate of 0.5 an activation of 1 becomes 0 or 2: off by exactly 1. See keras#6977 and keras#12681. It is so wherever
    the layer is: here in a `TimeDistributed` one in a model within a `Sequential`, too.
    """
    layers, targets = keras.layers, np.ones((8, 64))
    steps = layers.Reshape((4, 16)), layers.TimeDistributed(layers.Dropout(0.5)), layers.Flatten()
    first = layers.Dense(64, use_bias=False, kernel_initializer="ones", input_shape=(1,))
    nested = keras.models.Sequential([first, sequential(keras, (64,), *steps)])
    nested.compile(optimizer=sgd(keras, rate=0.0), loss="mse")
    for model in (unlearning(keras, "Dropout", rate=0.5), nested):
        history = model.fit(ONES, targets, epochs=2, validation_data=(ONES, targets), verbose=0).history
        assert history["loss"] == [1.0, 1.0]
        assert history["val_loss"] == [0.0, 0.0]
        assert model.evaluate(ONES, targets, verbose=0) == 0.0


@claim(answers=["6.1"], examples=3)
@given(rate=rates)
def test_scales_up_what_dropout_keeps(keras, evidence, rate):
    """In training `Dropout(rate)` sets that share of the activations to 0 and multiplies the others by `1 / (1 - rate)`.

    False alarm, by Hoeffding's bound for 40000 activations: 2 * exp(-80000 * 0.0175**2), 5e-11.
    """
    outputs = in_training(keras, keras.layers.Dropout(rate, seed=1), np.ones((200, 200)))
    dropped = outputs == 0
    evidence("rate, share dropped", [rate, round(float(dropped.mean()), 3)])
    assert outputs[~dropped].tolist() == close_to([1 / (1 - rate)] * int((~dropped).sum()))
    assert abs(dropped.mean() - rate) < 0.0175


@claim(needs=["training"], answers=["6.1"])
def test_drops_for_each_sample_anew(keras):
    """`Dropout` draws for each sample, and for each batch anew.

    False alarm: that two of nine draws of 200 activations are equal, 36 / 2**200.
    """
    layer = keras.layers.Dropout(0.5)
    rows = np.concatenate([in_training(keras, layer, np.ones((3, 200))) for _ in range(3)])
    assert len(set(map(bytes, rows))) == 9


@claim(answers=["6.1"])
def test_predicts_without_dropout(keras):
    """`predict` and `predict_on_batch` know no `Dropout`: they return, to the bit, what the model without it does."""
    model, plain = unlearning(keras, "Dropout", rate=0.5), unlearning(keras)
    expected = plain.predict(NUMBERS, verbose=0)
    np.testing.assert_array_equal(expected, NUMBERS.repeat(64, axis=1))
    for outputs in [model.predict(NUMBERS, verbose=0), model.predict_on_batch(NUMBERS)] * 2:
        np.testing.assert_array_equal(outputs, expected)


def with_and_without_dropout(keras, kind):
    """What a recurrent layer that drops gives in training and in testing, and one that does not; `(1, 2)` each."""
    batch, layer = np.ones((1, 3, 64), "float32"), getattr(keras.layers, kind)(2, dropout=0.5, recurrent_dropout=0.5)
    models = [sequential(keras, (3, 64), one) for one in (layer, getattr(keras.layers, kind)(2))]
    models[1].set_weights(models[0].get_weights())
    return [in_training(keras, layer, batch), *(np.asarray(model.predict_on_batch(batch)) for model in models)]


@claim(
    NOT_THEANO, AssertionError, "test_recurrent_layers_drop_nothing", needs=["float32"], answers=["6.1"], examples=2
)  # fmt: skip
@given(kind=st.sampled_from(["LSTM", "GRU"]))
def test_recurrent_layers_drop_in_training_only(keras, kind):
    """The `dropout` of an `LSTM` and of a `GRU` is active in training, and neither it nor `recurrent_dropout` in testing."""
    trained, tested, plain = with_and_without_dropout(keras, kind)
    np.testing.assert_allclose(tested, plain, rtol=1e-5)  # they may be computed in another order
    assert not np.array_equal(trained, tested)


@claim(["keras[theano]"], AssertionError, "test_recurrent_layers_drop_in_training_only", answers=["6.1"], examples=2)
@given(kind=st.sampled_from(["LSTM", "GRU"]))
def test_recurrent_layers_drop_nothing(keras, kind):
    """On Theano the `dropout` of an `LSTM` and of a `GRU` is not active in training either."""
    trained, tested, _ = with_and_without_dropout(keras, kind)
    np.testing.assert_array_equal(trained, tested)


NOISE = {
    "GaussianNoise": {"stddev": 1.0}, "GaussianDropout": {"rate": 0.5}, "SpatialDropout1D": {"rate": 0.5},
    "AlphaDropout": {"rate": 0.5},
}  # fmt: skip


@claim(answers=["6.1"], examples=4)
@given(name=st.sampled_from(sorted(NOISE)))
@example(name="GaussianNoise")
@example(name="GaussianDropout")
@example(name="SpatialDropout1D")
@example(name="AlphaDropout")
def test_adds_noise_in_training_only(keras, name):
    """`GaussianNoise`, `GaussianDropout` and `SpatialDropout1D` too change activations in training and pass them on in testing.

    So does `AlphaDropout`.
    False alarm: that of 1200 normal numbers 120 are lost in rounding, as less than 1e-7 is, 1e-600.
    """
    layer, batch = getattr(keras.layers, name)(**NOISE[name]), np.ones((2, 3, 200), "float32")
    assert (in_training(keras, layer, batch) != batch).mean() > 0.9
    inputs = keras.layers.Input(batch.shape[1:])
    np.testing.assert_array_equal(keras.models.Model(inputs, layer(inputs)).predict_on_batch(batch), batch)


@claim(answers=["6.1"], examples=2)
@given(name=st.sampled_from(["GaussianDropout", "GaussianNoise"]))
@example(name="GaussianDropout")
@example(name="GaussianNoise")
def test_draws_normal_noise(keras, name):
    """`GaussianNoise(s)` adds noise of standard deviation s; `GaussianDropout(r)` multiplies by 1 plus such noise.

    For the latter s² is `r / (1 - r)`. In either case the mean stays.
    False alarm: 7 standard errors of 40000 normal numbers, 4 * 1.3e-12.
    """
    option, deviation = (0.2, 0.5) if name == "GaussianDropout" else (0.5, 0.5 / 3)
    outputs = in_training(keras, getattr(keras.layers, name)(option), np.full((200, 200), 3.0))
    assert abs(outputs.mean() / 3 - 1) < 7 * deviation / 200
    assert abs(outputs.std() / 3 / deviation - 1) < 7 / 200 / 2**0.5


@claim(answers=["6.1"])
def test_drops_channels_whole(keras):
    """`SpatialDropout1D` drops a channel of a sample at all its steps or at none, `SpatialDropout2D` at all pixels."""
    outputs = in_training(keras, keras.layers.SpatialDropout1D(0.5), np.ones((2, 3, 200)))
    assert {tuple(steps) for sample in outputs for steps in sample.T.tolist()} == {(0, 0, 0), (2, 2, 2)}
    images = in_training(keras, keras.layers.SpatialDropout2D(0.5), np.ones((2, 2, 1, 200)))
    assert {tuple(pixels) for image in images for pixels in image.reshape(2, 200).T.tolist()} == {(0, 0), (2, 2)}
    images = in_training(keras, keras.layers.SpatialDropout2D(0.5, data_format="channels_first"), np.ones((2, 200, 1, 2)))
    assert {tuple(pixels) for image in images for pixels in image.reshape(200, 2).tolist()} == {(0, 0), (2, 2)}


@claim(answers=["6.1"])
def test_normalizes_by_the_batch_in_training_only(keras):
    """`BatchNormalization` makes such a gap too: training normalizes by the batch, testing by the moving statistics.

    The batch has mean 1 and variance 1, the moving statistics are 0 and 1 at first: keras#6014, keras#6977.
    """
    model = unlearning(keras, "BatchNormalization", epsilon=1e-3)
    model.layers[-1].set_weights([np.ones(64), np.zeros(64), np.zeros(64), np.ones(64)])
    data = np.array([[0.0], [2.0]] * 4), np.zeros((8, 64))
    test, training = model.evaluate(*data, verbose=0), model.fit(*data, verbose=0).history["loss"][0]
    assert [test, training] == close_to([2 / 1.001, 1 / 1.001])


@claim(answers=["6.R2"])
def test_plots_both_curves(keras, evidence):
    """Example: `History` holds both curves; where the training loss falls and the validation loss does not, the model overfits.

    Every sample has a feature of its own: what is learned of one helps with no other.
    """
    features, targets = np.eye(8), np.ones((8, 1))
    model = keras.models.Sequential([keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", input_shape=(8,))])
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    history = model.fit(features, targets, validation_split=0.5, epochs=6, verbose=0).history
    evidence("both curves", lines("epoch", "loss", training=history["loss"], validation=history["val_loss"]))
    assert history["loss"] == close_to([4.0**-epoch for epoch in range(6)])
    assert history["val_loss"] == [1.0] * 6


@claim(answers=["6.R2"])
def test_a_callback_sees_both_curves_as_they_grow(keras, evidence):
    """Example: a callback gets both losses at the end of each epoch, to plot them while `fit` goes on."""

    class Curves(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.training, self.validation = [], []

        def on_epoch_end(self, epoch, logs=None):
            self.training.append(logs["loss"])
            self.validation.append(logs["val_loss"])

    curves = Curves()
    history = descend(keras, 6, batch_size=2, epochs=4, validation_data=(ONES, ONES), callbacks=[curves])
    evidence("as they grew", lines("epoch", "loss", training=curves.training, validation=curves.validation))
    assert curves.training == history["loss"] == close_to([-1.0, -4.0, -7.0, -10.0])
    assert curves.validation == history["val_loss"] == close_to([-3.0, -6.0, -9.0, -12.0])


@claim(answers=["6.5"])
def test_compares_like_with_like_by_evaluate(keras):
    """Example: to compare training and test losses, evaluate both sets with the trained model, instead of reading `loss`."""
    inputs = np.linspace(-1, 1, 32)[:, None]
    model = keras.models.Sequential([keras.layers.Dense(1, kernel_initializer="zeros", input_shape=(1,))])
    model.compile(optimizer="sgd", loss="mse")
    reported = model.fit(inputs, 3 * inputs, batch_size=4, epochs=3, verbose=0).history["loss"][-1]
    training, test = (model.evaluate(x, 3 * x, verbose=0) for x in (inputs, inputs / 2))
    slope, offset = (weight.item() for weight in model.get_weights())
    assert training == pytest.approx(np.mean((slope * inputs + offset - 3 * inputs) ** 2), rel=1e-5)
    assert test < training < reported
