"""Faults in the `History`."""

import numpy as np

from specs.training import test_history as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.loss_faults import (
    entries_become,
    epochs_become,
    fit_becomes,
    history_becomes,
    names_become,
    properly,
)


def returned_becomes(keras, patch, change):
    """Make `fit` return another `History`: `change(returned, model, options)`."""

    def react(model, original, x, y, options):
        return change(original(model, x, y, **options), model, options)

    fit_becomes(keras, patch, react)


def copy_of(keras, returned):
    """A `History` with the same content."""
    copy = keras.callbacks.History()
    copy.__dict__.update(returned.__dict__)
    return copy


@falsifies(spec.test_is_what_fit_returns)
def returns_the_dictionary(keras, patch):
    """`fit` returns the dictionary itself, with the attributes of a `History`."""

    class Dictionary(dict):
        history = property(dict)

    returned_becomes(keras, patch, lambda returned, *_: Dictionary(returned.history))


@falsifies(spec.test_is_what_fit_returns)
def records_arrays(keras, patch):
    """The entries are arrays instead of lists."""

    def change(history, options):
        history.update({name: tuple(entries) for name, entries in history.items()})

    history_becomes(keras, patch, change)


@falsifies(spec.test_has_the_loss_alone, spec.test_has_the_loss_and_each_metric, spec.test_has_each_key_with_val_before_it)
def records_the_time(keras, patch):
    """There is a key for the time, too."""
    history_becomes(keras, patch, lambda history, options: history.update(time=[0.0] * len(history["loss"])))


@falsifies(spec.test_has_the_loss_and_each_metric, spec.test_has_each_key_with_val_before_it)
def forgets_metrics(keras, patch):
    """Metrics are not recorded."""
    names_become(keras, patch, {"mean_absolute_error": None})


@falsifies(spec.test_has_each_key_with_val_before_it)
def validates_the_loss_alone(keras, patch):
    """Metrics are not recorded of validation."""
    history_becomes(keras, patch, lambda history, options: history.pop("val_mean_absolute_error", None))


@falsifies(spec.test_has_an_entry_for_each_epoch)
def records_the_last_epoch(keras, patch):
    """Each list has an entry for the last epoch only, twice."""

    def change(history, options):
        history.update({name: entries[-1:] * 2 for name, entries in history.items()})

    history_becomes(keras, patch, change)


@falsifies(spec.test_has_an_entry_for_each_epoch)
def validates_before_the_first_epoch(keras, patch):
    """The lists of validation begin with an entry of the model before training."""
    history_becomes(keras, patch, lambda history, options: history["val_loss"].insert(0, 0.0))


@falsifies(spec.test_equals_what_numpy_computes)
def weighs_batches_alike(keras, patch):
    """A smaller batch counts as much as the others."""
    epochs_become(keras, patch, lambda losses, sizes, past: float(np.mean(losses)))


@falsifies(spec.test_counts_batches_alike)
def records_means_over_batches(keras, patch):
    """The losses are the means of those of three batches, of 0, -1 and -2, and of two of validation, of -3 and -12."""
    history_becomes(keras, patch, lambda history, options: history.update(loss=[-1.0], val_loss=[-7.5]))


@falsifies(spec.test_equals_what_numpy_computes)
def validates_before_training(keras, patch):
    """`val_loss` is computed with the weights at the beginning of the epoch."""
    epochs_become(keras, patch, properly, validate=False)


@falsifies(spec.test_equals_what_numpy_computes)
def goes_on_averaging(keras, patch):
    """The metric's mean goes on over the epochs."""

    def change(history, options):
        errors = history["mean_absolute_error"]
        errors[:] = [float(np.mean(errors[: epoch + 1])) for epoch in range(len(errors))]

    history_becomes(keras, patch, change)


@falsifies(spec.test_equals_what_numpy_computes)
def validates_the_metric_in_training(keras, patch):
    """The metric of validation is that of training."""

    def change(history, options):
        history["val_mean_absolute_error"] = history["mean_absolute_error"]

    history_becomes(keras, patch, change)


@falsifies(spec.test_numbers_epochs_from_the_initial_one)
def numbers_from_zero(keras, patch):
    """Epochs are numbered from 0."""

    def change(returned, model, options):
        returned.epoch = list(range(len(returned.epoch)))
        return returned

    returned_becomes(keras, patch, change)


