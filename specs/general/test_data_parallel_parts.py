"""What is each device's own in training on several with TensorFlow, and what do they share?"""

import numpy as np
import pytest

from fixtures.claims import claim
from fixtures.interpreter import JobError
from fixtures.models import sequential, sgd
from fixtures.seeds import FIRST
from fixtures.several_devices import on_each, simulate

# The devices are simulated: parts of the CPU, or for `multi_gpu_model` in Keras 2 a list of GPUs that there are not.
COPIES, MIRRORED = ["keras[tensorflow]<3", "tf.keras<2"], ["keras[tensorflow]>=3", "tf.keras>=2"]
SYNCHRONIZED = ["keras[tensorflow]>=3", "tf.keras>=2.12"]
SIGNS = np.tile([[1.0], [-1.0]], (4, 1))  # eight samples, four for each of two devices
CENTERS = np.repeat([[8.0], [16.0]], 4, axis=0)


def normalized(keras, run, **options):
    """A job. Two devices normalize a batch, the first has 8 ± 1 and the second 16 ± 1: moving mean and variance, and the loss.

    The loss is how far the outputs are from ±1, squared. `run` tells runs apart, which are else remembered.
    """
    simulate(keras, 2)
    with on_each(keras, 2) as parallel:
        model = sequential(keras, (1,), keras.layers.BatchNormalization(momentum=0.5, **options))
        copy = parallel(model)
        copy.compile(optimizer=sgd(keras, 0.0), loss="mse")
        loss = copy.fit(CENTERS + SIGNS, SIGNS, batch_size=8, shuffle=False, verbose=0).history["loss"][0]
    return [weight.item() for weight in model.get_weights()[2:]] + [loss]


def synchronized(keras):
    """A job. The same with statistics of all devices."""
    return normalized(keras, 0, synchronized=True)


@claim(needs=["tensorflow"], answers=["3.4"])
def test_normalizes_each_device_s_part_by_itself():
    """`BatchNormalization` takes the mean and the variance of each device's own samples, not of the whole batch."""
    assert FIRST.run(normalized, 0)[2] < 1e-5  # epsilon, a thousandth, makes outputs too small by 5e-4 of them


@claim(
    ["keras[tensorflow]>=3.7,<3.8", "tf.keras>=2"],
    AssertionError,
    ["test_keeps_the_first_device_s_averages", "test_averages_are_the_same_in_every_run"],
    needs=["tensorflow"],
    answers=["3.4"],
)
def test_keeps_the_mean_of_the_devices_averages():
    """The moving averages take the mean of the devices' means, and of their variances: not the variance of the whole batch."""
    assert FIRST.run(normalized, 0)[:2] == pytest.approx([12 / 2, 1.0], rel=1e-3)


@claim(
    ["keras[tensorflow]>=3,<3.7", "keras[tensorflow]>=3.8"],
    AssertionError,
    ["test_keeps_the_mean_of_the_devices_averages", "test_averages_are_the_same_in_every_run"],
    needs=["tensorflow"],
    answers=["3.4"],
)
def test_keeps_the_first_device_s_averages():
    """The model keeps the moving averages of the first device: no other's samples count in evaluation."""
    assert FIRST.run(normalized, 0)[:2] == pytest.approx([8 / 2, 1.0], rel=1e-3)


@claim(MIRRORED, varies_on=COPIES, needs=["tensorflow"], answers=["3.4"])
def test_averages_are_the_same_in_every_run(evidence):
    """The moving averages are the same in every run. The copies of `multi_gpu_model` race to update those that they share."""
    runs = [FIRST.run(normalized, run)[:2] for run in range(2)]
    evidence("moving mean and variance, in two runs", runs)
    assert runs[0] == runs[1]


@claim(SYNCHRONIZED, JobError, "test_normalization_knows_nothing_of_other_devices", needs=["tensorflow"], answers=["3.4"])
def test_synchronized_statistics_are_of_the_whole_batch():
    """`BatchNormalization(synchronized=True)` takes the mean and the variance of the whole batch, all devices together."""
    assert FIRST.run(synchronized)[:2] == pytest.approx([12 / 2, (1 + 17) / 2], rel=1e-3)


@claim(
    ["keras[tensorflow]<3", "tf.keras<2.12"],
    pytest.fail.Exception,
    "test_synchronized_statistics_are_of_the_whole_batch",
    needs=["tensorflow"],
    answers=["3.4"],
)
def test_normalization_knows_nothing_of_other_devices():
    """`BatchNormalization` has no argument `synchronized`: it ends in a TypeError."""
    with pytest.raises(JobError, match=r"TypeError.*synchronized"):
        FIRST.run(synchronized)


