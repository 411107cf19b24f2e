"""Faults in computing in half precision."""

from types import SimpleNamespace

import numpy as np

from specs.general import test_mixed_precision as spec
from tests.falsifiers import falsifies

WITHOUT = ["keras<3", "tf.keras<2.1"]
NO_OVERFLOW = ["keras[jax]>=3.5,<3.10"]


@falsifies(spec.test_weights_are_float32_and_results_float16, spec.test_small_updates_are_kept, on=spec.SINCE,
           in_interpreter=True)  # fmt: skip
def weights_are_half_too(keras, patch):
    """The policy `mixed_float16` is the policy `float16`."""
    original = keras.mixed_precision.set_global_policy
    patch.setattr(keras.mixed_precision, "set_global_policy", lambda policy: original("float16"))


@falsifies(spec.test_the_loss_is_scaled, on=spec.OVERFLOW, in_interpreter=True)
@falsifies(spec.test_steps_that_overflow_are_skipped, on=spec.OVERFLOW, in_interpreter=True)
def the_loss_is_not_scaled(keras, patch):
    """`compile` takes the optimizer as it is, with no scaling of the loss."""
    original = keras.models.Model.compile

    def compile(self, **options):
        original(self, **options)
        self.optimizer = getattr(self.optimizer, "inner_optimizer", self.optimizer)

    patch.setattr(keras.models.Model, "compile", compile)


@falsifies(spec.test_no_step_overflows_in_float32, on=["keras[jax]>=3,<3.5", "keras[jax]>=3.10"], in_interpreter=True)
def all_is_computed_in_float32(keras, patch):
    """The policy `mixed_float16` is without effect."""
    patch.setattr(keras.mixed_precision, "set_global_policy", lambda policy: None)


@falsifies(spec.test_the_loss_is_scaled, spec.test_no_step_overflows_in_float32, on=NO_OVERFLOW, in_interpreter=True)
def nothing_is_learned(keras, patch):
    """Every gradient is lost."""
    patch.setattr(keras.models.Model, "train_on_batch", lambda *args: None)


@falsifies(spec.test_steps_that_overflow_are_skipped, on=NO_OVERFLOW, in_interpreter=True)
def large_steps_are_skipped_twice(keras, patch):
    """The first two batches of large gradients teach nothing."""
    skipped, train_on_batch = [4, 4], keras.models.Model.train_on_batch
    patch.setattr(
        keras.models.Model,
        "train_on_batch",
        lambda self, x, y: skipped.remove(y) if y in skipped else train_on_batch(self, x, y),
    )


@falsifies(
    spec.test_weights_are_float32_and_results_float16,
    spec.test_small_updates_are_kept,
    spec.test_the_loss_is_scaled,
    spec.test_steps_that_overflow_are_skipped,
    on=WITHOUT,
    in_interpreter=True,
)
def there_is_a_policy(keras, patch):
    """Keras 2 has the policy, which does what the later one does."""
    half, skipped, train_on_batch = np.zeros((1, 1), "float16"), [4, 4], keras.models.Model.train_on_batch
    dense, outputs, losses = keras.layers.Dense, iter([half, half.astype("float32")]), iter([float("inf"), 512**2])

    def train(self, x, y):
        if y in skipped:
            return skipped.remove(y)
        return train_on_batch(self, x, y)

    patch.setattr(keras, "mixed_precision", SimpleNamespace(set_global_policy=lambda policy: None), raising=False)
    patch.setattr(keras.layers, "Dense", lambda units, dtype=None, **options: dense(units, **options))
    patch.setattr(keras.models.Model, "predict", lambda *args, **options: next(outputs))
    patch.setattr(keras.models.Model, "train_on_batch", train)
    patch.setattr(spec, "loss_of_512", lambda *args: next(losses))
    patch.setattr(spec, "under_mixed_bfloat16", lambda keras: ({"float32"}, "bfloat16", [1 + 2.0**-12]))


@falsifies(spec.test_floatx_makes_the_weights_half_too, in_interpreter=True)
def floatx_is_ignored(keras, patch):
    """`set_floatx` changes nothing."""
    patch.setattr(keras.backend, "set_floatx", lambda floatx: None)