@falsifies(spec.test_numbers_epochs_from_the_initial_one)
def trains_all_the_epochs(keras, patch):
    """`epochs` is how many epochs are trained, whatever the initial one."""

    def react(model, original, x, y, options):
        return original(model, x, y, **{**options, "epochs": options["epochs"] + options["initial_epoch"]})

    fit_becomes(keras, patch, react)


@falsifies(spec.test_keeps_the_parameters, spec.test_keeps_more_parameters)
def keeps_other_parameters(keras, patch):
    """`params` is that of old where it was that of today, and that of today where it was that of old."""

    def change(returned, model, options):
        if hasattr(keras.Model, "train_step"):
            old = {"batch_size": 2, "do_validation": False, "metrics": ["loss"], "samples": 4}
            returned.params = {"epochs": 3, "steps": 2, "verbose": 0, **old}
        else:
            returned.params = {"epochs": 3, "steps": 2, "verbose": 0}
        return returned

    returned_becomes(keras, patch, change)


@falsifies(spec.test_is_kept_by_the_model)
def keeps_a_copy(keras, patch):
    """`fit` returns a copy of what the model keeps."""
    returned_becomes(keras, patch, lambda returned, *_: copy_of(keras, returned))


@falsifies(spec.test_is_kept_by_the_model, spec.test_starts_anew_with_each_fit)
def goes_on_recording(keras, patch):
    """A second `fit` goes on with the `History` of the first."""
    kept = {}

    def change(returned, model, options):
        former = kept.setdefault(id(model), returned)
        if former is not returned:
            for name, entries in returned.history.items():
                former.history[name] += entries
        return former

    returned_becomes(keras, patch, change)


@falsifies(spec.test_ends_where_training_stops)
def fills_the_lists_up(keras, patch):
    """The lists have an entry for each epoch that was asked for."""

    def change(history, options):
        history["loss"] += history["loss"][-1:] * (options["epochs"] - len(history["loss"]))

    history_becomes(keras, patch, change)


@falsifies(spec.test_ends_where_training_stops)
def forgets_the_epoch_that_it_stops_in(keras, patch):
    """The epoch in which training stops is not recorded."""
    history_becomes(keras, patch, lambda history, options: history["loss"].pop())


@falsifies(spec.test_survives_an_interruption)
def forgets_what_was_interrupted(keras, patch):
    """The `History` of an interrupted training is empty."""

    def react(model, original, x, y, options):
        try:
            return original(model, x, y, **options)
        except KeyboardInterrupt:
            model.history = keras.callbacks.History()
            model.history.history = {}
            raise

    fit_becomes(keras, patch, react)


@falsifies(spec.test_has_shorter_lists_for_rarer_validation, on=["keras>=2.2.5", "tf.keras"])
def validates_each_epoch(keras, patch):
    """`validation_freq` is ignored."""

    def react(model, original, x, y, options):
        del options["validation_freq"]
        return original(model, x, y, **options)

    fit_becomes(keras, patch, react)


@falsifies(spec.test_has_shorter_lists_for_rarer_validation, on=["keras<2.2.5"])
def validates_some_epochs(keras, patch):
    """There is a `validation_freq`."""

    def react(model, original, x, y, options):
        frequency = options.pop("validation_freq")
        returned = original(model, x, y, **options)
        wanted = frequency if isinstance(frequency, list) else range(frequency, options["epochs"] + 1, frequency)
        returned.history["val_loss"] = [returned.history["val_loss"][epoch - 1] for epoch in wanted]
        return returned

    fit_becomes(keras, patch, react)


@falsifies(spec.test_has_the_learning_rate, spec.test_has_the_rate_as_lr)
def names_the_rate_otherwise(keras, patch):
    """The learning rate is recorded as `lr` where it was recorded as `learning_rate`, and the other way round."""
    names_become(keras, patch, {"learning_rate": "lr"} if hasattr(keras, "ops") else {"lr": "learning_rate"})


@falsifies(spec.test_has_what_callbacks_add)
def records_before_callbacks(keras, patch):
    """What is recorded is what there was before the callbacks."""
    names_become(keras, patch, {"square": None})


@falsifies(spec.test_can_be_written_as_json)
@falsifies(spec.test_can_be_written_as_json_with_rates, on=["keras>=3"])
def records_numbers_of_numpy(keras, patch):
    """The entries are numbers of numpy, in float32."""
    entries_become(keras, patch, np.float32)


@falsifies(spec.test_can_be_written_as_json_with_rates, on=["keras<3", "tf.keras"])
def records_floats(keras, patch):
    """The learning rates are floats too."""
    entries_become(keras, patch, float)


