"""Is training on several devices with TensorFlow like training on one?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.interpreter import JobError
from fixtures.models import input_layer, sequential, sgd
from fixtures.optimizers import WIDTH, adam_path, optimizer, plain_path, slopes
from fixtures.seeds import FIRST
from fixtures.several_devices import on_each, simulate

# The devices are simulated: parts of the CPU, or for `multi_gpu_model` in Keras 2 a list of GPUs that there are not.
FAILED = (AssertionError, JobError)
EQUAL = ["keras[tensorflow]<3", "keras[tensorflow]>=3.8", "tf.keras"]
REPORTS = ["keras[tensorflow]<3", "keras[tensorflow]>=3.10", "tf.keras"]
RATE, STEPS = 0.125, 3
device_counts = st.sampled_from([2, 4, 8])


def batches(devices, each):
    """A few batches, `(STEPS, devices * each, 2, WIDTH)`, each sample of which is its own gradient in `slopes`."""
    return np.random.RandomState(devices + each).choice([1.0, 2.0, 4.0, 8.0], (STEPS, devices * each, 2, WIDTH))


def trained(keras, devices, each, name):
    """A job. The weights `(2, WIDTH)` of `slopes`, trained on so many devices by so many samples each; `fit`'s loss."""
    simulate(keras, devices)
    with on_each(keras, devices) as parallel:
        model = slopes(keras, optimizer(keras, name, RATE))
        copy = parallel(model)
        if copy is not model:
            copy.compile(optimizer=optimizer(keras, name, RATE), loss=model.loss)
        samples = np.concatenate(batches(devices, each))
        inputs, targets = [samples[:, 0], samples[:, 1]], np.ones((len(samples), 1))
        history = copy.fit(inputs, targets, batch_size=devices * each, shuffle=False, verbose=0).history
    return np.array(model.get_weights())[:, :, 0], history["loss"][0]


def same(measured, expected):
    """Equal in float32: Adam's 1 - 0.999^t is off by up to 6e-8 of 0.001, half of which its step is off by."""
    return np.allclose(measured, expected, rtol=1e-4)


@claim(
    ["keras[tensorflow]>=3.5", "tf.keras"],
    AssertionError,
    "test_the_first_device_learns_alone",
    varies_on=["keras[tensorflow]<3"],
    needs=["tensorflow"],
    answers=["3.4"],
    examples=1,
)
@given(devices=device_counts, each=st.integers(2, 5))
@example(devices=8, each=1)
def test_adam_learns_what_it_learns_on_one(devices, each):
    """Adam makes of any batch that two, four or eight devices share evenly what it makes of it on one.

    In Keras 2.2 and 2.3 its step races with its own counter, on one device too.
    """
    assert same(FIRST.run(trained, devices, each, "Adam")[0], adam_path(batches(devices, each).mean(axis=1), RATE)[-1])


@claim(
    EQUAL,
    AssertionError,
    ["test_the_first_device_learns_alone", "test_steps_are_added_up"],
    needs=["tensorflow"],
    answers=["3.4"],
    examples=1,
)
@given(devices=st.sampled_from([4, 2, 8]), each=st.integers(2, 5))
@example(devices=4, each=2)
def test_sgd_learns_what_it_learns_on_one(devices, each):
    """SGD makes of any batch that two, four or eight devices share evenly what it makes of it on one."""
    assert same(FIRST.run(trained, devices, each, "SGD")[0], plain_path(batches(devices, each).mean(axis=1), RATE)[-1])


@claim(
    ["keras[tensorflow]>=3,<3.5"],
    AssertionError,
    ["test_sgd_learns_what_it_learns_on_one", "test_steps_are_added_up"],
    needs=["tensorflow"],
    answers=["3.4"],
)
def test_the_first_device_learns_alone():
    """Each device learns from its own samples alone, and the model has the weights of the first."""
    of_the_first = batches(4, 2)[:, :2]
    assert same(FIRST.run(trained, 4, 2, "SGD")[0], plain_path(of_the_first.mean(axis=1), RATE)[-1])