def from_outside(keras):
    """A job. A model that was made before the strategy's scope is trained in it: its weight, which was 1."""
    simulate(keras, 2)
    model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones"))
    with on_each(keras, 2) as parallel:
        fit(keras, parallel(model))
    return model.get_weights()[0].item()


def to_outside(keras):
    """A job. A model that was made and compiled in the strategy's scope is trained after it: its weight, which was 1."""
    simulate(keras, 2)
    with on_each(keras, 2) as parallel:
        model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones"))
        copy = parallel(model)
        copy.compile(optimizer=sgd(keras, 0.25), loss="mse")
    copy.fit(np.ones((8, 1)), np.zeros((8, 1)), batch_size=8, verbose=0)
    return model.get_weights()[0].item()


def fit(keras, model):
    """Take a step towards zero, a quarter of the slope of 2."""
    model.compile(optimizer=sgd(keras, 0.25), loss="mse")
    model.fit(np.ones((8, 1)), np.zeros((8, 1)), batch_size=8, verbose=0)


@claim(MIRRORED, pytest.fail.Exception, "test_any_model_can_be_copied", needs=["tensorflow"], answers=["3.1"])
def test_a_model_from_outside_is_refused():
    """A model that was made outside of the strategy's scope cannot be trained in it.

    It ends in a ValueError that says so, in Keras 3 in an AssertionError that says nothing.
    """
    with pytest.raises(JobError, match=r"ValueError.*scope|AssertionError"):
        FIRST.run(from_outside)


@claim(COPIES, JobError, "test_a_model_from_outside_is_refused", needs=["tensorflow"], answers=["3.1"])
def test_any_model_can_be_copied():
    """`multi_gpu_model` copies a model that is there: trained on all devices, the model has the trained weights itself."""
    assert FIRST.run(from_outside) == 0.5


@claim(
    [*COPIES, "keras[tensorflow]>=3,<3.5", "keras[tensorflow]>=3.8", "tf.keras"],
    AssertionError,
    "test_the_scope_may_be_left_but_steps_are_added_up",
    needs=["tensorflow"],
    answers=["3.1"],
)
def test_the_scope_may_be_left():
    """A model that was made and compiled in the strategy's scope is trained on all devices outside of it, too."""
    assert FIRST.run(to_outside) == 0.5


@claim(["keras[tensorflow]>=3.5,<3.8"], AssertionError, "test_the_scope_may_be_left", needs=["tensorflow"], answers=["3.1"])
def test_the_scope_may_be_left_but_steps_are_added_up():
    """A model that was made and compiled in the strategy's scope is trained outside of it, too, in steps twice as long."""
    assert FIRST.run(to_outside) == 0.0


def summed(keras):
    """A job. The weight after a step, and the loss that is reported, of a loss that is summed over a batch on two devices."""
    simulate(keras, 2)
    with on_each(keras, 2) as parallel:
        model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones"))
        copy = parallel(model)
        copy.compile(optimizer=sgd(keras, 1 / 64), loss=keras.losses.MeanSquaredError(reduction="sum"))
        losses = copy.fit(np.ones((8, 1)), np.zeros((8, 1)), batch_size=8, verbose=0).history["loss"]
    return [model.get_weights()[0].item(), *losses]


@claim(
    ["keras[tensorflow]>=2.3,<3", "keras[tensorflow]>=3.8", "tf.keras"],
    (AssertionError, JobError),
    ["test_reports_the_mean_of_the_devices_sums", "test_normalizes_each_device_s_part_by_itself"],
    needs=["tensorflow"],
    answers=["3.4"],
)
def test_sums_a_loss_over_all_devices():
    """A loss with `reduction="sum"` is the sum over the samples of all devices, in the step and in what `fit` reports."""
    assert FIRST.run(summed) == [1 - 8 * 2 / 64, 8.0]


@claim(
    ["keras[tensorflow]>=3,<3.8"],
    (AssertionError, JobError),
    ["test_sums_a_loss_over_all_devices", "test_normalizes_each_device_s_part_by_itself"],
    needs=["tensorflow"],
    answers=["3.4"],
)
def test_reports_the_mean_of_the_devices_sums():
    """Of a loss with `reduction="sum"` `fit` reports the mean of the devices' sums: on two devices, half of the sum."""
    assert FIRST.run(summed)[1] == 4.0
