"""How does `keras.distribution` spread training over several devices, on JAX?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.interpreter import JobError
from fixtures.models import sequential, sgd
from fixtures.optimizers import adam_path, optimizer, plain_path
from fixtures.seeds import FIRST
from fixtures.several_devices import model_parallel, on_each, shards, simulate

# The devices are simulated: parts of the CPU.
TRAINS, ASTRAY = ["keras[jax]>=3.5"], "test_training_went_astray"
RACES = ["keras[jax]>=3.5,<3.10"]  # with the JAX 0.4.31 of its time: now and then a device's part is added twice
RATE, STEPS, ROWS, COLUMNS = 0.125, 3, 4, 8
COLUMNS_SPLIT = {"wide/kernel": (None, "model")}
START = np.arange(1.0, ROWS * COLUMNS + 1).reshape(ROWS, COLUMNS)
SIGNS = np.tile([[1.0], [-1.0]], (4, 1))  # eight samples, four for each of two devices


def batches(samples):
    """A few batches of so many samples: inputs and targets, `(STEPS, samples, ROWS)` and `(STEPS, samples, COLUMNS)`."""
    random = np.random.RandomState(samples)
    return random.choice([1.0, 2.0, 4.0], (STEPS, samples, ROWS)), random.choice([1.0, 2.0], (STEPS, samples, COLUMNS))


def linear(keras):
    """A linear model, of one kernel `(ROWS, COLUMNS)`, called "wide"."""
    model = sequential(keras, (ROWS,), keras.layers.Dense(COLUMNS, use_bias=False, name="wide"))
    model.set_weights([START])
    return model


def fit(keras, model, samples, name="SGD"):
    """Train it so that the gradient of an entry of the kernel is the mean of input times target."""
    model.compile(optimizer=optimizer(keras, name, RATE), loss=lambda target, output: (target * output).sum(axis=-1))
    x, y = map(np.concatenate, batches(samples))
    return model.fit(x, y, batch_size=samples, shuffle=False, verbose=0).history["loss"][0]


def spread(keras, copies, parts, samples, name):
    """A job. `linear` over `copies * parts` devices, by `DataParallel` where `parts` is 0: what comes of it.

    Predictions, trained kernel, the loss in `fit`; of the kernel and of the optimizer's like it, what each device has.
    """
    simulate(keras, copies * max(parts, 1))
    with model_parallel(keras, copies, parts, COLUMNS_SPLIT).scope() if parts else on_each(keras, copies):
        model = linear(keras)
        predicted = model.predict(np.concatenate(batches(samples)[0]), batch_size=samples, verbose=0)
        loss = fit(keras, model, samples, name)
        slots = [shards(one) for one in model.optimizer.variables if tuple(one.shape) == START.shape]
        return predicted, model.get_weights()[0], loss, shards(model.trainable_variables[0]), slots


def learned(samples, name):
    """What the kernel should be after each step."""
    x, y = batches(samples)
    gradients = np.einsum("sbr,sbc->src", x, y) / samples
    return START + {"SGD": plain_path, "Adam": adam_path}[name](gradients, RATE)


def same(measured, expected):
    """Equal in float32: Adam's 1 - 0.999^t is off by up to 6e-8 of 0.001."""
    return np.allclose(measured, expected, rtol=1e-4, atol=1e-4)


@claim(needs=["jax"], answers=["3.1"], examples=1)
@given(devices=st.sampled_from([2, 4, 8]))
def test_every_device_has_all_weights(devices):
    """With `DataParallel` every device has the whole of every weight, of which its own share of a batch is the only part."""
    assert FIRST.run(spread, devices, 0, 2 * devices, "Adam")[3] == [(ROWS, COLUMNS)] * devices


@claim(TRAINS, AssertionError, ASTRAY, needs=["jax"], answers=["3.4"], examples=1)
@given(devices=st.sampled_from([2, 4, 8]), each=st.integers(2, 5), name=st.sampled_from(["Adam", "SGD"]))
@example(devices=8, each=1, name="SGD")
def test_data_parallel_learns_what_one_learns(devices, each, name):
    """`DataParallel` learns from any batch that divides evenly what one device learns from it, by SGD and by Adam."""
    measured = FIRST.run(spread, devices, 0, devices * each, name)[1]
    assert same(measured, learned(devices * each, name)[-1])


@claim(TRAINS, AssertionError, ASTRAY, needs=["jax"], answers=["3.4"])
def test_fit_reports_the_loss_of_whole_batches():
    """The loss that `fit` reports is the mean over all samples of all devices."""
    x, y = batches(8)
    kernels = np.concatenate([START[None], learned(8, "SGD")[:-1]])
    expected = np.mean(
        [(np.dot(inputs, kernel) * targets).sum(axis=-1).mean() for inputs, targets, kernel in zip(x, y, kernels)]
    )
    assert FIRST.run(spread, 8, 0, 8, "SGD")[2] == pytest.approx(expected, rel=1e-5)


