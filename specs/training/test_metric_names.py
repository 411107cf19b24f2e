"""Under which names are accuracy and other metrics recorded?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.figures import lines
from fixtures.models import input_layer, sequential, sgd

MODERN, OLD = ["keras>=2.3", "tf.keras>=2"], ["keras<2.3", "tf.keras<2"]
BY_SHAPE, BY_LOSS = ["keras>=3", "tf.keras>=2.2"], ["keras<3", "tf.keras<2.2"]
WITH_CLASSES = ["keras>=2.3,<3", "keras>=3", "tf.keras"]
LABELS = np.array([0, 2, 2, 1])


def evaluated(keras, metrics, outputs, targets, loss="mse"):
    """What a model with these outputs, one row a sample, records of an epoch in which it learns nothing, without the loss."""
    layer = keras.layers.Dense(np.shape(outputs)[1], use_bias=False)
    model = sequential(keras, (len(outputs),), layer)
    model.compile(optimizer=sgd(keras, rate=0.0), loss=loss, metrics=metrics)
    model.set_weights([np.array(outputs)])
    history = model.fit(np.eye(len(outputs)), targets, verbose=0).history
    return {name: entries[0] for name, entries in history.items() if name != "loss"}


def recorded(keras, *metrics):
    """The names under which metrics are recorded, of a model that is right about one sample of four."""
    values = evaluated(keras, list(metrics), [[0.9], [0.9], [0.9], [0.9]], np.array([[1.0], [0], [0], [0]]))
    assert set(values.values()) == {0.25}
    return sorted(values)


@claim(holds_on=MODERN, otherwise=AssertionError, instead="test_accuracy_is_acc", answers=["12.2"])
def test_accuracy_is_accuracy(keras):
    """Compiled as `"accuracy"`, it is recorded as `accuracy`. See keras#13714 for the change."""
    assert recorded(keras, "accuracy") == ["accuracy"]


@claim(holds_on=OLD, otherwise=AssertionError, instead="test_accuracy_is_accuracy", answers=["12.2"])
def test_accuracy_is_acc(keras):
    """Compiled as `"accuracy"`, it is recorded as `acc`."""
    assert recorded(keras, "accuracy") == ["acc"]


@claim(answers=["12.2"])
def test_acc_is_acc(keras):
    """Compiled as `"acc"`, accuracy is recorded as `acc`, so that this spelling has one name on every Keras."""
    assert recorded(keras, "acc") == ["acc"]


@claim(answers=["12.2"])
def test_a_full_name_is_kept(keras):
    """Compiled by a full name, `"binary_accuracy"`, a metric is recorded under it."""
    assert recorded(keras, "binary_accuracy") == ["binary_accuracy"]


@claim(answers=["12.2"])
def test_a_function_brings_its_name(keras):
    """A function is recorded under its name, one of Keras's like one's own."""

    def hits(targets, outputs):
        return keras.metrics.binary_accuracy(targets, outputs)

    assert recorded(keras, hits) == ["hits"]
    assert recorded(keras, keras.metrics.binary_accuracy) == ["binary_accuracy"]


@claim(["keras>=2.3", "tf.keras"], AttributeError, "test_a_function_brings_its_name", answers=["12.2"])
def test_an_object_brings_its_name(keras):
    """A metric object is recorded under its `name`, by default its class's in small letters with underscores."""
    metric = keras.metrics.BinaryAccuracy
    assert recorded(keras, metric()) == ["binary_accuracy"]
    assert recorded(keras, metric(name="hits")) == ["hits"]


@claim(holds_on=MODERN, otherwise=AssertionError, instead="test_an_abbreviation_is_spelled_out", answers=["12.R1"])
def test_an_abbreviation_is_kept(keras):
    """Compiled by an abbreviation, `"mae"` or `"mse"`, a metric is recorded under it."""
    errors = evaluated(keras, ["mae", "mse"], [[0.0], [0.0]], np.array([[2.0], [2.0]]))
    assert errors == {"mae": 2.0, "mse": 4.0}


@claim(holds_on=OLD, otherwise=AssertionError, instead="test_an_abbreviation_is_kept", answers=["12.R1"])
def test_an_abbreviation_is_spelled_out(keras):
    """Compiled by an abbreviation, `"mae"` or `"mse"`, a metric is recorded under its full name, `mean_absolute_error`."""
    errors = evaluated(keras, ["mae", "mse"], [[0.0], [0.0]], np.array([[2.0], [2.0]]))
    assert errors == {"mean_absolute_error": 2.0, "mean_squared_error": 4.0}