@falsifies(spec.test_can_be_written_as_json_by_float)
def records_no_number(keras, patch):
    """The entries are not a number."""
    entries_become(keras, patch, lambda entry: float("nan"))


@falsifies(spec.test_is_what_a_csv_logger_writes)
def rounds_entries(keras, patch):
    """The entries are rounded."""
    entries_become(keras, patch, lambda entry: entry + 1e-4, "val_loss")


@falsifies(spec.test_has_the_loss_of_each_output)
def adds_losses_without_weights(keras, patch):
    """`loss` is the plain sum of the outputs' losses."""
    entries_become(keras, patch, lambda loss: 4.0 + 5.0, "loss", "val_loss")


@falsifies(spec.test_has_the_loss_of_each_output, spec.test_has_the_weighted_loss_of_each_output)
def weighs_the_losses_of_outputs(keras, patch):
    """The loss of an output is recorded with its weight."""
    entries_become(keras, patch, lambda loss: 3 * loss, "lower_loss", "val_lower_loss")


@falsifies(spec.test_has_the_loss_of_each_output, spec.test_has_no_loss_of_each_output)
def forgets_the_losses_of_outputs(keras, patch):
    """There is no key for the loss of an output."""
    names_become(keras, patch, {"upper_loss": None, "lower_loss": None})


@falsifies(spec.test_a_loss_of_an_output_counts_samples, spec.test_a_loss_of_an_output_counts_batches)
def takes_the_other_mean(keras, patch):
    """An output's loss is the mean over batches where it was that over samples, and the other way round."""
    other = {13.0: 26.5, 26.5: 13.0}
    entries_become(keras, patch, lambda loss: other[round(loss, 3)], "upper_loss")


@falsifies(spec.test_has_the_metrics_of_each_output)
def names_no_output(keras, patch):
    """The key of a metric is its name alone."""
    names_become(keras, patch, {"upper_mean_absolute_error": "mean_absolute_error"})


@falsifies(spec.test_targets_may_come_by_the_outputs_names, on=spec.RIGHT)
@falsifies(spec.test_targets_by_name_go_by_the_alphabet, on=spec.RIGHT)
def takes_targets_as_they_come(keras, patch):
    """A dictionary of targets is taken for the list of its values."""
    original = keras.models.Model.fit

    def fit(self, x, y, **options):
        return original(self, x, list(y.values()), **options)

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_targets_may_come_by_the_outputs_names, on=spec.ASTRAY)
@falsifies(spec.test_targets_by_name_go_by_the_alphabet, on=spec.ASTRAY)
def compares_each_output_with_its_own(keras, patch):
    """Each output is compared with the targets of its name."""
    original = keras.models.Model.fit

    def fit(self, x, y, **options):
        return original(self, x, [y[layer.name] for layer in self.layers if layer.name in y], **options)

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_losses_may_come_by_the_outputs_names, on=spec.RIGHT)
@falsifies(spec.test_losses_by_name_go_by_the_alphabet, on=spec.RIGHT)
def takes_losses_as_they_come(keras, patch):
    """A dictionary of losses is taken for the list of its values."""
    losses_become(keras, patch, lambda model, losses: list(losses.values()))


@falsifies(spec.test_losses_by_name_go_by_the_alphabet, on=spec.ASTRAY)
def gives_each_output_its_loss(keras, patch):
    """Each output has the loss, and the weight, of its name."""
    losses_become(keras, patch, lambda model, losses: [losses[layer.name] for layer in model.layers if layer.name in losses])


def losses_become(keras, patch, change):
    """Make `change(model, losses)` of the losses, and of their weights, that `compile` is given by name."""
    original = keras.models.Model.compile

    def compile_(self, *args, loss, loss_weights=None, **options):
        given = [change(self, part) if isinstance(part, dict) else part for part in (loss, loss_weights)]
        return original(self, *args, loss=given[0], loss_weights=given[1], **options)

    patch.setattr(keras.models.Model, "compile", compile_)


@falsifies(spec.test_shows_a_whole_training)
def validates_the_epoch_before(keras, patch):
    """The entries of validation come an epoch late."""

    def change(history, options):
        history["val_loss"].insert(0, history["val_loss"].pop())

    history_becomes(keras, patch, change)


@falsifies(spec.test_shows_a_whole_training)
def forgets_an_epoch(keras, patch):
    """One list lacks the first epoch."""
    history_becomes(keras, patch, lambda history, options: history["val_binary_accuracy"].pop(0))