@claim(
    ["keras[jax]<3.5"],
    AssertionError,
    ["test_data_parallel_learns_what_one_learns", "test_model_parallel_learns_what_one_learns"],
    needs=["jax"],
    answers=["3.4"],
)
def test_training_went_astray():
    """On several devices training gives other weights than on one, be it with `DataParallel` or with `ModelParallel`."""
    assert not same(FIRST.run(spread, 8, 0, 8, "SGD")[1], learned(8, "SGD")[-1])
    assert not same(FIRST.run(spread, 1, 4, 8, "SGD")[1], learned(8, "SGD")[-1])


def evaluated(keras):
    """A job. What `evaluate` gives on four devices for twelve samples in batches of eight: loss and metric."""
    simulate(keras, 4)
    with on_each(keras, 4):
        model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones"))
        model.compile(optimizer=sgd(keras), loss="mse", metrics=["mae"])
        numbers, weights = np.arange(1.0, 13)[:, None], np.arange(12) % 3 + 1.0
        return model.evaluate(numbers, 0 * numbers, batch_size=8, sample_weight=weights, verbose=0)


@claim(TRAINS, AssertionError, "test_evaluation_went_astray", needs=["jax"], answers=["3.4"])
def test_evaluate_reports_on_all_samples():
    """What `evaluate` reports is the mean over all samples of all devices: the loss with their weights, metrics without."""
    numbers, weights = np.arange(1.0, 13), np.arange(12) % 3 + 1.0
    assert FIRST.run(evaluated) == pytest.approx([np.mean(weights * numbers**2), np.mean(numbers)], rel=1e-5)


@claim(["keras[jax]<3.5"], AssertionError, "test_evaluate_reports_on_all_samples", needs=["jax"], answers=["3.4"])
def test_evaluation_went_astray(evidence):
    """The metrics that `evaluate` reports on several devices are not those of the samples."""
    _, metric = FIRST.run(evaluated)
    evidence("mean of 1 to 12, reported", metric)
    assert metric != pytest.approx(6.5, rel=0.1)


def normalized(keras):
    """A job. The moving mean and variance of a batch on two devices, the first's samples 8 ± 1 and the second's 16 ± 1."""
    simulate(keras, 2)
    with on_each(keras, 2):
        model = sequential(keras, (1,), keras.layers.BatchNormalization(momentum=0.0))
        model.compile(optimizer=sgd(keras, 0.0), loss="mse")
        model.fit(SIGNS + np.repeat([[8.0], [16.0]], 4, axis=0), SIGNS, batch_size=8, shuffle=False, verbose=0)
    return [weight.item() for weight in model.get_weights()[2:]]


@claim(needs=["jax"], answers=["3.4"])
def test_normalizes_the_whole_batch():
    """`BatchNormalization` takes the mean and the variance of the whole batch, all devices together."""
    assert FIRST.run(normalized) == pytest.approx([12, 1 + 16], rel=1e-5)


def from_outside(keras):
    """A job. A model that was made before the distribution's scope is trained in it."""
    simulate(keras, 2)
    model = linear(keras)
    with on_each(keras, 2):
        fit(keras, model, 8)


def to_outside(keras):
    """A job. A model that was made in the distribution's scope is trained after it: its kernel."""
    simulate(keras, 2)
    with on_each(keras, 2):
        model = linear(keras)
    fit(keras, model, 8)
    return model.get_weights()[0]


@claim(needs=["jax"], answers=["3.1"])
def test_a_model_from_outside_is_refused():
    """A model that was made outside of the distribution's scope cannot be trained in it: a ValueError about its devices."""
    with pytest.raises(JobError, match=r"ValueError: .*device"):
        FIRST.run(from_outside)


@claim(["keras[jax]>=3.12"], JobError, "test_the_scope_must_not_be_left", needs=["jax"], answers=["3.1"])
def test_the_scope_may_be_left():
    """A model that was made in the distribution's scope is trained outside of it, too."""
    assert same(FIRST.run(to_outside), learned(8, "SGD")[-1])


@claim(["keras[jax]<3.12"], pytest.fail.Exception, "test_the_scope_may_be_left", needs=["jax"], answers=["3.1"])
def test_the_scope_must_not_be_left():
    """A model that was made in the distribution's scope cannot be trained outside of it: a ValueError about its devices."""
    with pytest.raises(JobError, match=r"ValueError: .*device"):
        FIRST.run(to_outside)