@claim(
    ["keras<2.3", "keras>=3"], (AssertionError, ValueError),
    ["test_two_of_a_name_are_refused", "test_the_second_of_a_name_counts"], answers=["12.2"],
)  # fmt: skip
def test_two_of_a_name_are_numbered(keras):
    """Where two metrics have one name, that of the second gets `_1`.

    One of `weighted_metrics` that is among `metrics` too gets `weighted_` before its name instead.
    """
    assert recorded(keras, "binary_accuracy", keras.metrics.binary_accuracy) == ["binary_accuracy", "binary_accuracy_1"]
    model = sequential(keras, (1,), keras.layers.Dense(1))
    model.compile(optimizer=sgd(keras), loss="mse", metrics=["mae"], weighted_metrics=["mae"])
    plain, weighted = sorted(set(model.fit(np.ones((2, 1)), np.ones((2, 1)), verbose=0).history) - {"loss"})
    assert weighted == "weighted_" + plain


@claim(
    ["tf.keras>=2.2"], pytest.fail.Exception, ["test_two_of_a_name_are_numbered", "test_the_second_of_a_name_counts"],
    answers=["12.2"],
)  # fmt: skip
def test_two_of_a_name_are_refused(keras):
    """Two metrics of one name are refused with a ValueError, when training begins."""
    with pytest.raises(ValueError, match=r"unique name|same name"):
        recorded(keras, "binary_accuracy", keras.metrics.binary_accuracy)


@claim(
    ["keras>=2.3,<3", "tf.keras<2.2"], (AssertionError, ValueError),
    ["test_two_of_a_name_are_numbered", "test_two_of_a_name_are_refused"], answers=["12.2"],
)  # fmt: skip
def test_the_second_of_a_name_counts(keras):
    """Where two metrics have one name, there is one entry of it, the second metric's."""

    def binary_accuracy(targets, outputs):
        return 1 - keras.metrics.binary_accuracy(targets, outputs)

    metrics = ["binary_accuracy", binary_accuracy]
    assert evaluated(keras, metrics, [[0.9]], np.array([[1.0]])) == {"binary_accuracy": 0.0}
    assert evaluated(keras, metrics[::-1], [[0.9]], np.array([[1.0]])) == {"binary_accuracy": 1.0}


def compiled_by_list(keras):
    """The names of the metrics that a model of two outputs records when it is compiled with one list of metrics."""
    inputs = input_layer(keras, (1,))
    model = keras.models.Model(inputs, [keras.layers.Dense(1, name=name)(inputs) for name in ("first", "second")])
    model.compile(optimizer=sgd(keras), loss="mse", metrics=["mean_absolute_error"])
    history = model.fit(np.ones((2, 1)), [np.ones((2, 1))] * 2, verbose=0).history
    return sorted(name for name in history if not name.endswith("loss"))


@claim(["keras<3", "tf.keras"], ValueError, "test_a_list_of_metrics_is_refused", answers=["12.R1"])
def test_a_list_of_metrics_is_for_each_output(keras):
    """With several outputs a list of metrics, `metrics=["mean_absolute_error"]`, is measured of each of them."""
    assert compiled_by_list(keras) == ["first_mean_absolute_error", "second_mean_absolute_error"]


@claim(["keras>=3"], pytest.fail.Exception, "test_a_list_of_metrics_is_for_each_output", answers=["12.R1"])
def test_a_list_of_metrics_is_refused(keras):
    """With several outputs a list of metrics must have an entry for each of them: else `fit` raises ValueError."""
    with pytest.raises(ValueError, match="metrics"):
        compiled_by_list(keras)


ROWS = [[0.4, 0.3, 0.3], [0.3, 0.3, 0.4], [0.4, 0.3, 0.3], [0.3, 0.4, 0.3]]  # the largest: 0, 2, 0, 1
KINDS = {
    "binary": ([[0.5], [0.6], [0.7], [0.8]], np.array([[0], [1], [1], [0]]), "mse"),
    "categorical": (ROWS, np.eye(3)[LABELS], "categorical_crossentropy"),
    "sparse": (ROWS, LABELS, "sparse_categorical_crossentropy"),
    "sparse, in a column": (ROWS, LABELS[:, None], "sparse_categorical_crossentropy"),
}


@claim(answers=["12.2"], examples=3)
@given(kind=st.sampled_from(sorted(KINDS)), spelling=st.sampled_from(["acc", "accuracy"]))
@example(kind="binary", spelling="accuracy")
@example(kind="categorical", spelling="accuracy")
@example(kind="sparse", spelling="accuracy")
@example(kind="sparse, in a column", spelling="accuracy")
def test_accuracy_is_the_share_of_right_answers(keras, kind, spelling):
    """`"accuracy"` is the share of right answers: whether one output exceeds 0.5, or which one of several is the largest."""
    outputs, targets, loss = KINDS[kind]
    assert list(evaluated(keras, [spelling], outputs, targets, loss).values()) == [0.75]


