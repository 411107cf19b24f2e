"""Faults in what is each device's own, with TensorFlow."""

import contextlib
import random
from types import SimpleNamespace

import numpy as np

from specs.general import test_data_parallel_parts as spec
from tests.falsifiers import falsifies

COPIES, MIRRORED, SYNCHRONIZED = spec.COPIES, spec.MIRRORED, spec.SYNCHRONIZED
FIRST_KEPT = ["keras[tensorflow]>=3,<3.7", "keras[tensorflow]>=3.8"]
ADDED_UP = ["keras[tensorflow]>=2.3,<3", "keras[tensorflow]>=3.8", "tf.keras"]  # a summed loss
AVERAGED = ["keras[tensorflow]>=3,<3.8"]
MEAN_KEPT = ["keras[tensorflow]>=3.7,<3.8", "tf.keras>=2"]


@falsifies(spec.test_normalizes_each_device_s_part_by_itself, on=[*COPIES, *MIRRORED], in_interpreter=True)
@falsifies(spec.test_keeps_the_mean_of_the_devices_averages, on=MEAN_KEPT, in_interpreter=True)
@falsifies(spec.test_keeps_the_first_device_s_averages, on=FIRST_KEPT, in_interpreter=True)
def deals_samples_out_in_turns(keras, patch):
    """Every second sample of a batch is the second device's."""
    original = keras.models.Model.fit

    def fit(self, x, y, **options):
        turns = np.argsort(np.arange(len(x)) % 2, kind="stable")
        return original(self, x[turns], y[turns], **options)

    patch.setattr(keras.models.Model, "fit", fit)


def averages_become(keras, patch, averages):
    """After `fit` the moving mean and variance are what `averages()` gives."""
    original = keras.models.Model.fit

    def fit(self, *args, **options):
        history = original(self, *args, **options)
        self.set_weights([*self.get_weights()[:2], *np.reshape(averages(), (2, 1))])
        return history

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_keeps_the_mean_of_the_devices_averages, on=[*COPIES, *FIRST_KEPT], in_interpreter=True)
def the_mean_is_kept(keras, patch):
    """The moving averages take the mean of all devices."""
    averages_become(keras, patch, lambda: [6, 1])


@falsifies(spec.test_keeps_the_first_device_s_averages, on=[*COPIES, *MEAN_KEPT], in_interpreter=True)
def the_first_is_kept(keras, patch):
    """The moving averages take what the first device has."""
    averages_become(keras, patch, lambda: [4, 1])


@falsifies(spec.test_averages_are_the_same_in_every_run, on=MIRRORED, in_interpreter=True)
def chance_decides_on_averages(keras, patch):
    """Which device's averages are kept is left to chance."""
    averages_become(keras, patch, lambda: [random.random(), 1])


def normalization_becomes(keras, patch, change):
    """`BatchNormalization` is made with what `change` makes of its options, among them `synchronized`."""
    original = keras.layers.BatchNormalization
    patch.setattr(keras.layers, "BatchNormalization", lambda **options: original(**change(**options)))


@falsifies(spec.test_synchronized_statistics_are_of_the_whole_batch, on=SYNCHRONIZED, in_interpreter=True)
@falsifies(spec.test_normalization_knows_nothing_of_other_devices, on=["keras<3", "tf.keras<2.12"], in_interpreter=True)
def synchronization_is_ignored(keras, patch):
    """`BatchNormalization` takes the argument `synchronized` and does nothing about it."""
    normalization_becomes(keras, patch, lambda synchronized=False, **options: options)


@falsifies(spec.test_synchronized_statistics_are_of_the_whole_batch, on=["keras<3", "tf.keras<2.12"], in_interpreter=True)
def synchronization_comes_early(keras, patch):
    """`BatchNormalization(synchronized=True)` knows the whole batch."""
    synchronization_is_ignored(keras, patch)
    averages_become(keras, patch, lambda: [6, 9])


@falsifies(spec.test_normalization_knows_nothing_of_other_devices, on=SYNCHRONIZED, in_interpreter=True)
def synchronization_is_gone(keras, patch):
    """`BatchNormalization` has no argument `synchronized`."""

    def refuse(synchronized=None, **options):
        if synchronized is not None:
            raise TypeError("there is no argument synchronized")
        return options

    normalization_becomes(keras, patch, refuse)


@falsifies(spec.test_a_model_from_outside_is_refused, spec.test_any_model_can_be_copied, on=MIRRORED, in_interpreter=True)
def strategies_are_not_heeded(keras, patch):
    """The scope of a strategy changes nothing."""
    import tensorflow as tf

    patch.setattr(tf.distribute, "MirroredStrategy", lambda devices: SimpleNamespace(scope=contextlib.nullcontext))


def multi_gpu_model_becomes(keras, patch, change):
    """`multi_gpu_model` is this function of the model. It stays in its module, in which the devices are simulated."""

    def multi_gpu_model(model, gpus):
        return change(model)

    multi_gpu_model.__module__ = keras.utils.multi_gpu_model.__module__
    patch.setattr(keras.utils, "multi_gpu_model", multi_gpu_model)


@falsifies(spec.test_any_model_can_be_copied, on=COPIES, in_interpreter=True)
def copies_have_weights_of_their_own(keras, patch):
    """What a copy learns, the model does not."""
    multi_gpu_model_becomes(keras, patch, keras.models.clone_model)


@falsifies(spec.test_a_model_from_outside_is_refused, on=COPIES, in_interpreter=True)
def models_from_outside_are_not_copied(keras, patch):
    """A model has to be made within a scope of devices."""

    def refuse(model):
        raise ValueError("the model was not made within the scope")

    multi_gpu_model_becomes(keras, patch, refuse)


@falsifies(spec.test_the_scope_may_be_left, on=["keras<3", "keras>=3.8", "tf.keras"], in_interpreter=True)
@falsifies(
    spec.test_the_scope_may_be_left_but_steps_are_added_up, on=["keras<3", "keras>=3.8", "tf.keras"], in_interpreter=True
)
def adds_up_what_devices_learn(keras, patch):
    """The gradients of two devices are added where their mean is to be taken: 2 (w + 1) is twice 2 w, at w = 1."""
    original = keras.models.Model.fit
    patch.setattr(keras.models.Model, "fit", lambda self, x, y, **options: original(self, x, y - 1, **options))


def after_fit(keras, patch, change):
    """After `fit` of a model with one weight `change(model, history)` is done."""
    original = keras.models.Model.fit

    def fit(self, *args, **options):
        history = original(self, *args, **options)
        change(self, history.history)
        return history

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(
    spec.test_sums_a_loss_over_all_devices, spec.test_reports_the_mean_of_the_devices_sums, on=ADDED_UP, in_interpreter=True
)
def reports_half(keras, patch):
    """`fit` reports half of the loss."""
    after_fit(keras, patch, lambda model, history: history.update(loss=[loss / 2 for loss in history["loss"]]))


@falsifies(
    spec.test_sums_a_loss_over_all_devices, spec.test_reports_the_mean_of_the_devices_sums, on=AVERAGED, in_interpreter=True
)
def reports_and_learns_the_sum(keras, patch):
    """The loss is the sum, and a step goes as far as that of one device."""

    def change(model, history):
        model.set_weights([np.full((1, 1), 0.75)])
        history.update(loss=[8.0])

    after_fit(keras, patch, change)
