"""Faults in training on several devices."""

import contextlib
import functools
from types import SimpleNamespace

import numpy as np

from fixtures import interpreter
from specs.general import test_multi_gpu as spec
from tests.falsifiers import falsifies

OLD, GONE, COPIES, JAX = spec.OLD, spec.GONE, spec.COPIES, ["keras[jax]>=3"]
MIRRORED = ["keras[tensorflow]>=3.8", "tf.keras>=2"]
DIVIDES = spec.DIVIDES


def copies_become(keras, patch, change):
    """Keras 2.2 copies a model to as many GPUs as `change` makes of those that it was asked for."""
    original = keras.utils.multi_gpu_model

    @functools.wraps(original)  # it stays in its module, in which the devices are simulated
    def multi_gpu_model(model, gpus=None):
        return original(model, gpus=change(gpus))

    patch.setattr(keras.utils, "multi_gpu_model", multi_gpu_model)


def devices_become(keras, patch, change):
    """A strategy, or a distribution, is made of what `change` makes of its devices."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        strategy = tf.distribute.MirroredStrategy
        patch.setattr(tf.distribute, "MirroredStrategy", lambda devices: strategy(change(devices)))
    else:
        distribution = keras.distribution.DataParallel
        patch.setattr(keras.distribution, "DataParallel", lambda devices: distribution(devices=change(devices)))


def training_becomes(keras, patch, change):
    """`fit` works with what `change` makes of `(x, y, batch_size)`."""
    original = keras.models.Model.fit

    def fit(self, x, y, batch_size, **options):
        x, y, batch_size = change(x, y, batch_size)
        return original(self, x, y, batch_size=batch_size, **options)

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_the_printed_program_runs, on=OLD, in_interpreter=True)
@falsifies(spec.test_eight_devices_share_a_batch, on=COPIES, in_interpreter=True)
def copies_to_half_of_the_gpus(keras, patch):
    """The model is copied to four GPUs where eight were asked for."""
    copies_become(keras, patch, lambda gpus: gpus // 2)


@falsifies(spec.test_multi_gpu_model_is_gone, on=OLD)
def multi_gpu_model_is_taken_away(keras, patch):
    """`multi_gpu_model` is removed."""
    patch.delattr(keras.utils, "multi_gpu_model")


@falsifies(spec.test_multi_gpu_model_is_gone, on=GONE)
def multi_gpu_model_is_back(keras, patch):
    """`multi_gpu_model` exists again."""
    patch.setattr(keras.utils, "multi_gpu_model", lambda model, gpus=None: model, raising=False)


@falsifies(
    spec.test_the_printed_program_runs,
    spec.test_eight_is_no_limit,
    spec.test_one_gpu_is_refused,
    spec.test_only_tensorflow_had_it,
    spec.test_all_gpus_are_taken_unless_told,
    on=GONE,  # here, where it is looked for, and in the interpreter, where it is used
)
def multi_gpu_model_does_it_all(keras, patch):
    """`multi_gpu_model` exists again and does what it did, on a machine with 12 GPUs, of which it takes 3 unless told."""

    def multi_gpu_model(model, gpus=3):
        numbers = range(3 if gpus is None else gpus) if not isinstance(gpus, list) else gpus
        if keras.backend.backend() == "theano":
            raise ValueError("only available with the TensorFlow backend")
        if len(numbers) < 2:
            raise ValueError("call it with at least two GPUs to be effective")
        if max(numbers) >= 12:
            raise ValueError("in that case we expect the following devices to be available: twelve")
        copies = [model(model.inputs[0]) for _ in numbers]
        return keras.models.Model(model.inputs, keras.layers.average(copies))

    patch.setattr(keras.utils, "multi_gpu_model", multi_gpu_model, raising=False)
    patch.setattr(interpreter, "fault", (__name__, "multi_gpu_model_does_it_all"))


@falsifies(spec.test_eight_devices_share_a_batch, on=[*MIRRORED, *JAX], in_interpreter=True)
def leaves_out_half_of_the_devices(keras, patch):
    """Only four of eight devices take part."""
    devices_become(keras, patch, lambda devices: devices[: len(devices) // 2])


@falsifies(spec.test_eight_devices_share_a_batch, on=["keras[torch]>=3"], in_interpreter=True)
def eight_parts_with_pytorch(keras, patch):
    """With PyTorch, too, `predict` goes through the batch in eight parts."""
    original = keras.models.Model.predict
    patch.setattr(
        keras.models.Model, "predict", lambda self, x, batch_size=32, **options: original(self, x, batch_size=batch_size // 8)
    )


@falsifies(spec.test_data_parallel_does_nothing, on=["keras[tensorflow,torch]>=3.15"], in_interpreter=True)
def distribution_divides_batches(keras, patch):
    """`DataParallel` divides a batch on other backends too."""
    original = keras.models.Model.predict
    patch.setattr(keras.models.Model, "predict", lambda self, x, **options: original(self, x, batch_size=len(x) // 2))


@falsifies(spec.test_data_parallel_does_nothing, on=JAX, in_interpreter=True)
def distribution_is_given_up(keras, patch):
    """`DataParallel` uses one device."""
    devices_become(keras, patch, lambda devices: devices[:1])


@falsifies(spec.test_data_parallel_does_nothing, on=["keras<3", "tf.keras"], in_interpreter=True)
def distribution_comes_early(keras, patch):
    """`keras.distribution` exists, and divides nothing."""
    nothing = SimpleNamespace(scope=contextlib.nullcontext)
    patch.setattr(keras, "distribution", SimpleNamespace(DataParallel=lambda devices: nothing), raising=False)


def count_processes(*args, **options):
    """Ask for what only JAX has."""
    raise AttributeError("the backend has no attribute 'num_processes'")


@falsifies(spec.test_data_parallel_is_for_jax, on=["keras<3", "tf.keras"], in_interpreter=True)
def early_distribution_counts_processes(keras, patch):
    """`keras.distribution` exists, and asks each backend for the number of its processes."""
    patch.setattr(keras, "distribution", SimpleNamespace(DataParallel=count_processes), raising=False)


@falsifies(spec.test_data_parallel_is_for_jax, on=["keras[tensorflow,torch]>=3.15", *JAX], in_interpreter=True)
def distribution_counts_processes(keras, patch):
    """`DataParallel` asks each backend for the number of its processes."""
    patch.setattr(keras.distribution.DataParallel, "__init__", count_processes)


@falsifies(spec.test_predictions_are_added_up, on=["keras<3", "keras[tensorflow]>=3.3", "tf.keras"], in_interpreter=True)
def predict_adds_up(keras, patch):
    """`predict` gives the sum of the parts' sizes over all samples."""
    patch.setattr(keras.models.Model, "predict", lambda self, x, **options: np.float32(len(x) * 4))


