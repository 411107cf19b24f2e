"""Faults in freezing while `fit` runs."""

import warnings

from fixtures.models import sgd
from specs.modeling import test_freezing_in_fit as spec
from tests.falsifiers import falsifies

OLD, MODERN = ["keras<3", "tf.keras<2"], ["keras>=3", "tf.keras>=2"]


@falsifies(
    spec.test_a_callback_changes_nothing_on_tensorflow,
    spec.test_a_callback_freezes_on_pytorch,
    spec.test_a_callback_ends_fit_on_jax,
)
@falsifies(spec.test_compile_in_a_callback_waits, on=OLD)
@falsifies(spec.test_compile_in_a_callback_ends_fit, on=MODERN)
def each_epoch_is_compiled_anew(keras, patch):
    """A change of `trainable` takes effect at the next epoch, with or without `compile`."""
    original = keras.models.Model.fit

    def fit(self, x, y, epochs, callbacks, **options):
        for epoch in range(epochs):
            callbacks[0].on_epoch_begin(epoch)
            self.compile(optimizer=sgd(keras, 0.01), loss="mse")
            original(self, x, y, **options)

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_compile_in_a_callback_waits, on=MODERN)
def compile_waits(keras, patch):
    """`compile` in a callback does not affect the running `fit`."""
    patch.setattr(spec, "fit_and_set", lambda keras, trainable, compile_too: [0] * 4 if trainable else [0, 1, 2, 3])


@falsifies(spec.test_compile_in_a_callback_ends_fit, on=OLD)
def compile_ends_fit(keras, patch):
    """`compile` in a callback takes away the step that is running."""

    def fit(self, *data, **options):
        raise TypeError("'NoneType' object is not callable")

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_the_optimizer_keeps_nothing_for_what_is_frozen)
def the_optimizer_is_made_for_all(keras, patch):
    """The optimizer makes its state for all weights."""
    original = keras.models.Model.train_on_batch

    def train_on_batch(self, x, y):
        for layer in self.layers:
            layer.trainable = True
        self.compile(optimizer="adam", loss="mse")
        return original(self, x, y)

    patch.setattr(keras.models.Model, "train_on_batch", train_on_batch)


@falsifies(spec.test_a_frozen_model_warns, spec.test_a_frozen_model_is_silent, on=spec.SILENT)
def warns_of_every_fit(keras, patch):
    """Each `fit` warns that there is nothing to train."""
    original = keras.models.Model.fit

    def fit(self, *data, **options):
        warnings.warn("The model does not have any trainable weights.", stacklevel=2)
        return original(self, *data, **options)

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_a_frozen_model_warns, spec.test_a_frozen_model_is_silent, on=["keras[tensorflow,torch]>=3"])
def no_warning_is_heard(keras, patch):
    """Keras never warns."""
    patch.setattr(warnings, "warn", lambda *args, **options: None)


@falsifies(spec.test_two_fits_freeze_between)
def compile_unfreezes(keras, patch):
    """`compile` forgets what was frozen."""
    original = keras.models.Model.compile

    def compile_(self, *args, **options):
        for layer in self.layers:
            layer.trainable = True
        original(self, *args, **options)

    patch.setattr(keras.models.Model, "compile", compile_)