@claim(needs=["jax"], answers=["3.1"], examples=1)
@given(copies=st.sampled_from([2, 1]), parts=st.sampled_from([4, 2]))
@example(copies=1, parts=4)
def test_a_kernel_is_split_as_its_layout_says(copies, parts):
    """With `ModelParallel` each device has only its part of a kernel: of the columns, where the layout is `(None, "model")`."""
    assert FIRST.run(spread, copies, parts, 8, "Adam")[3] == [(ROWS, COLUMNS // parts)] * (copies * parts)


@claim(varies_on=RACES, needs=["jax"], answers=["3.4"], examples=1)
@given(copies=st.sampled_from([2, 1]), parts=st.sampled_from([4, 2]))
@example(copies=1, parts=4)
def test_a_split_kernel_predicts_what_a_whole_one_predicts(copies, parts):
    """A model whose kernel is split over devices predicts what it predicts on one, in whole numbers exactly.

    Not always with Keras 3.5 on JAX 0.4.31, where the batch is divided too: in some runs some numbers were twice as large.
    """
    assert np.array_equal(FIRST.run(spread, copies, parts, 8, "Adam")[0], np.concatenate(batches(8)[0]) @ START)


@claim(TRAINS, AssertionError, ASTRAY, varies_on=RACES, needs=["jax"], answers=["3.4"], examples=1)
@given(copies=st.sampled_from([2, 1]), parts=st.sampled_from([4, 2]), name=st.sampled_from(["Adam", "SGD"]))
@example(copies=1, parts=4, name="Adam")
@example(copies=2, parts=2, name="SGD")
def test_model_parallel_learns_what_one_learns(copies, parts, name):
    """A model whose kernel is split over devices, and the batch with it, learns what it learns on one, by SGD and by Adam."""
    assert same(FIRST.run(spread, copies, parts, 8, name)[1], learned(8, name)[-1])


@claim(["keras[jax]>=3.10"], AssertionError, "test_the_optimizer_s_averages_are_whole", needs=["jax"], answers=["3.1"])
def test_the_optimizer_s_averages_are_split_likewise():
    """Adam's averages are split like the kernel that they belong to."""
    assert FIRST.run(spread, 2, 4, 8, "Adam")[4] == [[(ROWS, COLUMNS // 4)] * 8] * 2


@claim(["keras[jax]<3.10"], AssertionError, "test_the_optimizer_s_averages_are_split_likewise", needs=["jax"], answers=["3.1"])
def test_the_optimizer_s_averages_are_whole():
    """Adam's averages are whole on each device, though the kernel that they belong to is split."""
    assert FIRST.run(spread, 2, 4, 8, "Adam")[4] == [[(ROWS, COLUMNS)] * 8] * 2


def laid_out(keras, parts, layouts):
    """A job. What each device has of a kernel, by these pairs of a path and its axes; no device trains it."""
    simulate(keras, parts)
    with model_parallel(keras, 1, parts, dict(layouts)).scope():
        return shards(linear(keras).trainable_variables[0])


@claim(needs=["jax"], answers=["3.1"])
def test_layouts_are_found_by_regular_expressions():
    """A layout is for the variables whose paths match its regular expression; the others are whole on every device."""
    assert FIRST.run(laid_out, 2, (("w.*/kernel", ("model", None)),)) == [(ROWS // 2, COLUMNS)] * 2
    assert FIRST.run(laid_out, 2, (("wild/kernel", ("model", None)),)) == [(ROWS, COLUMNS)] * 2


@claim(["keras[jax]>=3.14"], AssertionError, "test_a_part_of_the_path_is_enough", needs=["jax"], answers=["3.1"])
def test_the_whole_path_has_to_match():
    """A layout's regular expression has to match the whole path: `"kernel"` is no kernel's, and nothing says so."""
    assert FIRST.run(laid_out, 2, (("kernel", ("model", None)),)) == [(ROWS, COLUMNS)] * 2


@claim(["keras[jax]<3.14"], AssertionError, "test_the_whole_path_has_to_match", needs=["jax"], answers=["3.1"])
def test_a_part_of_the_path_is_enough():
    """A layout's regular expression may match any part of the path: `"kernel"` is every kernel's."""
    assert FIRST.run(laid_out, 2, (("kernel", ("model", None)),)) == [(ROWS // 2, COLUMNS)] * 2


@claim(needs=["jax"], answers=["3.1"])
def test_wrong_layouts_are_refused():
    """An axis that does not divide evenly, one that the mesh has not, and two layouts for one variable are ValueErrors."""
    with pytest.raises(JobError, match=r"IndivisibleError|ValueError.*(divisible|equal division)"):
        FIRST.run(laid_out, 3, ((".*kernel", (None, "model")),))
    with pytest.raises(JobError, match=r"ValueError: Invalid axis names"):
        FIRST.run(laid_out, 2, ((".*kernel", (None, "modle")),))
    with pytest.raises(JobError, match=r"ValueError: .*matches multiple layout"):
        FIRST.run(laid_out, 2, ((".*kernel", (None, "model")), ("wide.*", ("model", None))))