def parts_are(keras, patch, rule):
    """Tell each sample of a batch that it is in a part of the size that `rule(samples, devices)` lists."""
    import tensorflow as tf

    copies = []
    if hasattr(keras.utils, "multi_gpu_model"):
        copies_become(keras, patch, lambda gpus: copies.append(gpus) or gpus)

    def predict(self, x, **options):
        devices = copies[-1] if copies else tf.distribute.get_strategy().num_replicas_in_sync
        return np.array(rule(len(x), devices), "float32")[:, None]

    patch.setattr(keras.models.Model, "predict", predict)


@falsifies(spec.test_the_last_part_takes_the_rest, on=COPIES, in_interpreter=True)
@falsifies(spec.test_parts_are_rounded_up, on=COPIES, in_interpreter=True)
def rounds_up(keras, patch):
    """Parts are rounded up where they were rounded down."""

    def rule(samples, devices):
        part = -(-samples // devices)
        return [part] * (samples - samples % part) + [samples % part] * (samples % part)

    parts_are(keras, patch, rule)


@falsifies(spec.test_parts_are_rounded_up, on=MIRRORED, in_interpreter=True)
@falsifies(spec.test_the_last_part_takes_the_rest, on=MIRRORED, in_interpreter=True)
def rounds_down(keras, patch):
    """Parts are rounded down where they were rounded up."""

    def rule(samples, devices):
        last = samples // devices + samples % devices
        return [samples // devices] * (samples - last) + [last] * last

    parts_are(keras, patch, rule)


@falsifies(spec.test_jax_refuses_an_uneven_batch, on=JAX, in_interpreter=True)
def uneven_batches_run_on_one(keras, patch):
    """An uneven batch is processed on a single device."""
    devices_become(keras, patch, lambda devices: devices[:1])


@falsifies(
    spec.test_several_devices_learn_what_one_learns, spec.test_an_uneven_batch_is_learned_like_on_one,
    on=COPIES, in_interpreter=True,
)  # fmt: skip
@falsifies(spec.test_several_devices_learn_what_one_learns, spec.test_half_of_the_samples_is_left_out, on=DIVIDES,
           in_interpreter=True)  # fmt: skip
def the_second_device_is_lost(keras, patch):
    """What the second half of each batch teaches is lost."""

    def change(x, y, batch_size):
        y = y.copy()
        for start in range(0, len(y), batch_size):
            y[start + batch_size // 2 : start + batch_size] = 0
        return x, y, batch_size

    training_becomes(keras, patch, change)


@falsifies(spec.test_an_uneven_batch_is_weighed_unevenly, on=MIRRORED, in_interpreter=True)
@falsifies(spec.test_several_devices_learn_what_one_learns, spec.test_the_devices_are_added_up, on=DIVIDES,
           in_interpreter=True)  # fmt: skip
def adds_up_what_devices_learn(keras, patch):
    """The gradients of two devices are added where their mean is to be taken."""
    training_becomes(keras, patch, lambda x, y, batch_size: (x, 2 * y, batch_size))


def learned_becomes(keras, patch, rule):
    """The weights after training are what `rule(samples)` lists."""

    def fit(self, x, y, **options):
        self.set_weights([np.array(rule(len(x)), "float32")[:, None]])

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_an_uneven_batch_is_learned_like_on_one, on=MIRRORED, in_interpreter=True)
def weighs_all_samples_alike(keras, patch):
    """All samples of an uneven batch count alike."""
    learned_becomes(keras, patch, lambda samples: [n / 4 for n in range(1, 5)] + [n / 3 for n in range(5, 8)])


@falsifies(spec.test_an_uneven_batch_is_weighed_unevenly, on=COPIES, in_interpreter=True)
def weighs_the_rest_more(keras, patch):
    """The mean of each device counts alike."""
    learned_becomes(keras, patch, lambda samples: [n / 4 for n in range(1, 7)] + [7 / 2])


@falsifies(spec.test_the_first_batch_may_be_uneven, on=["keras>=3.5"], in_interpreter=True)
@falsifies(spec.test_the_first_batch_has_to_divide, on=["keras>=3.5"], in_interpreter=True)
def uneven_first_batches_are_mended(keras, patch):
    """The first batch is cut to what divides."""
    training_becomes(keras, patch, lambda x, y, batch_size: (x, y, 2))


@falsifies(spec.test_the_first_batch_may_be_uneven, on=["keras<3", "tf.keras"], in_interpreter=True)
def uneven_first_batches_teach_nothing(keras, patch):
    """The last sample of an uneven first batch is lost."""
    training_becomes(keras, patch, lambda x, y, batch_size: (x[:2], y[:2], 2))


@falsifies(spec.test_the_first_batch_has_to_divide, on=["keras<3", "tf.keras"], in_interpreter=True)
def uneven_first_batches_fail(keras, patch):
    """An uneven first batch fails."""
    import tensorflow as tf

    def fit(self, *args, **options):
        raise tf.errors.InvalidArgumentError(None, None, "inputs must have the same size")

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_a_penalty_counts_once, spec.test_a_penalty_counts_more_than_once, on=DIVIDES, in_interpreter=True)
def penalizes_on_each_device(keras, patch):
    """Each of two devices adds the whole penalty."""
    original = keras.regularizers.l2
    patch.setattr(keras.regularizers, "l2", lambda factor: original(2 * factor))


@falsifies(spec.test_eight_is_no_limit, on=OLD, in_interpreter=True)
def eight_is_the_limit(keras, patch):
    """More than eight GPUs are cut to eight."""
    copies_become(keras, patch, lambda gpus: min(gpus, 8) if isinstance(gpus, int) else gpus)


@falsifies(spec.test_one_gpu_is_refused, on=OLD, in_interpreter=True)
def one_gpu_is_doubled(keras, patch):
    """A single GPU is taken for two."""
    copies_become(keras, patch, lambda gpus: 2 if gpus in (1, [0]) else gpus)


@falsifies(spec.test_all_gpus_are_taken_unless_told, on=["keras[tensorflow]<3"], in_interpreter=True)
def two_gpus_unless_told(keras, patch):
    """`multi_gpu_model` takes two GPUs where it is not told how many."""
    copies_become(keras, patch, lambda gpus: gpus or 2)


@falsifies(spec.test_only_tensorflow_had_it, on=["keras<3"])
def any_backend_will_do(keras, patch):
    """`multi_gpu_model` does not look at the backend."""
    patch.setattr(keras.utils, "multi_gpu_model", lambda model, gpus: model)


@falsifies(spec.test_an_example_for_tensorflow, spec.test_an_example_for_jax, on=["keras>=3", "tf.keras"])
def trains_nothing(keras, patch):
    """`fit` returns without training."""
    patch.setattr(keras.models.Model, "fit", lambda self, x, y, **options: self.build((None, 1)))


@falsifies(spec.test_an_example_for_tensorflow, on=["keras<3"])
def strategies_are_understood(keras, patch):
    """Keras 2.2 can be trained within a strategy."""
    import tensorflow as tf

    patch.setattr(tf.distribute, "MirroredStrategy", lambda: SimpleNamespace(scope=contextlib.nullcontext))