@claim(
    ["keras[tensorflow]>=3.5,<3.8"],
    AssertionError,
    ["test_sgd_learns_what_it_learns_on_one", "test_the_first_device_learns_alone"],
    needs=["tensorflow"],
    answers=["3.4"],
)
def test_steps_are_added_up():
    """On four devices a step of SGD is four times as long as on one. Adam does not care for the length of gradients."""
    assert same(FIRST.run(trained, 4, 2, "SGD")[0], plain_path(4 * batches(4, 2).mean(axis=1), RATE)[-1])


@claim(
    REPORTS,
    AssertionError,
    ["test_the_first_device_reports_alone", "test_earlier_batches_count_more"],
    needs=["tensorflow"],
    answers=["3.4"],
)
def test_fit_reports_the_loss_of_whole_batches():
    """The loss that `fit` reports is the mean over all samples of all devices.

    So is, where there are several outputs, the loss of each.
    """
    means = batches(4, 2).mean(axis=1)
    before = np.concatenate([np.zeros((1, 2, WIDTH)), plain_path(means, RATE)[:-1]])
    assert same(FIRST.run(trained, 4, 2, "SGD")[1], (before * means).sum(axis=(1, 2)).mean())
    assert FIRST.run(losses_of_two, 4, 16) == {"loss": [34.0], "first_loss": [8.5], "second_loss": [25.5]}


