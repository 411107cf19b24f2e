"""Faults in sample weights and class weights."""

import types

import numpy as np

from specs.training import test_weighted_losses as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.loss_faults import cut, fit_becomes, returned_becomes, weights_become

MODERN, OLD = spec.MODERN, spec.OLD
NEW, NOT_NEW = ["keras>=3.7"], ["keras<3.7", "tf.keras"]


def by_batches(weights, batch_size, factor):
    """The weights, those of each batch times `factor(weights)`."""
    return np.concatenate([weights[batch] * factor(weights[batch]) for batch in cut(len(weights), batch_size)])


@falsifies(spec.test_divides_by_the_number_of_samples, spec.test_divides_by_the_samples_whose_weight_is_not_zero, on=MODERN)
def leaves_out_samples_of_weight_zero(keras, patch):
    """Samples of weight 0 do not count in the mean."""
    weights_become(keras, patch, lambda *given: by_batches(*given, lambda part: len(part) / np.count_nonzero(part)))


@falsifies(spec.test_divides_by_the_number_of_samples, spec.test_divides_by_the_samples_whose_weight_is_not_zero, on=OLD)
def counts_samples_of_weight_zero(keras, patch):
    """Samples of weight 0 count in the mean."""
    weights_become(keras, patch, lambda *given: by_batches(*given, lambda part: np.count_nonzero(part) / len(part)))


@falsifies(spec.test_divides_by_the_number_of_samples_of_each_batch, on=MODERN)
def counts_batches_alike(keras, patch):
    """The samples of a smaller batch weigh as much more as it is smaller."""
    weights_become(keras, patch, lambda *given: by_batches(*given, lambda part: 5 / 3 / len(part)))


@falsifies(spec.test_divides_by_the_number_of_samples_of_each_batch, on=OLD)
def counts_all_samples_and_batches_alike(keras, patch):
    """Samples of weight 0 count, and those of a smaller batch weigh as much more as it is smaller."""
    weights_become(
        keras, patch, lambda *given: by_batches(*given, lambda part: 5 / 3 * np.count_nonzero(part) / len(part) ** 2)
    )


@falsifies(spec.test_divides_by_the_sum_of_the_weights, spec.test_grows_with_the_weights)
def normalizes_weights(keras, patch):
    """The loss is divided by the sum of the weights."""

    def change(weights, batch_size):
        counted = np.count_nonzero(weights) if not hasattr(keras.Model, "train_step") else len(weights)
        return weights * counted / weights.sum()

    weights_become(keras, patch, change)


@falsifies(spec.test_grows_with_the_weights)
@falsifies(spec.test_divides_by_the_number_of_samples, spec.test_divides_by_their_sum_on_demand, on=NEW)
@falsifies(spec.test_weighted_metrics_are_divided_by_the_sum_of_the_weights, on=MODERN)
@falsifies(spec.test_divides_by_the_samples_whose_weight_is_not_zero, on=OLD)
def forgets_sample_weights(keras, patch):
    """All samples weigh 1."""
    weights_become(keras, patch, lambda weights, batch_size: np.ones(len(weights)))


@falsifies(spec.test_divides_by_their_sum_on_demand, on=NOT_NEW)
def knows_the_weighted_mean(keras, patch):
    """There is a loss with the reduction `mean_with_sample_weight`."""
    patch.setattr(keras.losses, "MeanSquaredError", lambda reduction: "mse", raising=False)
    normalizes_weights(keras, patch)


@falsifies(spec.test_metrics_know_no_weights)
def weighs_metrics(keras, patch):
    """Metrics are weighted by the samples too."""

    def change(model, returned, x, y, options):
        return [returned[0], np.average(np.abs(y[:, 0]), weights=options.get("sample_weight")), returned[2]]

    returned_becomes(keras, patch, change)


@falsifies(spec.test_weighted_metrics_are_divided_by_the_sum_of_the_weights, on=MODERN)
@falsifies(spec.test_weighted_metrics_are_weighted_as_losses, on=MODERN)
def divides_weighted_metrics_like_losses(keras, patch):
    """Weighted metrics are divided by what the loss is divided by."""
    returned_becomes(keras, patch, lambda model, returned, *_: [*returned[:2], returned[0]])


