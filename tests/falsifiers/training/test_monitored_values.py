"""Faults in what early stopping watches."""

import logging
import warnings

from specs.training import test_monitored_values as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.stopping_faults import epoch_end_becomes, options_become, values_become

EARLY = ["keras<3", "tf.keras"]


@falsifies(
    spec.test_the_loss_shall_fall,
    spec.test_the_accuracy_shall_rise,
    spec.test_the_loss_of_one_output_needs_a_mode,
    spec.test_a_mode_decides_for_any_metric,
    spec.test_an_unknown_mode_is_auto,
    spec.test_watches_the_validation_loss_by_default,
)
@falsifies(spec.test_a_metric_knows_its_direction, on=["keras>=3"])
@falsifies(spec.test_any_other_metric_shall_fall, spec.test_the_name_alone_decides, on=EARLY)
@falsifies(spec.test_the_loss_of_one_output_shall_fall, on=EARLY)
def wants_the_opposite(keras, patch):
    """What shall rise is watched for falling, and the other way round."""
    values_become(keras, patch, lambda value, epoch: -value)


def needs_no_mode(options):
    """Give what has no mode one by its name."""
    if options.get("mode") not in ("min", "max"):
        options["mode"] = "max" if "acc" in options.get("monitor", "") else "min"


@falsifies(
    spec.test_a_metric_knows_its_direction,
    spec.test_any_other_metric_shall_fall,
    spec.test_the_name_alone_decides,
    spec.test_refuses_a_function_without_a_mode,
    spec.test_the_loss_of_one_output_shall_fall,
    spec.test_goes_on_with_a_name_that_no_metric_has,
    spec.test_refuses_a_name_that_no_metric_has,
    on=["keras>=3"],
)
def goes_by_the_name(keras, patch):
    """The name alone decides whether a value shall rise."""
    options_become(keras, patch, needs_no_mode)


def asks_for_a_mode(keras, patch):
    """Only some values have a direction; for others a ValueError asks for it."""

    def change(options):
        if options.get("monitor") == "recall":
            options.setdefault("mode", "max")
        options["patience"] = options.get("patience", 0) + 0.5 * ("mode" not in options)  # marks what has no mode

    def end(original, self, epoch, logs):
        if self.patience % 1 and self.monitor not in ("loss", "val_loss", "acc", "accuracy"):
            raise ValueError(f"no mode for {self.monitor}")
        original(self, epoch, logs)

    options_become(keras, patch, change)
    epoch_end_becomes(keras, patch, end)


asks_for_a_mode = falsifies(
    spec.test_a_metric_knows_its_direction,
    spec.test_any_other_metric_shall_fall,
    spec.test_the_name_alone_decides,
    spec.test_refuses_a_function_without_a_mode,
    spec.test_the_loss_of_one_output_shall_fall,
    spec.test_goes_on_with_a_name_that_no_metric_has,
    spec.test_refuses_a_name_that_no_metric_has,
    on=EARLY,
)(asks_for_a_mode)


@falsifies(spec.test_a_mode_decides_for_any_metric, spec.test_the_loss_of_one_output_needs_a_mode)
def knows_no_mode_but_min(keras, patch):
    """`mode` is ignored."""
    options_become(keras, patch, lambda options: options.update(mode="min"))


@falsifies(spec.test_an_unknown_mode_is_auto)
def takes_an_unknown_mode_for_max(keras, patch):
    """A mode that is not known is taken for `"max"`."""
    options_become(keras, patch, lambda options: options.update(mode="max"))


@falsifies(spec.test_watches_the_validation_loss_by_default)
def watches_the_loss_by_default(keras, patch):
    """Without a `monitor` it is the training loss that is watched."""
    options_become(keras, patch, lambda options: options.setdefault("monitor", "loss"))


def takes_missing_for_zero(keras, patch):
    """A value that is not reported is taken for 0."""

    def end(original, self, epoch, logs):
        logs.setdefault(self.monitor, 0.0)
        original(self, epoch, logs)

    epoch_end_becomes(keras, patch, end)


takes_missing_for_zero = falsifies(
    spec.test_trains_to_the_end_if_the_value_is_never_reported,
    spec.test_goes_on_with_any_name_and_a_mode,
    spec.test_epochs_without_the_value_do_not_count,
)(takes_missing_for_zero)
falsifies(spec.test_warns_that_the_value_is_not_reported, on=["keras"])(takes_missing_for_zero)
falsifies(spec.test_logs_that_the_value_is_not_reported, on=["tf.keras"])(takes_missing_for_zero)
falsifies(spec.test_goes_on_with_a_name_that_no_metric_has, on=EARLY)(takes_missing_for_zero)


@falsifies(spec.test_warns_that_the_value_is_not_reported, on=["tf.keras"])
def warns(keras, patch):
    """There is a warning."""

    def end(original, self, epoch, logs):
        warnings.warn(f"`{self.monitor}` which is not available: loss", stacklevel=1)

    epoch_end_becomes(keras, patch, end)


@falsifies(spec.test_logs_that_the_value_is_not_reported, on=["keras"])
def logs_a_line(keras, patch):
    """There is a line in TensorFlow's log."""

    def end(original, self, epoch, logs):
        logging.getLogger("tensorflow").warning("`%s` which is not available: loss", self.monitor)

    epoch_end_becomes(keras, patch, end)


@falsifies(spec.test_the_loss_of_one_output_is_not_reported)
def never_stops(keras, patch):
    """Early stopping stops nothing."""
    epoch_end_becomes(keras, patch, lambda original, self, epoch, logs: None)


@falsifies(spec.test_watches_what_a_callback_before_it_reports, spec.test_epochs_without_the_value_do_not_count)
@falsifies(spec.test_watches_the_validation_loss_by_default)
def sees_only_what_keras_reports(keras, patch):
    """What other callbacks put into the logs is not seen."""

    def end(original, self, epoch, logs):
        original(self, epoch, {"loss": logs["loss"]})

    epoch_end_becomes(keras, patch, end)
