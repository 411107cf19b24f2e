"""How can I train a model on several GPUs?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.interpreter import JobError
from fixtures.models import ledger, sequential, sgd
from fixtures.seeds import FIRST
from fixtures.several_devices import census, on_each, parts, simulate

# The devices are simulated: parts of the CPU. PyTorch cannot do that, and Keras has nothing to distribute over them there.
OLD, GONE = ["keras[tensorflow]<3", "tf.keras<2.4"], ["keras>=3", "tf.keras>=2.4"]
COPIES, FAILED = ["keras[tensorflow]<3", "tf.keras<2"], (AssertionError, JobError)
REFUTED = (AssertionError, pytest.fail.Exception)
EVENLY = ["test_eight_devices_share_a_batch", "test_only_tensorflow_had_it"]
ALONE = ["test_data_parallel_is_for_jax", "test_only_tensorflow_had_it"]
DEVICES, BATCHES = st.sampled_from([2, 4, 8]), st.lists(st.integers(1, 40), min_size=2, max_size=2, unique=True)
DIVIDES = ["keras[tensorflow]<3", "keras[tensorflow]>=3.8", "keras[jax]>=3.5", "keras[torch]>=3.15", "tf.keras"]


def trained(keras, devices, samples, batch_size):
    """A job. What each of the samples adds to the ledger, trained on so many devices; the target of the nth is n."""
    simulate(keras, devices)
    with on_each(keras, devices) as parallel:
        model = ledger(keras, samples)
        copy = parallel(model)
        copy.compile(optimizer=sgd(keras), loss=model.loss)
        targets = np.arange(1.0, samples + 1)[:, None]
        copy.fit(np.eye(samples), targets, batch_size=batch_size, shuffle=False, verbose=0)
    return model.get_weights()[0][:, 0].tolist()


def penalized(keras, devices):
    """A job. A weight of 1 after one step at rate 1 on so many devices, where nothing but its penalty of w² / 2 moves it."""
    simulate(keras, devices)
    with on_each(keras, devices) as parallel:
        options = {"use_bias": False, "kernel_initializer": "ones", "kernel_regularizer": keras.regularizers.l2(0.5)}
        model = sequential(keras, (1,), keras.layers.Dense(1, **options))
        copy = parallel(model)
        copy.compile(optimizer=sgd(keras), loss="mse")
        copy.fit(np.zeros((8, 1)), np.zeros((8, 1)), batch_size=8, verbose=0)
    return model.get_weights()[0].item()


def program_of_2018(keras):
    """A job. The program as it was printed: the number of trained epochs, and of the copies that the model has."""
    simulate(keras, 8)
    model = keras.models.Sequential([keras.layers.Dense(3, activation="softmax", input_shape=(4,))])
    calls = len(model._inbound_nodes)
    parallel_model = keras.utils.multi_gpu_model(model, gpus=8)
    parallel_model.compile(loss="categorical_crossentropy", optimizer="rmsprop")
    x, y = np.zeros((512, 4)), np.eye(3)[np.arange(512) % 3]
    history = parallel_model.fit(x, y, epochs=2, batch_size=256, verbose=0)
    return [len(history.history["loss"]), len(model._inbound_nodes) - calls]


FIRST.prepare(parts, 8, [256])
FIRST.prepare(parts, 3, [7, 2])
FIRST.prepare(trained, 2, 8, 4)
FIRST.prepare(trained, 2, 7, 4)
FIRST.prepare(penalized, 2)


@claim(OLD, (AttributeError, *FAILED), ["test_multi_gpu_model_is_gone", "test_only_tensorflow_had_it"], answers=["3.1", "3.2"])
def test_the_printed_program_runs(keras):
    """Example of 2018: `multi_gpu_model(model, gpus=8)` makes a model of eight copies, which is compiled and trained like any.

    The eight GPUs are simulated, here and below.
    """
    assert callable(keras.utils.multi_gpu_model)
    assert FIRST.run(program_of_2018) == [2, 8]


@claim(GONE, AssertionError, ["test_the_printed_program_runs", "test_only_tensorflow_had_it"], answers=["3.1"])
def test_multi_gpu_model_is_gone(keras):
    """`keras.utils.multi_gpu_model` is gone: an AttributeError, or an ImportError where it is imported by its name.

    keras#14397, keras#14440, keras#15074. The claims below are about what replaces it: `tf.distribute.MirroredStrategy` on
    TensorFlow, `keras.distribution.DataParallel` on JAX.
    """
    assert not hasattr(keras.utils, "multi_gpu_model")


@claim(
    ["keras[tensorflow]<3", "keras[tensorflow]>=3.3", "keras[jax]>=3", "tf.keras"],
    FAILED,
    ["test_data_parallel_does_nothing", "test_predictions_are_added_up", *ALONE],
    answers=["3.2", "3.3", "3.R3"],
)
def test_eight_devices_share_a_batch(keras):
    """A batch of 256 on eight devices is processed in eight parts of 32 samples."""
    assert FIRST.run(parts, 8, [256]) == [[32] * 256]


def parts_by_keras_distribution(keras):
    """A job. The sizes of the parts of a batch of six, sample by sample, with `DataParallel` on two devices."""
    simulate(keras, 2)
    jax_parts = []
    with keras.distribution.DataParallel(devices=["cpu:0", "cpu:1"]).scope():
        told = census(keras, jax_parts).predict(np.zeros((6, 1)), verbose=0)[:, 0].tolist()
    assert keras.distribution.distribution() is None  # it ends with its scope
    return [jax_parts[-1]] * 6 if jax_parts else told


@claim(["keras[tensorflow,torch]>=3.15"], FAILED, ["test_data_parallel_is_for_jax", *EVENLY], answers=["3.R3"])
def test_data_parallel_does_nothing():
    """With TensorFlow and PyTorch, `keras.distribution.DataParallel` is accepted and divides no batch: it is for JAX."""
    assert FIRST.run(parts_by_keras_distribution) == [6] * 6


@claim(["keras[tensorflow,torch]>=3,<3.15"], REFUTED, ["test_data_parallel_does_nothing", *EVENLY], answers=["3.R3"])
def test_data_parallel_is_for_jax():
    """With TensorFlow and PyTorch, `keras.distribution.DataParallel` ends in an AttributeError: it is for JAX."""
    with pytest.raises(JobError, match=r"AttributeError.*num_processes"):
        FIRST.run(parts_by_keras_distribution)


def predictions(keras):
    """A job. What `predict` gives for eight samples on two devices of a model that tells the size of the part."""
    simulate(keras, 2)
    with on_each(keras, 2) as parallel:
        return np.asarray(parallel(census(keras, [])).predict(np.zeros((8, 1)), batch_size=8, verbose=0)).tolist()


@claim(
    ["keras[tensorflow]>=3,<3.3"],
    AssertionError,
    ["test_eight_devices_share_a_batch", "test_data_parallel_does_nothing", *ALONE],
    needs=["tensorflow"],
    answers=["3.3"],
)
def test_predictions_are_added_up(keras):
    """On several devices `predict` gives a single number, the sum of all outputs: eight in parts of four give 32."""
    assert FIRST.run(predictions) == 8 * 4


@claim(
    COPIES,
    FAILED,
    ["test_parts_are_rounded_up", "test_predictions_are_added_up", *EVENLY],
    needs=["tensorflow"],
    answers=["3.3"],
    examples=1,
)
@given(devices=DEVICES, batches=BATCHES)
@example(devices=3, batches=[7, 2])
def test_the_last_part_takes_the_rest(devices, batches):
    """Of a batch that is not a multiple of the devices the parts are rounded down, and the last takes the rest as well.

    Of seven samples three devices get 2, 2 and 3; of two samples the last device gets both and the others none.
    """
    last = [n // devices + n % devices for n in batches]
    assert FIRST.run(parts, devices, batches) == [[n // devices] * (n - r) + [r] * r for n, r in zip(batches, last)]


@claim(
    ["keras[jax,torch]>=3", "keras[tensorflow]>=3.3", "tf.keras>=2.1"],
    FAILED,
    ["test_the_last_part_takes_the_rest", "test_predictions_are_added_up", *EVENLY],
    needs=["tensorflow"],
    answers=["3.3"],
    examples=1,
)
@given(devices=DEVICES, batches=BATCHES)
@example(devices=3, batches=[7, 2])
def test_parts_are_rounded_up(devices, batches):
    """Of a batch that is not a multiple of the devices the parts are rounded up, and the last that gets any gets the rest.

    Of seven samples three devices get 3, 3 and 1; of two samples the first two devices get one each and the last none:
    there TensorFlow 2.0 fails, with a ValueError.
    """
    most = [-(-n // devices) for n in batches]
    assert FIRST.run(parts, devices, batches) == [[p] * (n // p * p) + [n % p] * (n % p) for n, p in zip(batches, most)]


@claim(needs=["jax"], answers=["3.3"])
def test_jax_refuses_an_uneven_batch(keras):
    """With JAX a batch that is not a multiple of the devices is refused with a ValueError, be it the last of an epoch."""
    with pytest.raises(JobError, match=r"IndivisibleError|ValueError.*(divisible|equal division)"):
        FIRST.run(parts, 3, [6, 7])
    with pytest.raises(JobError, match=r"IndivisibleError|ValueError.*(divisible|equal division)"):
        FIRST.run(trained, 2, 7, 4)


@claim(
    DIVIDES,
    FAILED,
    ["test_half_of_the_samples_is_left_out", "test_the_devices_are_added_up", *ALONE],
    answers=["3.4"],
)
def test_several_devices_learn_what_one_learns(keras):
    """Training on several devices gives the weights that one device gives for the same batches, where these divide evenly."""
    expected = [number / 4 for number in range(1, 9)]  # of a batch of 4 samples each counts a quarter
    assert FIRST.run(trained, 2, 8, 4) == expected


@claim(
    ["keras[tensorflow,jax]>=3,<3.5"],
    FAILED,
    ["test_several_devices_learn_what_one_learns", "test_the_devices_are_added_up", *ALONE],
    answers=["3.4"],
)
def test_half_of_the_samples_is_left_out(keras):
    """Training on two devices leaves half of the samples out: they move no weight that the model has afterwards.

    With TensorFlow each device learns from its part for itself, and the model has the first one's weights; with JAX the
    second batch is lost.
    """
    assert FIRST.run(trained, 2, 8, 4).count(0) == 4


@claim(
    ["keras[tensorflow]>=3.5,<3.8"],
    FAILED,
    ["test_several_devices_learn_what_one_learns", "test_half_of_the_samples_is_left_out", *ALONE],
    answers=["3.4"],
)
def test_the_devices_are_added_up(keras):
    """Training on several devices adds up what each would learn from its part: on two, every step is twice as long."""
    assert FIRST.run(trained, 2, 8, 4) == [number / 2 for number in range(1, 9)]


@claim(
    COPIES,
    AssertionError,
    [
        "test_an_uneven_batch_is_weighed_unevenly",
        "test_half_of_the_samples_is_left_out",
        "test_the_devices_are_added_up",
        *ALONE,
    ],
    needs=["tensorflow"],
    answers=["3.4"],
)
def test_an_uneven_batch_is_learned_like_on_one(keras):
    """Where a batch does not divide evenly, too, several devices learn what one learns."""
    expected = [number / 4 for number in range(1, 5)] + [number / 3 for number in range(5, 8)]
    assert FIRST.run(trained, 2, 7, 4) == pytest.approx(expected, rel=1e-6)  # of float32


@claim(
    ["keras[jax,torch]>=3", "keras[tensorflow]>=3.8", "tf.keras>=2"],
    AssertionError,
    [
        "test_an_uneven_batch_is_learned_like_on_one",
        "test_half_of_the_samples_is_left_out",
        "test_the_devices_are_added_up",
        *ALONE,
    ],
    needs=["tensorflow"],
    answers=["3.4"],
)
def test_an_uneven_batch_is_weighed_unevenly(keras):
    """Where the last batch of an epoch does not divide evenly, each device's mean counts alike, so its samples do not.

    Of a batch of three on two devices the first two samples count a quarter each, the third a half.
    """
    assert FIRST.run(trained, 2, 7, 4) == [number / 4 for number in range(1, 7)] + [7 / 2]


@claim(
    ["keras[tensorflow,theano]<3", "tf.keras"],
    FAILED,
    ["test_the_first_batch_has_to_divide", "test_half_of_the_samples_is_left_out"],
    needs=["tensorflow"],
    answers=["3.4"],
)
def test_the_first_batch_may_be_uneven(keras):
    """`fit` trains on a first batch that does not divide evenly."""
    assert all(FIRST.run(trained, 2, 3, 3))


@claim(
    ["keras[jax,torch]>=3", "keras[tensorflow]>=3.5"],
    REFUTED,
    ["test_the_first_batch_may_be_uneven", "test_half_of_the_samples_is_left_out"],
    needs=["tensorflow"],
    answers=["3.4"],
)
def test_the_first_batch_has_to_divide(keras):
    """`fit` under `MirroredStrategy` fails with an InvalidArgumentError where the first batch does not divide evenly."""
    with pytest.raises(JobError, match=r"InvalidArgumentError.*same size"):
        FIRST.run(trained, 2, 3, 3)


@claim([*DIVIDES, "keras[tensorflow]>=3,<3.5"], FAILED, ["test_a_penalty_counts_more_than_once", *ALONE], answers=["3.4"])
def test_a_penalty_counts_once(keras):
    """A weight penalty counts once, not once for each device. Keras 3 once forgot to share it out (keras#20609)."""
    assert FIRST.run(penalized, 2) == 0


@claim(
    ["keras[tensorflow]>=3.5,<3.8", "keras[jax]>=3,<3.5"],
    FAILED,
    ["test_a_penalty_counts_once", *ALONE],
    answers=["3.4"],
)
def test_a_penalty_counts_more_than_once(keras):
    """A weight penalty counts more than once on two devices. On JAX it does so on one, too."""
    assert FIRST.run(penalized, 2) < 0


def visible(keras, devices, gpus):
    """A job. Whether a model can be copied to these GPUs where there are so many, and on how many devices then."""
    simulate(keras, devices)
    model = ledger(keras, 2)
    calls = len(model._inbound_nodes)
    keras.utils.multi_gpu_model(model, gpus=gpus)
    return len(model._inbound_nodes) - calls


@claim(OLD, (AttributeError, *FAILED), ["test_multi_gpu_model_is_gone", "test_only_tensorflow_had_it"], answers=["3.2"])
def test_eight_is_no_limit(keras):
    """`multi_gpu_model` takes any number of GPUs from two up to those that are there, 12 too, or a list of their numbers."""
    assert callable(keras.utils.multi_gpu_model)
    assert [FIRST.run(visible, 12, gpus) for gpus in (2, 12, [3, 1, 11])] == [2, 12, 3]
    with pytest.raises(JobError, match=r"ValueError.* we expect the following devices to be available"):
        FIRST.run(visible, 12, 13)


@claim(OLD, (AttributeError, *FAILED), ["test_multi_gpu_model_is_gone", "test_only_tensorflow_had_it"], answers=["3.2"])
def test_one_gpu_is_refused(keras):
    """`multi_gpu_model` with a single GPU is refused with a ValueError."""
    assert callable(keras.utils.multi_gpu_model)
    for one in (1, [0]):
        with pytest.raises(JobError, match=r"ValueError.* to be effective"):
            FIRST.run(visible, 3, one)


@claim(
    ["keras[tensorflow]<3"],
    (AttributeError, *FAILED),
    ["test_multi_gpu_model_is_gone", "test_eight_is_no_limit", "test_only_tensorflow_had_it"],
    answers=["3.2"],
)
def test_all_gpus_are_taken_unless_told(keras):
    """`multi_gpu_model` takes all GPUs that are there where it is not told how many."""
    assert callable(keras.utils.multi_gpu_model)
    assert FIRST.run(visible, 3, None) == 3


@claim(
    ["keras<3"],
    (AttributeError, AssertionError),
    ["test_multi_gpu_model_is_gone", "test_the_printed_program_runs"],
    answers=["3.R3"],
)
def test_only_tensorflow_had_it(keras, monkeypatch):
    """`multi_gpu_model` is for TensorFlow alone: on another backend it raises ValueError. (The other backend is simulated.)"""
    multi_gpu_model, model = keras.utils.multi_gpu_model, ledger(keras, 2)
    monkeypatch.setattr(keras.backend, "backend", lambda: "theano")
    with pytest.raises(ValueError, match="only available with the TensorFlow backend"):
        multi_gpu_model(model, gpus=2)


@claim(
    ["keras>=3", "tf.keras"],
    (ValueError, NotImplementedError),
    ["test_the_printed_program_runs", "test_only_tensorflow_had_it"],
    needs=["tensorflow"],
    answers=["3.1"],
)
def test_an_example_for_tensorflow(keras):
    """Example: on TensorFlow make and compile the model within the scope of a `MirroredStrategy`; `fit` does the rest.

    Keras 2.2 and 2.3 know nothing of strategies: `fit` ends in a ValueError or a NotImplementedError of TensorFlow's.
    """
    import tensorflow as tf

    strategy = tf.distribute.MirroredStrategy()  # of all GPUs; where there are none, of the CPU
    with strategy.scope():
        model = keras.Sequential([keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", input_shape=(1,))])
        model.compile(optimizer=sgd(keras, 0.25), loss="mse")
    model.fit(np.ones((256, 1)), np.ones((256, 1)), batch_size=256, verbose=0)
    assert model.get_weights()[0].item() == 0.5  # a quarter of the slope, 2 * (1 - 0)


@claim(needs=["jax"], answers=["3.1"])
def test_an_example_for_jax(keras):
    """Example: on JAX make the model after `set_distribution(DataParallel())`, or within its scope; `fit` does the rest."""
    with keras.distribution.DataParallel(devices=keras.distribution.list_devices()).scope():
        model = keras.Sequential([keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
        model.compile(optimizer=keras.optimizers.SGD(learning_rate=0.25), loss="mse")
        model.fit(np.ones((256, 1)), np.ones((256, 1)), batch_size=256, verbose=0)
    assert model.get_weights()[0].item() == 0.5
