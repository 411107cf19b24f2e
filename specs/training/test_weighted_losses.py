"""What do sample weights and class weights do to the reported losses?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.losses import still
from fixtures.models import input_layer, reused, sequential, sgd, undecided_classifier

MODERN, OLD = ["keras>=2.3", "tf.keras"], ["keras<2.3"]
BY_SAMPLES, BY_BATCHES = ["keras>=2.3,<3", "keras>=3.2", "tf.keras"], ["keras>=3,<3.2"]
BY_CLASS = ["tf.keras>=2,<2.2"]  # where `class_weight` weighs validation too
INPUTS = np.zeros((5, 1))
TARGETS = np.arange(1.0, 6)[:, None]
LOSSES = TARGETS[:, 0] ** 2  # of each sample, by a model that answers 0
LABELS = np.array([0, 0, 0, 1, 0])

some = st.integers(1, 5)
weightings = st.tuples(st.integers(0, 5), some, st.integers(0, 5), some, some)  # of each batch of two one weight is not 0
UNEVEN = (0, 1, 0, 3, 2)


def close_to(loss):
    """This loss, to float32's precision."""
    return pytest.approx(loss, rel=1e-6)


def reported(keras, weights, batch_size=2):
    """The losses that `fit` and `evaluate` report with these sample weights."""
    options = {"sample_weight": np.array(weights, float), "batch_size": batch_size, "verbose": 0}
    history = still(keras, weighted=True).fit(INPUTS, TARGETS, shuffle=False, **options).history
    return history["loss"] + still(keras, weighted=True).evaluate(INPUTS, TARGETS, **options)[:1]


INSTEAD = ["test_divides_by_the_samples_whose_weight_is_not_zero", "test_divides_by_the_number_of_samples_of_each_batch"]


@claim(BY_SAMPLES, AssertionError, INSTEAD, answers=["6.3"], examples=3)
@given(weights=weightings)
@example(weights=UNEVEN)
def test_divides_by_the_number_of_samples(keras, weights):
    """A loss with sample weights is the sum of the weighted losses by the number of samples, those of weight 0 included.

    For training as for testing: the mean is not the weighted one that keras#13329 and keras#19740 expect.
    """
    assert reported(keras, weights) == close_to([np.sum(weights * LOSSES) / 5] * 2)


BATCHES = [slice(0, 2), slice(2, 4), slice(4, 5)]


@claim(BY_BATCHES, AssertionError, ["test_divides_by_the_number_of_samples", INSTEAD[0]], answers=["6.3"], examples=3)
@given(weights=weightings)
@example(weights=UNEVEN)
def test_divides_by_the_number_of_samples_of_each_batch(keras, weights):
    """A loss with sample weights is divided, in each batch, by the number of its samples, and all batches count alike."""
    assert reported(keras, weights) == close_to([np.mean([np.mean((weights * LOSSES)[batch]) for batch in BATCHES])] * 2)


@claim(
    OLD, AssertionError, ["test_divides_by_the_number_of_samples", "test_divides_by_the_number_of_samples_of_each_batch"],
    answers=["6.3"], examples=3,
)  # fmt: skip
@given(weights=weightings)
@example(weights=UNEVEN)
def test_divides_by_the_samples_whose_weight_is_not_zero(keras, weights):
    """A loss with sample weights is divided, in each batch, by the number of its samples whose weight is not 0."""
    means = [np.sum((weights * LOSSES)[batch]) / np.count_nonzero(weights[batch]) for batch in BATCHES]
    assert reported(keras, weights) == close_to([np.average(means, weights=[2, 2, 1])] * 2)


@claim(holds_on=[], otherwise=AssertionError, instead="test_grows_with_the_weights", answers=["6.3"], examples=2)
@given(weights=weightings)
@example(weights=(2, 2, 2, 2, 2))
def test_divides_by_the_sum_of_the_weights(keras, weights):
    """A loss with sample weights is their weighted mean: it is divided by their sum."""
    assert reported(keras, weights, batch_size=5) == close_to([np.average(LOSSES, weights=weights)] * 2)


