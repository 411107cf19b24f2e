"""Which values can early stopping watch?"""

import logging

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.curves import graded_fit, scripted_fit
from fixtures.models import joint_ledger, sequential, sgd

FALLING, RISING = [4, 3, 2, 1, 0], [0, 1, 2, 3, 4]  # of four samples so many are predicted right


def epochs_run(keras, right, monitor, **options):
    """How many epochs are run where this value is watched, with patience 2, and so many of four samples are predicted right."""
    history = graded_fit(keras, right, keras.callbacks.EarlyStopping(monitor, patience=2, **options))
    return len(history["loss"])


def write(keras, name, values):
    """A callback that puts these values into the logs under this name, epoch after epoch, where they are not None."""

    def on_epoch_end(epoch, logs):
        if values[epoch] is not None:
            logs[name] = values[epoch]

    return keras.callbacks.LambdaCallback(on_epoch_end=on_epoch_end)


@claim(answers=["9.1"])
def test_the_loss_shall_fall(keras):
    """`monitor="loss"` stops when the loss no longer falls, and goes on while it does."""
    assert epochs_run(keras, RISING, "loss") == 5  # the loss is the share that is wrong
    assert epochs_run(keras, FALLING, "loss") == 3


@claim(answers=["9.1", "9.2"])
def test_the_accuracy_shall_rise(keras):
    """The accuracy, by the name that `History` has for it, is watched by default for no longer rising."""
    accuracy = next(name for name in graded_fit(keras, RISING) if name in ("acc", "accuracy"))
    assert epochs_run(keras, RISING, accuracy) == 5
    assert epochs_run(keras, FALLING, accuracy) == 3


@claim(holds_on=["keras>=3"], otherwise=AssertionError, instead="test_any_other_metric_shall_fall", answers=["9.2"])
def test_a_metric_knows_its_direction(keras):
    """A metric of Keras's own knows whether it shall rise: `monitor="recall"` goes on while the recall rises.

    So do accuracies of every kind, and errors, which shall fall; and what is said of a metric holds of its `val_` too.
    """
    assert epochs_run(keras, RISING, "recall") == 5
    assert epochs_run(keras, FALLING, "recall") == 3
    assert bests_of_rising(keras, np.eye(2), "accuracy", "mean_absolute_error") == [2.0, 0.0]
    assert bests_of_rising(keras, np.arange(2), "accuracy", "sparse_categorical_crossentropy") == [2.0, 0.0]
    shall_rise = [keras.metrics.AUC(), keras.metrics.Precision(), keras.metrics.TopKCategoricalAccuracy(k=1)]
    shall_rise += [keras.metrics.CosineSimilarity(), keras.metrics.F1Score()]
    assert bests_of_rising(keras, np.eye(2), *shall_rise) == [2.0] * 5
    shall_fall = ["mean_squared_error", "binary_crossentropy", "categorical_crossentropy"]
    assert bests_of_rising(keras, np.eye(2), *shall_fall, keras.metrics.RootMeanSquaredError()) == [0.0] * 4
    assert bests_of_rising(keras, np.eye(2), keras.metrics.AUC(), kind="weighted_metrics") == [2.0]


def bests_of_rising(keras, targets, *metrics, kind="metrics"):
    """The best values of validation, as EarlyStopping has them, of metrics all of which are said to be 0, then 1, then 2."""
    model = sequential(keras, (2,), keras.layers.Dense(2, activation="softmax"))
    model.compile(optimizer=sgd(keras), loss="mse", **{kind: list(metrics)})
    names = [getattr(metric, "name", metric) for metric in metrics]
    writers = [write(keras, "val_" + name, [0.0, 1.0, 2.0]) for name in names]
    stoppers = [keras.callbacks.EarlyStopping("val_" + name, patience=9) for name in names]
    model.fit(np.eye(2), targets, epochs=3, callbacks=writers + stoppers, verbose=0)
    return [stopper.best for stopper in stoppers]


@claim(holds_on=["keras<3", "tf.keras"], otherwise=AssertionError, instead="test_a_metric_knows_its_direction", answers=["9.2"])
def test_any_other_metric_shall_fall(keras):
    """By default a metric that is not named like an accuracy shall fall, a recall too: training stops while it still rises.

    It was found misleading in tensorflow#59036 and keras#18798. Say `mode="max"`.
    """
    assert epochs_run(keras, RISING, "recall") == 3
    assert epochs_run(keras, FALLING, "recall") == 5


