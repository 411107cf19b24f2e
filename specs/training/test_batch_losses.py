"""What do `train_on_batch` and the logs of a batch report?"""

import itertools
import re
import time

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.losses import descend, descent, pair, still
from fixtures.models import forget_batches, reused, sequential, sgd

MODERN, OLD = ["keras>=3", "tf.keras>=2.2"], ["keras<3", "tf.keras<2.2"]
OWN, RUNNING = ["keras<3", "keras>=3.15", "tf.keras"], ["keras>=3,<3.15"]
OTHERWISE = (AssertionError, AttributeError)  # Keras 2.2 has no `reset_metrics`
ONES = np.ones((2, 1))
factors = st.lists(st.integers(1, 5), min_size=1, max_size=4)


def close_to(losses):
    """These losses, to float32's precision."""
    return pytest.approx(losses, rel=1e-6)


@claim(holds_on=OWN, otherwise=AssertionError, instead="test_trains_and_returns_the_mean_so_far", answers=["6.3"], examples=3)
@given(factors=factors)
@example(factors=[1, 2, 3])
def test_trains_and_returns_the_loss_of_the_batch(keras, factors):
    """`train_on_batch` returns the loss of its own batch, as it was before the model learned from it: keras#22596."""
    model = descent(keras, start=1.0)
    returned = [model.train_on_batch(ONES, factor * ONES) for factor in factors]
    learned = 1 - np.cumsum([0, *factors])[:-1]  # a batch of targets f takes f off; its loss is f times what is left
    assert returned == close_to([float(left * factor) for left, factor in zip(learned, factors)])


@claim(
    holds_on=RUNNING, otherwise=OTHERWISE, instead="test_trains_and_returns_the_loss_of_the_batch", answers=["8.1"], examples=3
)
@given(factors=factors)
@example(factors=[1, 2, 3])
def test_trains_and_returns_the_mean_so_far(keras, factors):
    """`train_on_batch` returns the mean over all batches since the metrics were last reset, those of other calls included.

    So it was in Keras 3.0 to 3.14: keras#22596, mended by keras#22617.
    """
    model = descent(keras, start=1.0)
    model.reset_metrics()
    returned = [model.train_on_batch(ONES, factor * ONES) for factor in factors]
    losses = (1 - np.cumsum([0, *factors])[:-1]) * factors
    assert returned == close_to((np.cumsum(losses) / np.arange(1, len(factors) + 1)).tolist())


@claim(holds_on=OWN, otherwise=AssertionError, instead="test_tests_and_returns_the_mean_so_far", answers=["6.4"], examples=3)
@given(factors=factors)
@example(factors=[1, 2, 3])
def test_tests_and_returns_the_loss_of_the_batch(keras, factors):
    """`test_on_batch` returns the loss and the metrics of its own batch."""
    returned = [still(keras).test_on_batch(ONES, factor * ONES) for factor in factors]
    assert np.ravel(returned).tolist() == close_to([number for factor in factors for number in (factor**2, factor, factor**2)])


@claim(
    holds_on=["keras<3", "keras>=3.7", "keras[jax]>=3", "keras[torch]>=3", "tf.keras"],
    otherwise=StopIteration,
    instead="test_names_what_it_returns",
    answers=["6.4"],
)
def test_tests_a_model_that_was_never_used(keras):
    """`test_on_batch` works on a model with metrics that was neither trained nor evaluated before.

    On TensorFlow it fails before Keras 3.7; `evaluate`, called once, makes it work.
    """
    model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"))
    model.compile(optimizer=sgd(keras), loss="mse", metrics=["mae"])
    assert model.test_on_batch(ONES, 3 * ONES) == close_to([9.0, 3.0])


@claim(
    holds_on=RUNNING, otherwise=OTHERWISE, instead="test_tests_and_returns_the_loss_of_the_batch", answers=["8.1"], examples=3
)
@given(factors=factors)
@example(factors=[1, 2, 3])
def test_tests_and_returns_the_mean_so_far(keras, factors):
    """`test_on_batch` returns the mean over all batches since the metrics were last reset."""
    model = still(keras)
    model.reset_metrics()
    returned = [float(model.test_on_batch(ONES, factor * ONES)[0]) for factor in factors]
    assert returned == close_to((np.cumsum(np.square(factors)) / np.arange(1, len(factors) + 1)).tolist())