def losses_of_two(keras, devices, samples):
    """A job. The losses that are reported of two outputs, the numbers from 1 on and three times those, that should be 0."""
    simulate(keras, devices)
    with on_each(keras, devices) as parallel:
        inputs = input_layer(keras, (1,))
        outputs = [
            keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(factor), name=name)(inputs)
            for name, factor in (("first", 1.0), ("second", 3.0))
        ]
        model = parallel(keras.models.Model(inputs, outputs))
        model.compile(optimizer=sgd(keras, 0.0), loss="mae")
        targets = [np.zeros((samples, 1))] * 2
        return model.fit(numbers(samples), targets, batch_size=samples // 2, shuffle=False, verbose=0).history


def identity(keras, parallel):
    """A model whose output is its input, `(batch, 1)` to `(batch, 1)`, that learns nothing."""
    copy = parallel(sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")))
    copy.compile(optimizer=sgd(keras, 0.0), loss="mse", metrics=["mae"])
    return copy


def numbers(samples):
    """The numbers from 1 on, `(samples, 1)`."""
    return np.arange(1.0, samples + 1)[:, None]


def evaluated(keras, devices, samples, batch_size):
    """A job. What `evaluate` gives, on so many devices, for numbers that should be 0, with weights from 1 to 3: loss, mae."""
    simulate(keras, devices)
    with on_each(keras, devices) as parallel:
        options = {"batch_size": batch_size, "sample_weight": np.arange(samples) % 3 + 1.0, "verbose": 0}
        return identity(keras, parallel).evaluate(numbers(samples), np.zeros((samples, 1)), **options)


@claim(
    ["keras[tensorflow]<3", "keras[tensorflow]>=3.10", "tf.keras<2", "tf.keras>=2.2"],
    AssertionError,
    ["test_the_first_device_reports_alone", "test_evaluate_weighs_an_uneven_batch_unevenly"],
    needs=["tensorflow"],
    answers=["3.4"],
    examples=1,
)
@given(devices=device_counts, each=st.integers(1, 3), more=st.integers(1, 24))
@example(devices=2, each=2, more=3)
@example(devices=4, each=2, more=0)
def test_evaluate_reports_on_all_samples(devices, each, more):
    """What `evaluate` reports is the mean over all samples, the last batch uneven or not: the loss weighted, metrics not.

    The first batch divides evenly: Keras 3 fails on another one, here as in `fit`.
    """
    samples = devices * each + more
    x, weights = numbers(samples)[:, 0], np.arange(samples) % 3 + 1.0
    measured = FIRST.run(evaluated, devices, samples, devices * each)
    assert measured == pytest.approx([np.mean(weights * x**2), np.mean(x)], rel=1e-5)  # some twenty sums in float32


@claim(
    ["keras[tensorflow]>=3,<3.7"],
    AssertionError,
    [
        "test_evaluate_reports_on_all_samples",
        "test_earlier_batches_count_more",
        "test_fit_reports_the_loss_of_whole_batches",
    ],
    needs=["tensorflow"],
    answers=["3.4"],
)
def test_the_first_device_reports_alone():
    """The metrics that `evaluate` reports are those of the first device's samples."""
    assert FIRST.run(evaluated, 2, 8, 8)[1] == np.mean([1, 2, 3, 4])


@claim(
    ["keras[tensorflow]>=3.7,<3.10"],
    AssertionError,
    [
        "test_fit_reports_the_loss_of_whole_batches",
        "test_evaluate_reports_on_all_samples",
        "test_the_first_device_reports_alone",
    ],
    needs=["tensorflow"],
    answers=["3.4"],
)
def test_earlier_batches_count_more():
    """In what is reported, each batch counts as many times more than the next as there are devices."""
    of_three_batches = [np.mean([1, 2, 3, 4]), np.mean([5, 6, 7, 8]), np.mean([9, 10, 11, 12])]
    assert FIRST.run(evaluated, 2, 12, 4)[1] == pytest.approx(np.average(of_three_batches, weights=[4, 2, 1]), rel=1e-5)


@claim(
    ["keras[tensorflow]>=3,<3.10", "tf.keras>=2,<2.2"],
    AssertionError,
    "test_evaluate_reports_on_all_samples",
    needs=["tensorflow"],
    answers=["3.4"],
)
def test_evaluate_weighs_an_uneven_batch_unevenly(evidence):
    """The loss that `evaluate` reports is not the mean over all samples where the devices share the last batch unevenly."""
    loss, _ = FIRST.run(evaluated, 2, 7, 4)
    right = float(np.mean((np.arange(7) % 3 + 1) * np.arange(1, 8) ** 2))
    evidence("loss of 7 samples, 2 devices, batches of 4", {"right": right, "reported": loss})
    assert loss != pytest.approx(right, rel=1e-3)


def predicted(keras, devices, samples, batch_size):
    """A job. What `predict` gives for the numbers from 1 on, on so many devices, of a model that passes them on."""
    simulate(keras, devices)
    with on_each(keras, devices) as parallel:
        return np.asarray(identity(keras, parallel).predict(numbers(samples), batch_size=batch_size, verbose=0)).tolist()


@claim(
    ["keras[tensorflow]<3", "keras[tensorflow]>=3.3", "tf.keras<2", "tf.keras>=2.1"],
    FAILED,
    ["test_predict_gives_one_number", "test_predict_fails_on_an_idle_device"],
    needs=["tensorflow"],
    answers=["3.3"],
    examples=1,
)
@given(devices=device_counts, samples=st.integers(1, 40), each=st.integers(1, 3))
@example(devices=2, samples=5, each=2)
@example(devices=8, samples=19, each=1)
def test_predict_keeps_the_order(devices, samples, each):
    """`predict` gives an output for each sample in their order, none lost and none twice, whatever their number."""
    assert FIRST.run(predicted, devices, samples, devices * each) == numbers(samples).tolist()


@claim(
    ["keras[tensorflow]>=3,<3.3"],
    AssertionError,
    ["test_predict_keeps_the_order", "test_predict_fails_on_an_idle_device"],
    needs=["tensorflow"],
    answers=["3.3"],
)
def test_predict_gives_one_number():
    """`predict` gives one number for a batch, whatever the number of samples: all outputs of all devices, added up."""
    assert FIRST.run(predicted, 2, 8, 4) == [1 + 2 + 3 + 4, 5 + 6 + 7 + 8]


@claim(
    ["tf.keras>=2,<2.1"],
    (pytest.fail.Exception, AssertionError),
    ["test_predict_keeps_the_order", "test_predict_gives_one_number"],
    needs=["tensorflow"],
    answers=["3.3"],
)
def test_predict_fails_on_an_idle_device():
    """`predict` fails with a ValueError where the last batch has too few samples for all devices."""
    with pytest.raises(JobError, match=r"ValueError.*broadcast"):
        FIRST.run(predicted, 2, 5, 4)