@claim(
    holds_on=["keras<3", "tf.keras"],
    otherwise=ValueError,
    instead="test_refuses_a_function_without_a_mode",
    answers=["9.2"],
)
def test_the_name_alone_decides(keras):
    """By default any name that ends in `acc` or `accuracy` is for a value that shall rise: an `inaccuracy` too."""
    assert epochs_run(keras, FALLING, "inaccuracy") == 5
    assert epochs_run(keras, RISING, "inaccuracy") == 3


@claim(
    holds_on=["keras>=3"],
    otherwise=pytest.fail.Exception,
    instead="test_the_name_alone_decides",
    answers=["9.2"],
)
def test_refuses_a_function_without_a_mode(keras):
    """A metric that is a function has no direction: without a `mode` a ValueError ends the first epoch, and asks for one."""
    with pytest.raises(ValueError, match="mode"):
        epochs_run(keras, RISING, "inaccuracy")


def epochs_run_of_one_output(keras, **options):
    """How many of three epochs are run where the loss of one of two outputs, which falls, is watched."""
    model = joint_ledger(keras, 2)
    stopper = keras.callbacks.EarlyStopping(model.output_names[0] + "_loss", patience=1, **options)
    data = [np.eye(2)] * 2, [np.ones((2, 1))] * 2
    return len(model.fit(*data, epochs=3, callbacks=[stopper], verbose=0).history["loss"])


@claim(
    holds_on=["keras<3", "tf.keras"],
    otherwise=ValueError,
    instead=["test_the_loss_of_one_output_needs_a_mode", "test_the_loss_of_one_output_is_not_reported"],
    answers=["9.1"],
)
def test_the_loss_of_one_output_shall_fall(keras):
    """The loss of one of several outputs is watched for falling by default, like the total."""
    assert epochs_run_of_one_output(keras) == 3


@claim(["keras<3", "keras>=3.5", "tf.keras"], AssertionError, "test_the_loss_of_one_output_is_not_reported", answers=["9.1"])
def test_the_loss_of_one_output_needs_a_mode(keras):
    """With `mode="min"`, without which Keras 3 refuses with a ValueError, the loss of one of several outputs is watched."""
    assert epochs_run_of_one_output(keras, mode="min") == 3
    assert epochs_run_of_one_output(keras, mode="max") == 2


@claim(["keras>=3,<3.5"], AssertionError, "test_the_loss_of_one_output_needs_a_mode", answers=["9.1"])
def test_the_loss_of_one_output_is_not_reported(keras):
    """The losses of single outputs are not reported: one that is watched, for falling or for rising, stops nothing."""
    assert epochs_run_of_one_output(keras, mode="min") == 3
    assert epochs_run_of_one_output(keras, mode="max") == 3


@claim(answers=["9.2"], examples=2)
@given(monitor=st.sampled_from(["recall", "inaccuracy"]))
def test_a_mode_decides_for_any_metric(keras, monitor):
    """With `mode="max"` or `mode="min"` any metric is watched for what it shall do, whatever its name."""
    up, down = ("max", "min") if monitor == "recall" else ("min", "max")
    assert epochs_run(keras, RISING, monitor, mode=up) == 5
    assert epochs_run(keras, RISING, monitor, mode=down) == 3


@claim(answers=["9.2"])
def test_an_unknown_mode_is_auto(keras):
    """A mode that does not exist is taken for `"auto"`."""
    assert epochs_run(keras, RISING, "loss", mode="maximum") == 5
    assert epochs_run(keras, FALLING, "loss", mode="maximum") == 3


@claim(answers=["9.1"])
def test_watches_the_validation_loss_by_default(keras):
    """Without a `monitor` it is `val_loss` that is watched, and that shall fall."""
    falling, rising = [4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0]
    stopped, _ = scripted_fit(keras, falling, write(keras, "val_loss", rising), keras.callbacks.EarlyStopping(patience=2))
    ended, _ = scripted_fit(keras, rising, write(keras, "val_loss", falling), keras.callbacks.EarlyStopping(patience=2))
    assert stopped == falling[:3]
    assert ended == rising