@claim(answers=["6.3"], examples=2)
@given(weight=st.integers(1, 8))
@example(weight=3)
def test_grows_with_the_weights(keras, weight):
    """Sample weights that are all w multiply the loss by w, rather than to leave it alone as in a weighted mean."""
    assert reported(keras, (weight,) * 5, batch_size=5) == close_to([weight * LOSSES.mean()] * 2)


@claim(
    holds_on=["keras>=3.7"], otherwise=(AttributeError, ValueError), instead="test_grows_with_the_weights",
    answers=["6.3"], examples=2,
)  # fmt: skip
@given(weights=weightings)
@example(weights=UNEVEN)
def test_divides_by_their_sum_on_demand(keras, weights):
    """`MeanSquaredError(reduction="mean_with_sample_weight")` is divided by the sum of the batch's weights: keras#20410."""
    model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False))
    model.compile(optimizer="sgd", loss=keras.losses.MeanSquaredError(reduction="mean_with_sample_weight"))
    loss = model.evaluate(INPUTS, TARGETS, sample_weight=np.array(weights, float), verbose=0)
    assert loss == close_to(np.average(LOSSES, weights=weights))


@claim(answers=["6.3"], examples=2)
@given(weights=weightings)
@example(weights=UNEVEN)
def test_metrics_know_no_weights(keras, weights):
    """What is compiled as `metrics` takes no notice of sample weights: it is the plain mean over the samples."""
    options = {"sample_weight": np.array(weights, float), "batch_size": 2, "verbose": 0}
    assert still(keras, weighted=True).evaluate(INPUTS, TARGETS, **options)[1] == close_to(3.0)


@claim(
    holds_on=MODERN,
    otherwise=AssertionError,
    instead="test_weighted_metrics_are_weighted_as_losses",
    answers=["12.1"],
    examples=2,
)
@given(weights=weightings)
@example(weights=UNEVEN)
def test_weighted_metrics_are_divided_by_the_sum_of_the_weights(keras, weights):
    """What is compiled as `weighted_metrics` is the weighted mean over the samples: divided by the sum of their weights."""
    options = {"sample_weight": np.array(weights, float), "batch_size": 2, "verbose": 0}
    assert still(keras, weighted=True).evaluate(INPUTS, TARGETS, **options)[2] == close_to(np.average(LOSSES, weights=weights))
    numbers = twice_weighted(keras).evaluate(INPUTS, TARGETS, **options)[1:]
    assert sorted(numbers) == close_to([np.average(error, weights=weights) for error in (TARGETS[:, 0], LOSSES)])


@reused
def twice_weighted(keras):
    """A model that answers 0 and has two weighted metrics, the squared and the absolute error."""
    model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"))
    model.compile(optimizer=sgd(keras, rate=0.0), loss="mse", weighted_metrics=["mse", "mae"])
    return model


def plain_and_weighted(keras):
    """What `evaluate` gives of one metric that is compiled both ways: its plain mean over the samples, its weighted one."""
    model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"))
    model.compile(optimizer=sgd(keras, rate=0.0), loss="mse", metrics=["mse"], weighted_metrics=["mse"])
    return model.evaluate(INPUTS, TARGETS, sample_weight=np.array([0.0, 0, 0, 0, 2]), batch_size=5, verbose=0)[1:]


REPEATED = "test_evaluate_repeats_a_metric_that_is_compiled_both_ways"


@claim(["keras<3.2", "tf.keras"], AssertionError, REPEATED, answers=["12.1"])
def test_a_metric_may_be_compiled_both_ways(keras):
    """Of a metric among `metrics` and `weighted_metrics`, `evaluate` gives the plain mean, then the weighted one."""
    by_the_weights, as_the_loss = 25, 50  # Keras 2.2 divides it as it divides the loss
    assert plain_and_weighted(keras) in ([close_to(11), close_to(weighted)] for weighted in (by_the_weights, as_the_loss))