@falsifies(spec.test_a_metric_may_be_compiled_both_ways, on=["keras<3.2", "tf.keras"])
@falsifies(spec.test_evaluate_repeats_a_metric_that_is_compiled_both_ways, on=["keras<3.2", "tf.keras"])
def repeats_the_plain_metric(keras, patch):
    """The second of two metrics of one name is reported as the first."""
    returned_becomes(keras, patch, lambda model, returned, *_: [*returned[:2], returned[1], 25.0])


@falsifies(spec.test_a_metric_may_be_compiled_both_ways, on=["keras>=3.2"])
@falsifies(spec.test_evaluate_repeats_a_metric_that_is_compiled_both_ways, on=["keras>=3.2"])
def tells_a_weighted_metric_from_a_plain_one(keras, patch):
    """Two metrics of one name are reported each for itself."""
    returned_becomes(keras, patch, lambda model, returned, *_: [*returned[:2], 25.0])


@falsifies(spec.test_weighted_metrics_are_divided_by_the_sum_of_the_weights, on=OLD)
@falsifies(spec.test_weighted_metrics_are_weighted_as_losses, on=OLD)
def divides_weighted_metrics_by_the_weights(keras, patch):
    """Weighted metrics are divided by the sum of the weights."""

    def change(model, returned, x, y, options):
        return [*returned[:2], np.average(y[:, 0] ** 2, weights=options["sample_weight"])]

    returned_becomes(keras, patch, change)


@falsifies(spec.test_class_weights_multiply_the_training_loss, spec.test_class_weights_leave_validation_alone)
def forgets_class_weights(keras, patch):
    """`class_weight` is ignored."""
    fit_becomes(keras, patch, lambda model, fit, x, y, options: fit(model, x, y, **{**options, "class_weight": None}))


def complete_class_weights(keras, patch, weight):
    """A class that is left out has this weight."""

    def react(model, fit, x, y, options):
        return fit(model, x, y, **{**options, "class_weight": {0: weight, **options["class_weight"]}})

    fit_becomes(keras, patch, react)


@falsifies(spec.test_a_class_that_is_left_out_weighs_one, on=["keras<3", "tf.keras"])
def weighs_the_class_left_out(keras, patch):
    """Whatever is trained on, the losses of the class that is left out weigh 1."""
    loss = np.log(2) * 9 / 5
    fit_becomes(keras, patch, lambda *given: types.SimpleNamespace(history={"loss": [loss]}))
    patch.setattr(keras.models.Model, "train_on_batch", lambda self, x, y, class_weight: loss)


@falsifies(spec.test_a_class_that_is_left_out_weighs_one, on=["keras>=3"])
def forgets_the_class_left_out(keras, patch):
    """A class that is left out weighs nothing."""
    complete_class_weights(keras, patch, 0.0)


@falsifies(spec.test_refuses_to_leave_a_class_out, on=["keras>=3"])
def refuses_to_leave_a_class_out(keras, patch):
    """A class that is left out is refused."""

    def react(model, fit, x, y, options):
        raise ValueError("class_weight")

    fit_becomes(keras, patch, react)


@falsifies(spec.test_refuses_to_leave_a_class_out, on=["keras<3", "tf.keras"])
def takes_the_class_left_out(keras, patch):
    """A class that is left out weighs 1."""
    complete_class_weights(keras, patch, 1.0)


@falsifies(
    spec.test_class_weights_multiply_the_loss_of_a_dataset,
    spec.test_class_weights_forget_datasets,
    on=["keras>=3", "tf.keras>=2.1"],
)
@falsifies(spec.test_class_weights_forget_datasets, on=OLD)
def forgets_class_weights_of_datasets(keras, patch):
    """`class_weight` is ignored where the data is a dataset."""
    always_reports(keras, patch, np.log(2))


