"""Faults in when early stopping stops."""

import math

import numpy as np

from specs.training import test_early_stopping as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.stopping_faults import (
    Of2018,
    OfToday,
    StartingLate,
    after_epoch_end,
    begin_becomes,
    epoch_end_becomes,
    options_become,
    replace,
    values_become,
)

MODERN, OLD = spec.MODERN, spec.OLD
BESIDE, BELOW = spec.BESIDE, spec.BELOW
LATE, PROMPT = ["keras>=3", "tf.keras>=2.11"], ["keras<3", "tf.keras<2.11"]  # whether there is a `start_from_epoch`
NAN_FORGOTTEN, NAN_KEPT = ["keras<3.7", "tf.keras"], ["keras>=3.7"]


@falsifies(
    spec.test_stops_when_patience_is_used_up,
    spec.test_patience_of_two_takes_two_bad_epochs_in_a_row,
    spec.test_a_loss_that_stays_is_no_improvement,
    spec.test_mode_max_wants_a_rising_value,
    spec.test_min_delta_must_be_exceeded,
    spec.test_min_delta_holds_for_rising_values_too,
    spec.test_gives_up_below_the_baseline,
    spec.test_a_subclass_can_start_later,
    spec.test_a_loss_that_is_no_number_is_no_improvement,
    spec.test_starts_afresh_in_each_fit,
    spec.test_the_least_patient_of_several_stops,
    spec.test_stops_where_the_validation_loss_turns,
)
@falsifies(spec.test_start_from_epoch_leaves_out_the_first, on=LATE)
def waits_an_epoch_longer(keras, patch):
    """`patience` epochs must be exceeded."""
    options_become(keras, patch, lambda options: options.update(patience=options.get("patience", 0) + 1))


@falsifies(
    spec.test_stops_when_patience_is_used_up,
    spec.test_patience_of_two_takes_two_bad_epochs_in_a_row,
    spec.test_a_loss_that_stays_is_no_improvement,
    spec.test_gives_up_below_the_baseline,
    spec.test_starts_afresh_in_each_fit,
)
def waits_an_epoch_less(keras, patch):
    """The epoch with the best loss counts against patience."""
    options_become(keras, patch, lambda options: options.update(patience=options.get("patience", 0) - 1))


@falsifies(spec.test_says_in_which_epoch_it_stopped)
def counts_epochs_from_zero(keras, patch):
    """The epoch that is told is the one before."""
    after_epoch_end(keras, patch, lambda self, epoch, value: setattr(self, "stopped_epoch", self.stopped_epoch and epoch - 1))


@falsifies(spec.test_stops_when_patience_is_used_up, spec.test_has_the_patience_of_one_epoch_by_default)
@falsifies(spec.test_a_loss_that_stays_is_no_improvement, spec.test_patience_of_two_takes_two_bad_epochs_in_a_row)
def never_stops(keras, patch):
    """Nobody heeds that training shall stop."""
    after_epoch_end(keras, patch, lambda self, epoch, value: setattr(self.model, "stop_training", False))


@falsifies(spec.test_stops_when_patience_is_used_up, spec.test_a_loss_that_stays_is_no_improvement)
@falsifies(spec.test_has_the_patience_of_one_epoch_by_default)
def takes_equal_for_better(keras, patch):
    """A loss that equals the lowest is an improvement."""
    values_become(keras, patch, lambda value, epoch: value - 1e-3 * epoch)


@falsifies(spec.test_stops_when_patience_is_used_up, spec.test_patience_of_two_takes_two_bad_epochs_in_a_row)
@falsifies(spec.test_mode_max_wants_a_rising_value)
def compares_with_the_epoch_before(keras, patch):
    """What counts is the loss of the epoch before instead of the lowest."""
    after_epoch_end(keras, patch, lambda self, epoch, value: setattr(self, "best", value))


@falsifies(spec.test_stops_when_patience_is_used_up, spec.test_patience_of_two_takes_two_bad_epochs_in_a_row)
def counts_bad_epochs_in_all(keras, patch):
    """An improvement does not give patience back."""

    def end(original, self, epoch, logs):
        before = self.wait
        original(self, epoch, logs)
        self.wait = max(before, self.wait)

    epoch_end_becomes(keras, patch, end)