@claim(["keras>=3.2"], AssertionError, "test_a_metric_may_be_compiled_both_ways", answers=["12.1"])
def test_evaluate_repeats_a_metric_that_is_compiled_both_ways(keras):
    """Of a metric among `metrics` and `weighted_metrics`, `evaluate` gives the plain mean twice, then the weighted one."""
    assert plain_and_weighted(keras) == close_to([11, 11, 25])


@claim(
    holds_on=OLD,
    otherwise=AssertionError,
    instead="test_weighted_metrics_are_divided_by_the_sum_of_the_weights",
    answers=["12.1"],
    examples=2,
)
@given(weights=weightings)
@example(weights=UNEVEN)
def test_weighted_metrics_are_weighted_as_losses(keras, weights):
    """What is compiled as `weighted_metrics` is weighted and divided like the loss: the same function gives the same value."""
    options = {"sample_weight": np.array(weights, float), "batch_size": 2, "verbose": 0}
    loss, _, weighted = still(keras, weighted=True).evaluate(INPUTS, TARGETS, **options)
    assert weighted == close_to(loss)


def weighed_pair(keras, weights):
    """The loss and the weighted absolute errors of two outputs of 0, for targets of 2 and 2, and of 4 and 1."""
    inputs, zeros = input_layer(keras, (1,)), {"use_bias": False, "kernel_initializer": "zeros"}
    names = ("upper", "lower")  # the alphabet has the second first
    model = keras.models.Model(inputs, [keras.layers.Dense(1, name=name, **zeros)(inputs) for name in names])
    model.compile(optimizer=sgd(keras), loss="mse", weighted_metrics=dict.fromkeys(names, "mae"))
    targets = [np.array([[2.0], [2.0]]), np.array([[4.0], [1.0]])]
    history = model.fit(np.zeros((2, 1)), targets, sample_weight=weights, verbose=0).history
    errors = {name: entries[0] for name, entries in history.items() if not name.endswith("loss")}
    return [history["loss"][0], *(errors[name] for start in names for name in errors if name.startswith(start))]


@claim(["keras>=3", "tf.keras>=2.2"], TypeError, "test_several_outputs_want_weights_each", answers=["6.3"])
def test_one_array_of_weights_is_for_all_outputs(keras):
    """With several outputs one array of sample weights weighs the losses and the weighted metrics of all of them.

    A list has an array for each, in a row or in a column.
    """
    weights = np.array([1.0, 3.0])
    assert weighed_pair(keras, weights) == close_to([(4 + 12) / 2 + (16 + 3) / 2, 2.0, (4 + 3) / 4])
    each = [weights, np.array([[3.0], [1.0]])]
    assert weighed_pair(keras, each) == close_to([(4 + 12) / 2 + (48 + 1) / 2, 2.0, (12 + 1) / 4])


@claim(["keras<3", "tf.keras<2.2"], pytest.fail.Exception, "test_one_array_of_weights_is_for_all_outputs", answers=["6.3"])
def test_several_outputs_want_weights_each(keras):
    """With several outputs one array of sample weights is refused with a TypeError that asks for a list or a dictionary."""
    with pytest.raises(TypeError, match="list or a dict"):
        weighed_pair(keras, np.array([1.0, 3.0]))


@claim(answers=["6.3"], examples=2)
@given(first=some, second=some)
@example(first=2, second=5)
def test_class_weights_multiply_the_training_loss(keras, first, second):
    """`class_weight` multiplies each sample's training loss by its class's weight; the mean stays the one over samples."""
    model = undecided_classifier(keras, classes=2)
    weights, expected = {0: first, 1: second}, np.log(2) * (4 * first + second) / 5
    history = model.fit(INPUTS, LABELS, class_weight=weights, batch_size=5, verbose=0).history
    assert history["loss"] == close_to([expected])
    model = undecided_classifier(keras, classes=2)
    assert np.ravel(model.train_on_batch(INPUTS, LABELS, class_weight=weights))[0] == close_to(expected)
    for labels in (LABELS[:, None], np.eye(2)[LABELS]):
        model = undecided(keras, labels.shape[1])
        assert model.fit(INPUTS, labels, class_weight=weights, verbose=0).history["loss"] == close_to([expected])


