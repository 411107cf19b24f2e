"""Faults in the penalties on weights and activity."""

import numpy as np

from fixtures.losses import penalty
from specs.training import test_penalties as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.loss_faults import evaluate_becomes, history_becomes, returned_becomes

NORMALIZED = ["keras>=3.14", "tf.keras"]

IN_ALL_LOSSES = (
    spec.test_count_in_the_training_loss,
    spec.test_count_in_the_validation_loss,
    spec.test_count_in_the_test_loss,
    spec.test_count_once_however_many_batches,
    spec.test_act_by_their_gradient,
)


def regularizer_becomes(keras, patch, kind, change):
    """Make `l1` or `l2` of `keras.regularizers` return `change(penalty, weight)`."""
    regularizer = type(getattr(keras.regularizers, kind)(1.0))
    original = regularizer.__call__
    patch.setattr(regularizer, "__call__", lambda self, weight: change(original(self, weight), weight))


def without_penalties(model, returned, *_):
    """What `evaluate` returned, its loss that of the metric after it."""
    return [returned[1], *returned[1:]]


@falsifies(*IN_ALL_LOSSES, spec.test_of_shared_and_nested_layers_count_once)
def forgets_l1(keras, patch):
    """There is no L1 penalty."""
    regularizer_becomes(keras, patch, "l1", lambda penalty, weight: 0 * penalty)


@falsifies(*IN_ALL_LOSSES, spec.test_of_all_kinds_of_layers_count, spec.test_of_shared_and_nested_layers_count_once)
@falsifies(spec.test_are_what_the_loss_has_more_than_its_metric)
def halves_l2(keras, patch):
    """The L2 penalty is half the square, as it is elsewhere."""
    regularizer_becomes(keras, patch, "l2", lambda penalty, weight: penalty / 2)


@falsifies(*IN_ALL_LOSSES[:4])
def forgets_biases(keras, patch):
    """There is no penalty on biases."""
    regularizer_becomes(keras, patch, "l2", lambda penalty, weight: penalty if len(weight.shape) > 1 else 0 * penalty)


@falsifies(spec.test_are_left_out_of_the_test_loss, spec.test_count_in_the_test_loss)
@falsifies(spec.test_count_once_however_many_batches, spec.test_are_what_the_loss_has_more_than_its_metric)
def tests_without_penalties(keras, patch):
    """`evaluate` and `test_on_batch` leave the penalties out."""
    returned_becomes(keras, patch, without_penalties, "evaluate", "test_on_batch")


@falsifies(spec.test_count_twice)
def doubles_the_penalty(keras, patch):
    """Penalties are twice as large: counted twice elsewhere, and four times where they were counted twice."""
    for kind in "l1", "l2":
        regularizer_becomes(keras, patch, kind, lambda penalty, weight: 2 * penalty)


@falsifies(spec.test_of_shared_and_nested_layers_count_once)
def counts_a_shared_layer_twice(keras, patch):
    """The penalty of a layer counts as often as it is used."""
    returned_becomes(keras, patch, lambda model, loss, *_: loss + 0.5)


@falsifies(spec.test_of_all_kinds_of_layers_count)
def forgets_embeddings(keras, patch):
    """There is no penalty on embeddings, whose table is the largest matrix here."""
    regularizer_becomes(keras, patch, "l2", lambda penalty, weight: 0 * penalty if tuple(weight.shape) == (6, 2) else penalty)


@falsifies(spec.test_count_in_the_test_loss)
def tests_a_batch_without_penalties(keras, patch):
    """`test_on_batch` alone leaves the penalties out."""
    returned_becomes(keras, patch, without_penalties, "test_on_batch")


@falsifies(spec.test_count_in_the_training_loss, spec.test_count_once_however_many_batches)
def trains_without_penalties(keras, patch):
    """The training loss is reported without the penalties."""
    history_becomes(keras, patch, lambda history, options: history.update(loss=history["mean_squared_error"]))


@falsifies(spec.test_count_in_the_validation_loss)
def validates_without_penalties(keras, patch):
    """`val_loss` leaves the penalties out."""
    history_becomes(keras, patch, lambda history, options: history.update(val_loss=history["val_mean_squared_error"]))


@falsifies(spec.test_count_once_however_many_batches)
def counts_for_each_batch(keras, patch):
    """`evaluate` adds the penalties for each batch."""

    def change(model, returned, x, y, options):
        batches = -(-len(x) // options["batch_size"])
        return [returned[0] + (batches - 1) * penalty(model.get_weights()), *returned[1:]]

    returned_becomes(keras, patch, change)


@falsifies(spec.test_count_once_however_many_batches)
def counts_by_the_samples(keras, patch):
    """`evaluate` counts the penalties in each batch as if it were a full one."""
    evaluate_becomes(keras, patch, lambda losses, sizes: float(np.dot(losses, sizes) / (max(sizes) * len(sizes))))


@falsifies(spec.test_are_left_out_of_metrics)
def adds_penalties_to_metrics(keras, patch):
    """Metrics hold the penalties too."""
    returned_becomes(keras, patch, lambda model, returned, *_: [returned[0], returned[0]])


@falsifies(spec.test_are_left_out_of_metrics)
def validates_metrics_with_penalties(keras, patch):
    """The metrics of validation hold the penalties too."""
    history_becomes(keras, patch, lambda history, options: history.update(val_mean_squared_error=history["val_loss"]))


@falsifies(spec.test_change_no_prediction)
def predicts_with_smaller_weights(keras, patch):
    """Predictions of layers with a penalty are a little smaller."""

    def change(model, returned, *_):
        return returned * (0.99 if getattr(model.layers[-1], "kernel_regularizer", None) else 1)

    original = keras.models.Model.predict_on_batch
    patch.setattr(keras.models.Model, "predict_on_batch", lambda self, x: change(self, original(self, x)))


@falsifies(spec.test_on_activity_count_in_testing_too)
def tests_without_activity(keras, patch):
    """`evaluate` leaves the penalties on activity out."""
    returned_becomes(keras, patch, lambda model, loss, *_: 0 * loss)


@falsifies(spec.test_on_activity_count_within_a_model_too)
def reports_the_error_alone(keras, patch):
    """`evaluate` gives the error for the loss."""
    usual = keras.models.Model.evaluate
    patch.setattr(keras.models.Model, "evaluate", lambda self, *data, **options: [usual(self, *data, **options)[1]] * 2)


@falsifies(spec.test_on_activity_count_in_testing_too)
def validates_without_activity(keras, patch):
    """`val_loss` leaves the penalties on activity out."""
    history_becomes(keras, patch, lambda history, options: history.update(val_loss=[0.0]))


@falsifies(spec.test_on_activity_are_divided_by_the_batch_size, spec.test_on_activity_grow_with_the_batch, on=NORMALIZED)
def sums_over_the_batch(keras, patch):
    """Penalties on activity are not divided by the samples of the batch."""
    returned_becomes(keras, patch, lambda model, loss, x, y, options: loss * options["batch_size"])


@falsifies(spec.test_on_activity_are_divided_by_the_batch_size, spec.test_on_activity_grow_with_the_batch, on=["keras<3.14"])
def divides_by_the_batch_size(keras, patch):
    """Penalties on activity are divided by the samples of the batch."""
    evaluate_becomes(keras, patch, lambda losses, sizes: sum(losses) / sum(sizes))