@claim(answers=["12.2"])
def test_each_output_has_an_accuracy_of_its_kind(keras):
    """Of several outputs, each has the `"accuracy"` of its own kind: here one number, and three of which one is the largest."""
    inputs = input_layer(keras, (4,))
    outputs = [keras.layers.Dense(units, use_bias=False, name=name)(inputs) for units, name in ((1, "first"), (3, "second"))]
    model = keras.models.Model(inputs, outputs)
    accuracies = {"first": "accuracy", "second": "accuracy"}
    model.compile(optimizer=sgd(keras, rate=0.0), loss=["mse", "categorical_crossentropy"], metrics=accuracies)
    model.set_weights([np.array([[0.4], [0.6], [0.7], [0.8]]), np.array(ROWS)])
    history = model.fit(np.eye(4), [np.array([[0.0], [1], [0], [0]]), np.eye(3)[LABELS]], verbose=0).history
    found = {name.split("_")[0]: entries[0] for name, entries in history.items() if "acc" in name}
    assert found == {"first": 0.5, "second": 0.75}


def three_epochs(keras, *metrics):
    """What is recorded of three epochs in which nothing is learned, of two right and two wrong samples."""
    model = sequential(keras, (4,), keras.layers.Dense(1, use_bias=False))
    model.compile(optimizer=sgd(keras, rate=0.0), loss="mse", metrics=list(metrics))
    model.set_weights([np.array([[0.9], [0.6], [0.2], [0.7]])])
    return model.fit(np.eye(4), np.array([[1.0], [0], [1], [0]]), batch_size=2, epochs=3, shuffle=False, verbose=0).history


@claim(WITH_CLASSES, AttributeError, "test_accuracy_is_the_share_of_right_answers", answers=["12.2"])
def test_counts_begin_anew_at_each_epoch(keras):
    """Precision, recall and counts are of their epoch alone: where nothing is learned they are the same each time."""
    m = keras.metrics
    history = three_epochs(keras, m.Precision(), m.Recall(), m.TruePositives(), m.FalseNegatives(), m.CosineSimilarity())
    assert len(history) == 6
    for name, entries in history.items():
        assert entries == [pytest.approx(entries[0], rel=1e-5)] * 3, name
    values = {name.rstrip("_0123456789"): entries[-1] for name, entries in history.items()}
    assert (values["precision"], values["recall"]) == (pytest.approx(1 / 3), 0.5)
    assert (values["true_positives"], values["false_negatives"]) == (1, 1)


@claim(WITH_CLASSES, AttributeError, "test_accuracy_is_the_share_of_right_answers", answers=["12.2"])
def test_an_auc_begins_anew_at_each_epoch(keras):
    """The area under the curve, `AUC()`, is of its epoch alone, too."""
    areas = next(entries for name, entries in three_epochs(keras, keras.metrics.AUC()).items() if "auc" in name)
    assert areas == [pytest.approx(0.5, abs=1e-6)] * 3  # of the four pairs of a right and a wrong sample two are in order


@claim(holds_on=BY_SHAPE, otherwise=AssertionError, instead="test_accuracy_goes_by_the_loss", answers=["12.2"])
def test_accuracy_goes_by_the_shape(keras):
    """`"accuracy"` goes by the outputs, not by the loss: with `binary_crossentropy` too it looks for the largest of several."""
    values = evaluated(keras, ["accuracy"], ROWS, np.eye(3)[LABELS], "binary_crossentropy")
    assert list(values.values()) == [0.75]


@claim(holds_on=BY_LOSS, otherwise=AssertionError, instead="test_accuracy_goes_by_the_shape", answers=["12.2"])
def test_accuracy_goes_by_the_loss(keras):
    """With the loss `binary_crossentropy`, `"accuracy"` compares every output with 0.5, of several classes too, and flatters.

    Here no output exceeds 0.5, so that two thirds of them, the zeros, count as right.
    """
    values = evaluated(keras, ["accuracy"], ROWS, np.eye(3)[LABELS], "binary_crossentropy")
    assert list(values.values()) == [pytest.approx(2 / 3)]


@claim(answers=["12.2", "12.R2"])
def test_finds_the_accuracy_under_either_name(keras, evidence):
    """Example: look for either name, and the plot works on every Keras."""
    inputs = np.array([[-1.0], [-0.5], [0.5], [1.0]] * 4)
    labels = (inputs > 0).astype("float32")
    model = keras.models.Sequential([keras.layers.Dense(1, activation="sigmoid", kernel_initializer="zeros", input_shape=(1,))])
    model.compile(optimizer="sgd", loss="binary_crossentropy", metrics=["accuracy"])
    history = model.fit(inputs, labels, validation_data=(inputs, labels), epochs=3, verbose=0).history
    name = "accuracy" if "accuracy" in history else "acc"
    evidence("accuracy", lines("epoch", "accuracy", training=history[name], validation=history["val_" + name]))
    assert history[name] == [0.5, 1.0, 1.0]
    assert history["val_" + name] == [1.0, 1.0, 1.0]