@reused
def undecided(keras, outputs):
    """A classifier of two classes that gives each a half, and never learns: one output is that for the second class."""
    activation, loss = ("softmax", "categorical_crossentropy") if outputs > 1 else ("sigmoid", "binary_crossentropy")
    model = sequential(keras, (1,), keras.layers.Dense(outputs, activation=activation, kernel_initializer="zeros"))
    model.compile(optimizer=sgd(keras, rate=0.0), loss=loss)
    return model


def losses_of_datasets(keras):
    """The losses that `fit` reports of a `tf.data.Dataset` with class weights of 2 and 5, for three kinds of labels."""
    import tensorflow as tf

    cases = [(undecided_classifier(keras, classes=2), LABELS)]
    cases += [(undecided(keras, labels.shape[1]), labels) for labels in (LABELS[:, None], np.eye(2)[LABELS])]
    options, losses = {"class_weight": {0: 2.0, 1: 5.0}, "verbose": 0}, []
    for model, labels in cases:
        batches = tf.data.Dataset.from_tensor_slices((INPUTS, labels)).batch(5)
        losses += model.fit(batches, **options).history["loss"]
    return losses


@claim(
    ["keras>=3", "tf.keras>=2.1"], (AssertionError, AttributeError),
    ["test_class_weights_forget_datasets", "test_class_weights_multiply_the_training_loss"],
    needs=["tensorflow"], answers=["6.3"],
)  # fmt: skip
def test_class_weights_multiply_the_loss_of_a_dataset(keras):
    """`class_weight` weighs the batches of a `tf.data.Dataset` too, be its labels numbers, a column or one-hot rows."""
    assert losses_of_datasets(keras) == close_to([np.log(2) * (4 * 2 + 5) / 5] * 3)


@claim(
    ["tf.keras<2.1"], (AssertionError, AttributeError),
    ["test_class_weights_multiply_the_loss_of_a_dataset", "test_class_weights_multiply_the_training_loss"],
    needs=["tensorflow"], answers=["6.3"],
)  # fmt: skip
def test_class_weights_forget_datasets(keras):
    """`class_weight` is ignored, without a word, where the data is a `tf.data.Dataset`."""
    assert losses_of_datasets(keras) == close_to([np.log(2)] * 3)


@claim(holds_on=["keras>=3"], otherwise=ValueError, instead="test_refuses_to_leave_a_class_out", answers=["6.3"])
def test_a_class_that_is_left_out_weighs_one(keras):
    """A class that `class_weight` leaves out weighs 1, in arrays as, on TensorFlow, in a `tf.data.Dataset`."""
    model, expected = undecided_classifier(keras, classes=2), np.log(2) * (4 * 1 + 5) / 5
    data = [(INPUTS, LABELS)]
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        data.append((tf.data.Dataset.from_tensor_slices((INPUTS, LABELS)).batch(5),))
    for source in data:
        assert model.fit(*source, class_weight={1: 5.0}, verbose=0).history["loss"] == close_to([expected])
    assert model.train_on_batch(INPUTS, LABELS, class_weight={1: 5.0}) == close_to(expected)


@claim(["keras<3", "tf.keras"], pytest.fail.Exception, "test_a_class_that_is_left_out_weighs_one", answers=["6.3"])
def test_refuses_to_leave_a_class_out(keras):
    """A `class_weight` that leaves out a class of the data, the first, is refused with a ValueError."""
    with pytest.raises(ValueError, match="class_weight"):
        undecided_classifier(keras, classes=2).fit(INPUTS, LABELS, class_weight={1: 5.0}, verbose=0)


