"""Faults in what a GPU gives."""

import os

from specs.general import test_gpu_results as spec
from tests.falsifiers import falsifies
from tests.falsifiers.general import start_faults as faults


def method(patch, name, change):
    """Once Keras is imported, the model's method of this name becomes `change(original)`."""

    def act(keras):
        patch.setattr(keras.models.Model, name, change(getattr(keras.models.Model, name)))

    faults.after(patch, act)


@falsifies(spec.test_layers_give_what_the_cpu_gives, in_interpreter=True)
@falsifies(spec.test_half_precision_gives_the_same_on_a_gpu, on=["keras>=3", "tf.keras>=2.4"], in_interpreter=True)
def predicts_inexactly(import_keras, patch):
    """With a GPU in sight each prediction is two hundredths too large."""
    factor = 1 if os.environ.get("CUDA_VISIBLE_DEVICES") == "" else 1.02
    method(patch, "predict", lambda original: lambda *args, **options: original(*args, **options) * factor)


@falsifies(spec.test_deterministic_runs_are_bit_identical, in_interpreter=True)
def chance_decides(import_keras, patch):
    """Training ends with a weight that chance has chosen."""

    def change(original):
        def fit(self, *args, **options):
            original(self, *args, **options)
            weights = self.get_weights()
            weights[0].flat[0] = int.from_bytes(os.urandom(2), "big")
            self.set_weights(weights)

        return fit

    method(patch, "fit", change)


@falsifies(spec.test_memory_is_taken_at_once_unless_told, in_interpreter=True)
def growth_is_ignored(import_keras, patch):
    """`set_memory_growth` changes nothing."""
    import tensorflow as tf

    patch.setattr(tf.config.experimental, "set_memory_growth", lambda device, enable: None)


@falsifies(spec.test_two_gpus_learn_what_one_learns, on=spec.DIVIDES, in_interpreter=True)
@falsifies(spec.test_two_gpus_learn_otherwise, on=spec.OTHERWISE, in_interpreter=True)
def batches_are_single(import_keras, patch):
    """Samples are learned from one by one."""

    def change(original):
        return lambda *args, **options: original(*args, **{**options, "batch_size": 2})

    method(patch, "fit", change)


@falsifies(spec.test_two_gpus_learn_otherwise, on=spec.DIVIDES, in_interpreter=True)
def a_second_device_is_one_too_many(import_keras, patch):
    """Training on several devices is refused."""

    def act(keras):
        def refuse(*args, **options):
            raise NotImplementedError("several devices")

        if hasattr(keras.utils, "multi_gpu_model"):
            patch.setattr(keras.utils, "multi_gpu_model", refuse)
        elif keras.backend.backend() == "tensorflow":
            import tensorflow as tf

            patch.setattr(tf.distribute, "MirroredStrategy", refuse)
        else:
            patch.setattr(keras.distribution, "DataParallel", refuse)

    faults.after(patch, act)