@falsifies(spec.test_stops_when_patience_is_used_up, spec.test_the_least_patient_of_several_stops)
def numbers_the_epoch_from_one(keras, patch):
    """`stopped_epoch` counts from 1."""
    after_epoch_end(keras, patch, lambda self, epoch, value: setattr(self, "stopped_epoch", epoch + 1))


@falsifies(spec.test_has_the_patience_of_one_epoch_by_default)
def is_patient_by_default(keras, patch):
    """No patience is a patience of two."""
    options_become(keras, patch, lambda options: options.update(patience=options.get("patience") or 2))


def impatient(keras, patch, epochs):
    """Without patience training stops after so many epochs."""
    after_epoch_end(keras, patch, lambda self, epoch, value: setattr(self.model, "stop_training", epoch + 1 >= epochs))


@falsifies(spec.test_has_the_patience_of_one_epoch_by_default, spec.test_stops_after_the_first_epoch_by_default)
def stops_after_one_epoch(keras, patch):
    """Training stops after the first epoch, be its loss what it may."""
    impatient(keras, patch, 1)


@falsifies(spec.test_stops_after_the_second_epoch_by_default)
def stops_after_two_epochs(keras, patch):
    """Training stops after the second epoch, though the loss falls."""
    impatient(keras, patch, 2)


@falsifies(spec.test_mode_max_wants_a_rising_value, spec.test_min_delta_holds_for_rising_values_too)
def knows_no_other_mode(keras, patch):
    """`mode` is ignored."""
    options_become(keras, patch, lambda options: options.update(mode="min"))


@falsifies(spec.test_min_delta_must_be_exceeded, spec.test_min_delta_holds_for_rising_values_too)
@falsifies(spec.test_the_sign_of_min_delta_is_ignored, on=MODERN)
@falsifies(spec.test_a_negative_min_delta_forgives, on=OLD)
def ignores_min_delta(keras, patch):
    """`min_delta` is ignored."""
    options_become(keras, patch, lambda options: options.pop("min_delta", None))


@falsifies(spec.test_min_delta_must_be_exceeded, spec.test_min_delta_holds_for_rising_values_too)
def is_content_with_min_delta(keras, patch):
    """It is enough to be better by just `min_delta`."""
    options_become(keras, patch, lambda options: options.update(min_delta=options.get("min_delta", 0) * 0.999))


@falsifies(spec.test_min_delta_must_be_exceeded)
def the_best_is_the_lowest(keras, patch):
    """A loss that is lower by less than `min_delta` becomes the best all the same."""
    after_epoch_end(keras, patch, lambda self, epoch, value: setattr(self, "best", min(value, self.best)))


@falsifies(spec.test_the_sign_of_min_delta_is_ignored, spec.test_a_negative_min_delta_forgives, on=MODERN)
def obeys_the_sign_of_min_delta(keras, patch):
    """A negative `min_delta` lets worse losses pass."""
    original = keras.callbacks.EarlyStopping.__init__

    def __init__(self, *monitor, min_delta=0, **options):
        original(self, *monitor, min_delta=min_delta, **options)
        self.min_delta = math.copysign(1, min_delta) * self.min_delta

    patch.setattr(keras.callbacks.EarlyStopping, "__init__", __init__)


@falsifies(spec.test_the_sign_of_min_delta_is_ignored, spec.test_a_negative_min_delta_forgives, on=OLD)
def drops_the_sign_of_min_delta(keras, patch):
    """The sign of `min_delta` is dropped."""
    options_become(keras, patch, lambda options: options.update(min_delta=abs(options.get("min_delta", 0))))


@falsifies(spec.test_gives_up_below_the_baseline)
@falsifies(spec.test_the_baseline_is_the_loss_to_beat, on=BELOW)
@falsifies(spec.test_bears_any_improvement_above_the_baseline, on=BESIDE)
def ignores_the_baseline(keras, patch):
    """`baseline` is ignored."""
    options_become(keras, patch, lambda options: options.pop("baseline", None))


@falsifies(spec.test_the_baseline_is_the_loss_to_beat, spec.test_bears_any_improvement_above_the_baseline, on=BESIDE)
@falsifies(
    spec.test_forgets_a_first_loss_that_is_no_number,
    spec.test_takes_a_first_loss_that_is_no_number_for_the_best,
    on=NAN_KEPT,
)
def behaves_as_in_2018(keras, patch):
    """The baseline is the first best, and a loss that is no number is never the best."""
    replace(keras, patch, Of2018)