@claim(holds_on=MODERN, otherwise=TypeError, instead="test_names_what_it_returns", answers=["8.1"])
def test_returns_a_dictionary_on_demand(keras):
    """With `return_dict=True`, `train_on_batch`, `test_on_batch` and `evaluate` return their numbers by name."""
    model = descent(keras, start=2.0)
    calls = [model.evaluate, model.test_on_batch, model.train_on_batch]
    assert [call(ONES, ONES, return_dict=True) for call in calls] == [{"loss": close_to(2.0)}] * 3
    metrics = {"loss": close_to(9.0), "mse": close_to(9.0), "mae": close_to(3.0)}
    assert measured(keras).evaluate(ONES, 3 * ONES, verbose=0, return_dict=True) == metrics


@reused
def measured(keras):
    """A model that answers 0, with two metrics that are not in the order of their names."""
    model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"))
    model.compile(optimizer=sgd(keras, rate=0.0), loss="mse", metrics=["mse", "mae"])
    return model


@claim(answers=["12.1"])
def test_names_what_it_returns(keras):
    """`evaluate` returns the loss first, then the metrics; `metrics_names` begins with `loss`."""
    model = still(keras)
    assert model.evaluate(ONES, 3 * ONES, verbose=0) == close_to([9.0, 3.0, 9.0])
    assert model.metrics_names[0] == "loss"
    loss, *losses, _, _ = evaluated_pair(keras)
    assert loss == close_to(4 + 3 * 5)
    assert losses in ([], close_to([4, 5]), close_to([4, 3 * 5]))  # of each output, where there are such


def evaluated_pair(keras):
    """What `evaluate` returns of two outputs, `upper` and `lower`: at the end their metrics, of 2 and 25."""
    targets = [np.full((2, 1), 2.0), np.full((2, 1), 5.0)]
    return pair(keras).evaluate(np.zeros((2, 1)), targets, verbose=0)


@claim(["keras<3", "tf.keras"], AssertionError, "test_returns_metrics_in_the_alphabetical_order_of_outputs", answers=["12.1"])
def test_returns_metrics_output_by_output(keras):
    """With several outputs `evaluate` returns the metrics of the first output, then those of the second, and so on."""
    assert evaluated_pair(keras)[-2:] == close_to([2, 25])


@claim(["keras>=3"], AssertionError, "test_returns_metrics_output_by_output", answers=["12.1"])
def test_returns_metrics_in_the_alphabetical_order_of_outputs(keras):
    """With several outputs `evaluate` returns the metrics in the alphabetical order of the outputs' names.

    The losses before them, where there are any, come in the order that the outputs have in the model. `return_dict=True`
    names them all.
    """
    assert evaluated_pair(keras)[-2:] == close_to([25, 2])


@claim(["keras<3", "keras>=3.2", "tf.keras"], AssertionError, "test_returns_metrics_in_alphabetical_order", answers=["12.1"])
def test_returns_metrics_in_the_order_of_compile(keras):
    """`evaluate` returns the metrics in the order in which they were given to `compile`."""
    assert measured(keras).evaluate(ONES, 3 * ONES, verbose=0) == close_to([9.0, 9.0, 3.0])


@claim(["keras>=3,<3.2"], AssertionError, "test_returns_metrics_in_the_order_of_compile", answers=["12.1"])
def test_returns_metrics_in_alphabetical_order(keras):
    """`evaluate` returns the loss first, then the metrics in the alphabetical order of their names."""
    assert measured(keras).evaluate(ONES, 3 * ONES, verbose=0) == close_to([9.0, 3.0, 9.0])


@claim(
    holds_on=["tf.keras>=2.2"],
    otherwise=(AssertionError, TypeError),
    instead="test_averages_batches_by_hand",
    answers=["8.1"],
)
def test_goes_on_without_a_reset(keras):
    """With `reset_metrics=False`, `train_on_batch` returns the mean over this batch and those before it.

    Of those before, the ones without `reset_metrics=False` count since TensorFlow 2.7 only.
    """
    model = descent(keras, start=1.0)
    forget_batches(model)
    assert [model.train_on_batch(ONES, ONES, reset_metrics=False) for _ in range(3)] == close_to([1.0, 0.5, 0.0])