def weighed_by_class(keras, *weights):
    """What is reported of five equal losses, one of them of a class of weight 5, the others of weight 2, in training too."""
    data, options = (INPUTS, LABELS), {"class_weight": {0: 2.0, 1: 5.0}, "batch_size": 5, "verbose": 0}
    history = undecided_classifier(keras, classes=2).fit(*data, validation_data=(*data, *weights), **options).history
    assert history["loss"] == close_to([np.log(2) * 13 / 5])
    return history["val_loss"]


@claim(["keras", "tf.keras<2", "tf.keras>=2.2"], AssertionError, "test_class_weights_weigh_validation_too", answers=["6.4"])
def test_class_weights_leave_validation_alone(keras):
    """`class_weight` does not weigh `val_loss`, so that this alone makes a gap.

    keras#5616 asks for it, and keras#8591 has the maintainers' no."""
    assert weighed_by_class(keras) == close_to([np.log(2)])


@claim(BY_CLASS, AssertionError, "test_class_weights_leave_validation_alone", answers=["6.4"])
def test_class_weights_weigh_validation_too(keras):
    """`class_weight` weighs `val_loss` too, and multiplies the weights that the validation data brings."""
    assert weighed_by_class(keras) == close_to([np.log(2) * 13 / 5])
    assert weighed_by_class(keras, np.array([1.0, 1.0, 1.0, 3.0, 1.0])) == close_to([np.log(2) * 23 / 5])


@claim(answers=["6.4"])
def test_evaluate_takes_no_class_weights(keras):
    """`evaluate` has no `class_weight`: it raises an error. Give it the weight of each sample's class as `sample_weight`."""
    model = undecided_classifier(keras, classes=2)
    with pytest.raises((TypeError, ValueError), match="class_weight"):
        model.evaluate(INPUTS, LABELS, class_weight={0: 2.0, 1: 5.0}, verbose=0)
    weights = np.array([2.0, 5.0])[LABELS]
    assert model.evaluate(INPUTS, LABELS, sample_weight=weights, verbose=0) == close_to(np.log(2) * 13 / 5)


@claim(answers=["6.4"])
def test_sample_weights_leave_validation_data_alone(keras):
    """The `sample_weight` given to `fit` does not weigh `validation_data`, which brings its own: `(x, y, weights)`."""
    weights, losses = np.array([1.0, 2.0, 3.0, 4.0, 5.0]), []
    model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"))
    for held in [(INPUTS, TARGETS), (INPUTS, TARGETS, weights[::-1])]:
        model.compile(optimizer=sgd(keras, rate=0.0), loss="mse")  # TensorFlow 1.15 goes on testing as it began to
        options = {"sample_weight": weights, "validation_data": held, "batch_size": 5, "verbose": 0}
        losses += model.fit(INPUTS, TARGETS, **options).history["val_loss"]
    assert losses == close_to([LOSSES.mean(), np.sum(weights[::-1] * LOSSES) / 5])


@claim(
    ["keras", "tf.keras<2", "tf.keras>=2.2"], AssertionError, "test_class_weights_weigh_validation_too", answers=["6.3", "6.4"]
)
def test_weighs_training_and_validation_alike(keras):
    """Example: weigh the validation data by its classes too, so that both losses of imbalanced data can be compared."""
    labels, weights = np.array([0, 0, 0, 0, 0, 0, 0, 1]), np.array([4 / 7, 4.0])
    inputs = 2.0 * labels[:, None] - 0.5
    model = keras.models.Sequential([keras.layers.Dense(2, activation="softmax", input_shape=(1,))])
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    held = inputs, labels, weights[labels]
    history = model.fit(inputs, labels, class_weight={0: 4 / 7, 1: 4.0}, validation_data=held, verbose=0).history
    probabilities = model.predict(inputs, verbose=0)[np.arange(8), labels]
    assert history["val_loss"] == pytest.approx([-np.mean(weights[labels] * np.log(probabilities))], rel=1e-5)
