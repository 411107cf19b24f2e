"""Faults in which weights early stopping leaves."""

from specs.training import test_best_weights as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.stopping_faults import (
    Of2018,
    OfToday,
    StartingLate,
    after_epoch_end,
    options_become,
    replace,
    values_become,
)

MODERN, OLD = spec.MODERN, spec.OLD
LATE, PROMPT = ["keras>=3", "tf.keras>=2.11"], ["keras<3", "tf.keras<2.11"]  # whether there is a `start_from_epoch`


@falsifies(spec.test_keeps_the_last_weights_by_default)
def always_restores(keras, patch):
    """The best weights are restored whether asked for or not."""
    options_become(keras, patch, lambda options: options.update(restore_best_weights=True))


@falsifies(
    spec.test_restores_the_best_weights_when_it_stops,
    spec.test_restores_the_highest_with_mode_max,
    spec.test_the_best_weights_exceed_min_delta,
)
@falsifies(spec.test_restores_the_best_weights_if_it_did_not_stop, on=["keras>=3"])
@falsifies(
    spec.test_restores_the_best_weights_above_the_baseline,
    spec.test_restores_the_first_weights_if_no_loss_is_a_number,
    spec.test_never_restores_weights_of_an_earlier_fit,
    on=MODERN,
)
@falsifies(spec.test_start_from_epoch_leaves_out_the_first_weights, on=LATE)
@falsifies(spec.test_may_restore_weights_of_an_earlier_fit, on=["keras<3", "tf.keras<2.3"])
@falsifies(spec.test_fails_if_no_epoch_was_the_best, on=OLD)
def never_restores(keras, patch):
    """The best weights are not restored."""
    options_become(keras, patch, lambda options: options.update(restore_best_weights=False))


@falsifies(
    spec.test_restores_the_best_weights_when_it_stops,
    spec.test_the_best_weights_exceed_min_delta,
    spec.test_a_subclass_restores_them_however_it_ends,
)
def restores_those_before_the_last_update(keras, patch):
    """The weights kept are those of which the best loss was computed, before the epoch's last update."""

    def end(self, epoch, value):
        if self.wait == 0 and self.best_weights is not None:
            self.best_weights = [weight - 1 for weight in self.best_weights]

    after_epoch_end(keras, patch, end)


@falsifies(spec.test_restores_the_best_weights_when_it_stops)
def prefers_the_later(keras, patch):
    """Of several epochs with the lowest loss the last is taken."""
    values_become(keras, patch, lambda value, epoch: value - 1e-3 * epoch)


@falsifies(spec.test_restores_the_highest_with_mode_max)
def knows_no_other_mode(keras, patch):
    """`mode` is ignored."""
    options_become(keras, patch, lambda options: options.update(mode="min"))


@falsifies(spec.test_the_best_weights_exceed_min_delta)
def ignores_min_delta(keras, patch):
    """`min_delta` is ignored."""
    options_become(keras, patch, lambda options: options.pop("min_delta", None))


@falsifies(
    spec.test_restores_the_best_weights_if_it_did_not_stop,
    spec.test_keeps_the_last_weights_if_it_did_not_stop,
    on=["keras>=3"],
)
@falsifies(
    spec.test_restores_the_best_weights_above_the_baseline,
    spec.test_fails_if_no_epoch_was_the_best,
    spec.test_restores_the_first_weights_if_no_loss_is_a_number,
    spec.test_never_restores_weights_of_an_earlier_fit,
    spec.test_may_restore_weights_of_an_earlier_fit,
    on=MODERN,
)
def behaves_as_in_2018(keras, patch):
    """Weights are restored where it stops only, even those of an earlier `fit`; the baseline is the first best."""
    replace(keras, patch, Of2018)


@falsifies(
    spec.test_restores_the_best_weights_if_it_did_not_stop,
    spec.test_keeps_the_last_weights_if_it_did_not_stop,
    on=["keras<3", "tf.keras"],
)
@falsifies(
    spec.test_restores_the_best_weights_above_the_baseline,
    spec.test_fails_if_no_epoch_was_the_best,
    spec.test_restores_the_first_weights_if_no_loss_is_a_number,
    spec.test_never_restores_weights_of_an_earlier_fit,
    spec.test_may_restore_weights_of_an_earlier_fit,
    on=OLD,
)
def behaves_as_today(keras, patch):
    """Weights are restored however training ends; those of the first epoch are the best until others are."""
    replace(keras, patch, OfToday)


@falsifies(spec.test_start_from_epoch_leaves_out_the_first_weights, on=LATE)
def ignores_the_start(keras, patch):
    """`start_from_epoch` is ignored."""
    options_become(keras, patch, lambda options: options.pop("start_from_epoch", None))


@falsifies(spec.test_start_from_epoch_leaves_out_the_first_weights, on=PROMPT)
def knows_a_start(keras, patch):
    """There is a `start_from_epoch`."""
    replace(keras, patch, StartingLate)


@falsifies(spec.test_a_checkpoint_says_what_it_writes)
def checkpoints_count_epochs_from_zero(keras, patch):
    """A checkpoint is told the epoch before."""
    original = keras.callbacks.ModelCheckpoint.on_epoch_end
    patch.setattr(keras.callbacks.ModelCheckpoint, "on_epoch_end", lambda self, epoch, logs: original(self, epoch - 1, logs))


@falsifies(spec.test_a_checkpoint_keeps_the_best_weights)
def saves_every_epoch(keras, patch):
    """`save_best_only` is ignored."""
    original = keras.callbacks.ModelCheckpoint.__init__

    def __init__(self, file, save_best_only=False, **options):
        original(self, file, save_best_only=False, **options)

    patch.setattr(keras.callbacks.ModelCheckpoint, "__init__", __init__)


@falsifies(spec.test_the_optimizer_is_not_restored)
def restores_the_count_of_steps(keras, patch):
    """The optimizer's count of steps goes back to 0 when the training ends."""
    original = keras.callbacks.EarlyStopping.on_train_end

    def on_train_end(self, logs=None):
        original(self, logs)
        count = self.model.optimizer.iterations
        count.assign(0) if hasattr(keras.Model, "train_step") else keras.backend.set_value(count, 0)

    patch.setattr(keras.callbacks.EarlyStopping, "on_train_end", on_train_end)