@claim(answers=["9.3"])
def test_trains_to_the_end_if_the_value_is_never_reported(keras):
    """Where `val_loss` is watched without validation data, training goes on to the end."""
    stopper = keras.callbacks.EarlyStopping(patience=1)
    ran, _ = scripted_fit(keras, [1.0, 2.0, 3.0, 4.0], stopper)
    assert ran == [1.0, 2.0, 3.0, 4.0]
    assert stopper.stopped_epoch == 0


@claim(holds_on=["keras"], otherwise=pytest.fail.Exception, instead="test_logs_that_the_value_is_not_reported", answers=["9.3"])
def test_warns_that_the_value_is_not_reported(keras):
    """Where `val_loss` is never reported, a Python warning names it and the values that are available."""
    with pytest.warns(Warning, match=r"`val_loss` which is not available.*: loss"):
        scripted_fit(keras, [1.0], keras.callbacks.EarlyStopping(patience=1))


@claim(holds_on=["tf.keras"], otherwise=AssertionError, instead="test_warns_that_the_value_is_not_reported", answers=["9.3"])
def test_logs_that_the_value_is_not_reported(keras):
    """Where `val_loss` is never reported, a line in TensorFlow's log, no Python warning, names it and the available values."""
    found = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())
    logging.getLogger("tensorflow").addHandler(handler)
    try:
        scripted_fit(keras, [1.0], keras.callbacks.EarlyStopping(patience=1))
    finally:
        logging.getLogger("tensorflow").removeHandler(handler)
    assert [line for line in found if "`val_loss` which is not available" in line and line.endswith(": loss")]


@claim(
    holds_on=["keras<3", "tf.keras"],
    otherwise=ValueError,
    instead="test_refuses_a_name_that_no_metric_has",
    answers=["9.3"],
)
def test_goes_on_with_a_name_that_no_metric_has(keras):
    """A name that no metric has, a misspelt one, does no more harm than that: training goes on to the end."""
    ran, _ = scripted_fit(keras, [1.0, 2.0, 3.0], keras.callbacks.EarlyStopping("val_lose"))
    assert ran == [1.0, 2.0, 3.0]


@claim(
    holds_on=["keras>=3"],
    otherwise=pytest.fail.Exception,
    instead="test_goes_on_with_a_name_that_no_metric_has",
    answers=["9.3"],
)
def test_refuses_a_name_that_no_metric_has(keras):
    """A name that no metric has, a misspelt one, has no direction: a ValueError ends the first epoch."""
    with pytest.raises(ValueError, match="val_lose"):
        scripted_fit(keras, [1.0, 2.0, 3.0], keras.callbacks.EarlyStopping("val_lose"))


@claim(answers=["9.3"])
def test_goes_on_with_any_name_and_a_mode(keras):
    """With a `mode` any name will do, and training goes on to the end where it is never reported."""
    ran, _ = scripted_fit(keras, [1.0, 2.0, 3.0], keras.callbacks.EarlyStopping("val_lose", mode="min"))
    assert ran == [1.0, 2.0, 3.0]


@claim(answers=["9.3"], examples=2)
@given(every=st.sampled_from([2, 3]))
def test_epochs_without_the_value_do_not_count(keras, every):
    """An epoch in which the value is not reported is passed over: patience counts those in which it is."""
    reports = [1.0 if epoch % every == 0 else None for epoch in range(8)]
    stopper = keras.callbacks.EarlyStopping("now and then", mode="min", patience=2)
    ran, _ = scripted_fit(keras, [float(epoch) for epoch in range(8)], write(keras, "now and then", reports), stopper)
    assert len(ran) == 1 + 2 * every  # the third report is the second that is no better


@claim(answers=["9.1"])
def test_watches_what_a_callback_before_it_reports(keras):
    """Example: a callback listed before it puts a value of its own, a moving average, into the logs to be watched."""

    class MovingAverage(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.losses = []

        def on_epoch_end(self, epoch, logs=None):
            self.losses.append(logs["loss"])
            logs["mean_loss"] = np.mean(self.losses[-3:])

    jagged = [9.0, 3.0, 9.0, 4.5, 3.0, 6.0, 9.0, 9.0, 0.0]  # means of three: 9, 6, 7, 5.5, 5.5, 4.5, 6, 8
    stopper = keras.callbacks.EarlyStopping("mean_loss", mode="min", patience=2)
    ran, _ = scripted_fit(keras, jagged, MovingAverage(), stopper)
    assert ran == jagged[:8]