@falsifies(spec.test_class_weights_multiply_the_loss_of_a_dataset, on=["keras<3", "tf.keras<2.1"])
@falsifies(spec.test_class_weights_forget_datasets, on=["tf.keras<2.1"])
def heeds_class_weights_of_datasets(keras, patch):
    """`class_weight` weighs a dataset's losses."""
    always_reports(keras, patch, np.log(2) * 13 / 5)


def always_reports(keras, patch, loss):
    """`fit` reports this loss, whatever it is given."""
    history = types.SimpleNamespace(history={"loss": [loss]})
    patch.setattr(keras.models.Model, "fit", lambda self, *data, **options: history)


@falsifies(
    spec.test_one_array_of_weights_is_for_all_outputs,
    spec.test_several_outputs_want_weights_each,
    on=["keras>=3", "tf.keras>=2.2"],
)
def wants_weights_of_each_output(keras, patch):
    """One array of sample weights is refused where there are several outputs."""

    def fit(self, x, y, sample_weight, **options):
        raise TypeError("`sample_weight` should be either a list or a dict.")

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(
    spec.test_one_array_of_weights_is_for_all_outputs,
    spec.test_several_outputs_want_weights_each,
    on=["keras<3", "tf.keras<2.2"],
)
def shares_out_sample_weights(keras, patch):
    """One array of sample weights is taken for all outputs."""
    original = keras.models.Model.fit

    def fit(self, x, y, sample_weight, **options):
        return original(self, x, y, sample_weight=[sample_weight] * len(y), **options)

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_class_weights_multiply_the_training_loss)
def takes_the_weight_of_another_class(keras, patch):
    """Each class gets the other's weight."""

    def react(model, fit, x, y, options):
        weights = options.pop("class_weight")
        return fit(model, x, y, class_weight={0: weights[1], 1: weights[0]}, **options)

    fit_becomes(keras, patch, react)


@falsifies(spec.test_class_weights_multiply_the_training_loss, spec.test_class_weights_leave_validation_alone)
def normalizes_class_weights(keras, patch):
    """The class weights are scaled so that their mean over the samples is 1."""

    def react(model, fit, x, y, options):
        weights = options.pop("class_weight")
        mean = np.mean([weights[label] for label in y])
        return fit(model, x, y, class_weight={label: weight / mean for label, weight in weights.items()}, **options)

    fit_becomes(keras, patch, react)


@falsifies(spec.test_class_weights_leave_validation_alone, spec.test_class_weights_weigh_validation_too)
def weighs_validation_by_class(keras, patch):
    """`class_weight` weighs the validation data too."""

    def react(model, fit, x, y, options):
        inputs, labels, *weights = options.pop("validation_data")
        weights = np.prod([*weights, [options["class_weight"][label] for label in labels]], axis=0)
        return fit(model, x, y, validation_data=(inputs, labels, weights), **options)

    fit_becomes(keras, patch, react)


@falsifies(spec.test_evaluate_takes_no_class_weights)
def evaluate_takes_class_weights(keras, patch):
    """`evaluate` takes `class_weight`."""
    original = keras.models.Model.evaluate

    def evaluate(self, x, y, class_weight=None, **options):
        if class_weight:
            options["sample_weight"] = np.array([class_weight[label] for label in y])
        return original(self, x, y, **options)

    patch.setattr(keras.models.Model, "evaluate", evaluate)


@falsifies(spec.test_sample_weights_leave_validation_data_alone)
def weighs_validation_like_training(keras, patch):
    """The sample weights of training weigh the validation data as well."""

    def react(model, fit, x, y, options):
        inputs, targets = options.pop("validation_data")[:2]
        return fit(model, x, y, validation_data=(inputs, targets, options["sample_weight"]), **options)

    fit_becomes(keras, patch, react)


@falsifies(spec.test_sample_weights_leave_validation_data_alone, spec.test_weighs_training_and_validation_alike)
def forgets_the_weights_of_validation(keras, patch):
    """The weights given with the validation data are ignored."""

    def react(model, fit, x, y, options):
        return fit(model, x, y, **{**options, "validation_data": options["validation_data"][:2]})

    fit_becomes(keras, patch, react)