@claim(holds_on=OWN, otherwise=AssertionError, instead="test_trains_and_returns_the_mean_so_far", answers=["8.1"])
def test_returns_numbers_of_a_batch_of_its_own(keras):
    """Neither `fit` nor `evaluate` before it changes what `train_on_batch` returns."""
    model = descent(keras, start=1.0)
    model.fit(ONES, ONES, verbose=0)
    model.evaluate(ONES, 5 * ONES, verbose=0)
    assert model.train_on_batch(ONES, 2 * ONES) == close_to(0.0)
    assert model.train_on_batch(ONES, 2 * ONES) == close_to(-4.0)


def logs_of_batches(keras):
    """The losses that a callback gets at the end of each batch of two epochs, which fall by 1 a batch."""
    losses = []

    class Logs(keras.callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            losses.append(float(logs["loss"]))

    descend(keras, 6, batch_size=2, epochs=2, callbacks=[Logs()])
    return losses


@claim(holds_on=MODERN, otherwise=AssertionError, instead="test_logs_the_loss_of_each_batch", answers=["6.3"])
def test_logs_the_mean_of_the_epoch_so_far(keras):
    """With batches of one size a callback gets, at the end of each, the mean loss of the epoch's batches so far."""
    assert logs_of_batches(keras) == close_to([0, -0.5, -1, -3, -3.5, -4])


@claim(holds_on=OLD, otherwise=AssertionError, instead="test_logs_the_mean_of_the_epoch_so_far", answers=["6.3"])
def test_logs_the_loss_of_each_batch(keras):
    """A callback gets at the end of a batch the loss of this batch alone. See tensorflow#58098 for the change."""
    assert logs_of_batches(keras) == close_to([0, -1, -2, -3, -4, -5])


@claim(
    holds_on=["keras<3", "keras>=3.15", "tf.keras"],
    otherwise=AssertionError,
    instead="test_logs_the_mean_of_the_epoch_so_far",
    answers=["6.3"],
)
def test_the_progress_bar_shows_the_mean_of_the_epoch_so_far(keras, capsys):
    """The progress bar shows after each batch the mean loss of the epoch so far, and with `verbose=2` that of the epoch.

    In Keras 3.0 to 3.14 the bar averages once more what are means already: the mean of the means so far.
    """
    descent(keras).fit(ONES, ONES, verbose=0)  # in the first `fit` of a model TensorFlow 2.4 averages means too
    pause = keras.callbacks.LambdaCallback(on_batch_begin=lambda batch, logs: time.sleep(0.06))  # a bar rests for 0.05
    for verbose, shown in ((1, [0, -0.5, -1]), (2, [-1])):
        descent(keras).fit(np.ones((6, 1)), np.ones((6, 1)), batch_size=2, verbose=verbose, callbacks=[pause][: 2 - verbose])
        losses = [float(loss) for loss in re.findall(r"loss: (-?[0-9.]+(?:e[-+][0-9]+)?)", capsys.readouterr().out)]
        assert [loss for loss, _ in itertools.groupby(losses)] == shown


@claim(answers=["6.3"])
def test_averages_batches_by_hand(keras):
    """Example: a training loop of one's own over `train_on_batch` averages the losses of an epoch itself, by samples."""
    inputs, targets = np.ones((5, 1)), np.ones((5, 1))
    model = descent(keras)
    losses, sizes = [], []
    for start in range(0, 5, 2):
        batch = slice(start, start + 2)
        if hasattr(model, "reset_metrics"):
            model.reset_metrics()  # Keras 3.0 to 3.14 do not by themselves
        losses.append(model.train_on_batch(inputs[batch], targets[batch]))
        sizes.append(len(inputs[batch]))
    assert np.average(losses, weights=sizes) == close_to(-(0 * 2 + 1 * 2 + 2 * 1) / 5)