@falsifies(spec.test_the_baseline_is_the_loss_to_beat, spec.test_bears_any_improvement_above_the_baseline, on=BELOW)
@falsifies(
    spec.test_forgets_a_first_loss_that_is_no_number,
    spec.test_takes_a_first_loss_that_is_no_number_for_the_best,
    on=NAN_FORGOTTEN,
)
def behaves_as_today(keras, patch):
    """The first loss is the best until one is lower, whatever it is, and no improvement stops training."""
    replace(keras, patch, OfToday)


@falsifies(spec.test_start_from_epoch_leaves_out_the_first, on=LATE)
def ignores_the_start(keras, patch):
    """`start_from_epoch` is ignored."""
    options_become(keras, patch, lambda options: options.pop("start_from_epoch", None))


@falsifies(spec.test_start_from_epoch_leaves_out_the_first, on=LATE)
def starts_an_epoch_late(keras, patch):
    """One epoch more is left out."""
    options_become(keras, patch, lambda options: options.update(start_from_epoch=options.get("start_from_epoch", 0) + 1))


@falsifies(spec.test_start_from_epoch_leaves_out_the_first, on=PROMPT)
def knows_a_start(keras, patch):
    """There is a `start_from_epoch`."""
    replace(keras, patch, StartingLate)


@falsifies(spec.test_a_subclass_can_start_later)
def watches_batches_too(keras, patch):
    """The first epoch is watched by another method too, which a subclass does not know of."""
    original = keras.callbacks.EarlyStopping.on_epoch_end

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 0:
            original(self, epoch, {"loss": 0.0})

    patch.setattr(keras.callbacks.EarlyStopping, "on_epoch_begin", on_epoch_begin)


@falsifies(spec.test_a_loss_that_is_no_number_is_no_improvement)
def takes_nan_for_low(keras, patch):
    """A loss that is no number is taken for a low one."""
    values_become(keras, patch, lambda value, epoch: -float(epoch) if np.isnan(value) else value)


@falsifies(spec.test_a_loss_that_is_no_number_is_no_improvement)
def passes_nan_over(keras, patch):
    """An epoch whose loss is no number does not count."""

    def end(original, self, epoch, logs):
        if not np.isnan(logs["loss"]):
            original(self, epoch, logs)

    epoch_end_becomes(keras, patch, end)


@falsifies(spec.test_starts_afresh_in_each_fit, spec.test_remembers_the_best_loss_of_an_earlier_fit)
def remembers_the_best_loss(keras, patch):
    """The best loss of an earlier `fit` is still the best."""

    def begin(original, self):
        kept = getattr(self, "best", None)
        original(self)
        if kept is not None:
            self.best = kept

    begin_becomes(keras, patch, begin)


@falsifies(spec.test_starts_afresh_in_each_fit)
def remembers_its_patience(keras, patch):
    """The patience that an earlier `fit` used up is not given back."""

    def begin(original, self):
        kept = self.wait
        original(self)
        self.wait = kept

    begin_becomes(keras, patch, begin)


@falsifies(spec.test_starts_afresh_in_each_fit)
def remembers_where_it_stopped(keras, patch):
    """`stopped_epoch` is still that of the earlier `fit`."""

    def begin(original, self):
        kept = self.stopped_epoch
        original(self)
        self.stopped_epoch = kept

    begin_becomes(keras, patch, begin)


@falsifies(spec.test_the_least_patient_of_several_stops)
def the_most_patient_decides(keras, patch):
    """A callback that still has patience takes back what another decided."""

    def end(self, epoch, value):
        self.model.stop_training = self.patience == 4 and self.wait >= 4

    after_epoch_end(keras, patch, end)


@falsifies(spec.test_stops_where_the_validation_loss_turns)
def watches_the_training_loss(keras, patch):
    """It is the training loss that is watched."""
    options_become(keras, patch, lambda options: options.update(monitor="loss"))


@falsifies(spec.test_min_delta_is_below_the_best_of_a_metric)
def makes_no_use_of_min_delta(keras, patch):
    """`min_delta` is ignored."""
    usual = keras.callbacks.EarlyStopping.__init__

    def init(self, monitor, min_delta=0, **options):
        usual(self, monitor, **options)

    patch.setattr(keras.callbacks.EarlyStopping, "__init__", init)
