"""Faults in what is reported of a batch."""

import numpy as np

from specs.training import test_batch_losses as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.loss_faults import fit_becomes, returned_becomes

OWN, RUNNING = ["keras<3", "keras>=3.15", "tf.keras"], ["keras>=3,<3.15"]


def goes_on(keras, patch, method, go_on=lambda options: True):
    """Make a method return the mean over its calls, until the metrics are reset or `go_on(options)` says no."""
    original, calls = getattr(keras.models.Model, method), {}
    own_reset = getattr(keras.models.Model, "reset_metrics", lambda self: None)

    def call(self, x, y, **options):
        if not go_on(options):
            calls.pop(id(self), None)
        options.pop("reset_metrics", None)
        former = calls.pop(id(self), [])
        calls[id(self)] = [*former, original(self, x, y, **options)]  # which may itself reset the metrics
        return np.mean(calls[id(self)], axis=0).tolist()

    def reset_metrics(self):
        calls.pop(id(self), None)
        own_reset(self)

    patch.setattr(keras.models.Model, method, call)
    patch.setattr(keras.models.Model, "reset_metrics", reset_metrics, raising=False)


@falsifies(spec.test_trains_and_returns_the_loss_of_the_batch, spec.test_trains_and_returns_the_mean_so_far, on=OWN)
@falsifies(spec.test_returns_numbers_of_a_batch_of_its_own, on=OWN)
def training_goes_on_averaging(keras, patch):
    """`train_on_batch` returns the mean over its calls."""
    goes_on(keras, patch, "train_on_batch")


@falsifies(spec.test_tests_and_returns_the_loss_of_the_batch, spec.test_tests_and_returns_the_mean_so_far, on=OWN)
def testing_goes_on_averaging(keras, patch):
    """`test_on_batch` returns the mean over its calls."""
    goes_on(keras, patch, "test_on_batch")


@falsifies(spec.test_trains_and_returns_the_loss_of_the_batch, spec.test_trains_and_returns_the_mean_so_far, on=RUNNING)
@falsifies(spec.test_tests_and_returns_the_loss_of_the_batch, spec.test_tests_and_returns_the_mean_so_far, on=RUNNING)
@falsifies(spec.test_returns_numbers_of_a_batch_of_its_own, on=RUNNING)
def resets_before_each_batch(keras, patch):
    """The metrics are reset before each batch."""
    for name in ("train_on_batch", "test_on_batch"):
        patch.setattr(keras.models.Model, name, after_a_reset(getattr(keras.models.Model, name)))


def after_a_reset(original):
    """The method after a reset of the metrics."""

    def method(self, *data, **options):
        self.reset_metrics()
        return original(self, *data, **options)

    return method


@falsifies(spec.test_trains_and_returns_the_loss_of_the_batch, spec.test_averages_batches_by_hand)
@falsifies(spec.test_goes_on_without_a_reset, on=["tf.keras"])
def returns_the_loss_after_learning(keras, patch):
    """`train_on_batch` returns the loss that is left after the batch has been learned from."""
    returned_becomes(keras, patch, lambda model, returned, x, y, options: model.evaluate(x, y, verbose=0), "train_on_batch")


@falsifies(spec.test_tests_and_returns_the_loss_of_the_batch)
def returns_the_sum_over_the_batch(keras, patch):
    """`test_on_batch` returns the sum over the samples instead of their mean."""
    returned_becomes(keras, patch, lambda model, returned, x, *_: [len(x) * one for one in returned], "test_on_batch")


@falsifies(spec.test_tests_a_model_that_was_never_used)
def remembers_no_metrics(keras, patch):
    """`test_on_batch` returns the loss alone."""
    returned_becomes(keras, patch, lambda model, returned, *_: returned[:1], "test_on_batch")


@falsifies(spec.test_returns_a_dictionary_on_demand)
def switches_the_default(keras, patch):
    """Numbers are returned by name unless `return_dict` is True."""
    for name in ("train_on_batch", "test_on_batch", "evaluate"):
        patch.setattr(keras.models.Model, name, naming(getattr(keras.models.Model, name), hasattr(keras.Model, "train_step")))


def naming(original, modern):
    """The method that returns a bare number with `return_dict` where it knew that, and a dictionary where it didn't."""

    def method(self, x, y, return_dict=False, **options):
        returned = original(self, x, y, **options)
        return returned if modern else {"loss": returned}

    return method


@falsifies(spec.test_returns_metrics_in_the_order_of_compile, spec.test_returns_metrics_in_alphabetical_order)
def returns_metrics_in_reverse(keras, patch):
    """The metrics come in reverse in what `evaluate` returns."""
    returned_becomes(keras, patch, lambda model, returned, *_: [returned[0], *returned[:0:-1]])


@falsifies(spec.test_returns_metrics_output_by_output, spec.test_returns_metrics_in_the_alphabetical_order_of_outputs)
def returns_the_last_two_in_reverse(keras, patch):
    """The last two metrics come in reverse in what `evaluate` returns."""
    returned_becomes(keras, patch, lambda model, returned, *_: [*returned[:-2], returned[-1], returned[-2]])


@falsifies(spec.test_names_what_it_returns)
def returns_metrics_first(keras, patch):
    """The loss comes last in what `evaluate` returns."""
    returned_becomes(keras, patch, lambda model, returned, *_: [*returned[1:], returned[0]])


@falsifies(spec.test_goes_on_without_a_reset)
def always_resets(keras, patch):
    """`reset_metrics=False` is known, but means nothing where it did, and does what it says where it was unknown."""
    if hasattr(keras.Model, "train_step") and not hasattr(keras, "ops"):
        original = keras.models.Model.train_on_batch
        patch.setattr(keras.models.Model, "train_on_batch", lambda self, x, y, **options: original(self, x, y))
    else:
        goes_on(keras, patch, "train_on_batch", lambda options: not options.get("reset_metrics", True))


@falsifies(spec.test_logs_the_mean_of_the_epoch_so_far, spec.test_logs_the_loss_of_each_batch)
def logs_the_other_number(keras, patch):
    """Callbacks get the loss of a batch where they got the mean so far, and the mean so far where they got that."""
    losses = []

    def other(batch, loss):
        del losses[batch:]
        losses.append(loss)
        if hasattr(keras.Model, "train_step"):
            return (batch + 1) * loss - batch * losses[batch - 1]
        return float(np.mean(losses))

    def react(model, fit, x, y, options):
        for callback in options["callbacks"]:
            patch.setattr(callback, "on_batch_end", logging(callback.on_batch_end, other))
        return fit(model, x, y, **options)

    fit_becomes(keras, patch, react)


def logging(original, other):
    """The `on_batch_end` that is told other losses."""

    def on_batch_end(batch, logs=None):
        original(batch, {**logs, "loss": other(batch, float(logs["loss"]))})

    return on_batch_end


@falsifies(spec.test_the_progress_bar_shows_the_mean_of_the_epoch_so_far)
def the_bar_shows_twice_the_loss(keras, patch):
    """What is trained to be shown is told of targets twice as large."""

    def react(model, fit, x, y, options):
        return fit(model, x, 2 * y, **options)

    fit_becomes(keras, patch, react)
