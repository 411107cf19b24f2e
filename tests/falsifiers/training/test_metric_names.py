"""Faults in the names of metrics."""

import numpy as np

from specs.training import test_metric_names as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.loss_faults import entries_become, names_become

MODERN, OLD, WITH_OBJECTS = spec.MODERN, spec.OLD, ["keras>=2.3", "tf.keras"]


def compile_becomes(keras, patch, change):
    """Make `compile` work with other metrics: `change(metrics, options)`."""
    original = keras.models.Model.compile

    def compile(self, optimizer, metrics=None, **options):
        original(self, optimizer, metrics=change(metrics, options), **options)

    patch.setattr(keras.models.Model, "compile", compile)


@falsifies(spec.test_accuracy_is_accuracy, spec.test_accuracy_is_acc, on=MODERN)
def shortens_accuracy(keras, patch):
    """Accuracy is recorded as `acc`, however it is asked for."""
    names_become(keras, patch, {"accuracy": "acc"})


@falsifies(spec.test_accuracy_is_accuracy, spec.test_accuracy_is_acc, on=OLD)
@falsifies(spec.test_acc_is_acc)
def spells_accuracy_out(keras, patch):
    """Accuracy is recorded as `accuracy`, however it is asked for."""
    names_become(keras, patch, {"acc": "accuracy"})


@falsifies(spec.test_a_full_name_is_kept, spec.test_a_function_brings_its_name)
@falsifies(spec.test_an_object_brings_its_name, on=WITH_OBJECTS)
def shortens_full_names(keras, patch):
    """All accuracies are recorded as `accuracy`."""
    names_become(keras, patch, {"binary_accuracy": "accuracy"})


@falsifies(spec.test_a_function_brings_its_name)
@falsifies(spec.test_an_object_brings_its_name, on=WITH_OBJECTS)
def gives_its_own_name(keras, patch):
    """A name of one's own is replaced by that of the metric in Keras."""
    names_become(keras, patch, {"hits": "binary_accuracy"})


@falsifies(spec.test_an_object_brings_its_name, on=["keras<2.3"])
def has_metric_objects(keras, patch):
    """There is a `BinaryAccuracy`."""

    def binary_accuracy(name="binary_accuracy"):
        def metric(targets, outputs):
            return keras.metrics.binary_accuracy(targets, outputs)

        metric.__name__ = name
        return metric

    patch.setattr(keras.metrics, "BinaryAccuracy", binary_accuracy, raising=False)


@falsifies(spec.test_an_abbreviation_is_kept, spec.test_an_abbreviation_is_spelled_out)
def spells_otherwise(keras, patch):
    """Abbreviations are spelled out where they were kept, and kept where they were spelled out."""
    names = {"mae": "mean_absolute_error", "mse": "mean_squared_error"}
    old = {long: short for short, long in names.items()}
    names_become(keras, patch, names if hasattr(keras.Model, "train_step") else old)


@falsifies(spec.test_two_of_a_name_are_numbered, spec.test_two_of_a_name_are_refused, on=["keras"])
def refuses_two_of_a_name(keras, patch):
    """Metrics of one name are refused."""

    def change(metrics, options):
        if len(metrics) > 1:
            raise ValueError("metrics need a unique name")
        return metrics

    compile_becomes(keras, patch, change)


@falsifies(spec.test_two_of_a_name_are_numbered, spec.test_two_of_a_name_are_refused, on=["tf.keras"])
def numbers_two_of_a_name(keras, patch):
    """Metrics of one name are numbered."""

    def binary_accuracy_1(targets, outputs):
        return keras.metrics.binary_accuracy(targets, outputs)

    compile_becomes(keras, patch, lambda metrics, options: [metrics[0], binary_accuracy_1])


@falsifies(spec.test_the_second_of_a_name_counts)
def takes_the_second_of_a_name(keras, patch):
    """Of metrics of one name the last one is taken."""
    compile_becomes(keras, patch, lambda metrics, options: metrics[-1:])


@falsifies(spec.test_accuracy_is_the_share_of_right_answers)
def counts_wrong_answers(keras, patch):
    """Accuracy is the share of wrong answers."""
    entries_become(keras, patch, lambda accuracy: 1 - accuracy, "acc", "accuracy")


@falsifies(spec.test_accuracy_is_the_share_of_right_answers)
def always_compares_with_a_half(keras, patch):
    """Accuracy compares every output with 0.5."""
    compile_becomes(keras, patch, lambda metrics, options: [keras.metrics.binary_accuracy])


@falsifies(spec.test_accuracy_goes_by_the_shape, spec.test_accuracy_goes_by_the_loss, on=spec.BY_SHAPE)
def compares_with_a_half_for_binary_losses(keras, patch):
    """With a binary loss accuracy compares every output with 0.5."""
    compile_becomes(keras, patch, lambda metrics, options: [keras.metrics.binary_accuracy])


@falsifies(spec.test_accuracy_goes_by_the_shape, spec.test_accuracy_goes_by_the_loss, on=spec.BY_LOSS)
def looks_for_the_largest(keras, patch):
    """With a binary loss too accuracy looks for the largest of several outputs."""
    compile_becomes(keras, patch, lambda metrics, options: [keras.metrics.categorical_accuracy])


@falsifies(spec.test_finds_the_accuracy_under_either_name)
def reports_the_best_so_far(keras, patch):
    """The accuracy recorded of an epoch is the best of all."""
    entries_become(keras, patch, lambda accuracy: float(np.ceil(accuracy)), "acc", "accuracy")


@falsifies(spec.test_a_list_of_metrics_is_for_each_output, spec.test_a_list_of_metrics_is_refused, on=["keras<3", "tf.keras"])
def wants_metrics_of_each_output(keras, patch):
    """A list of metrics is refused where there are several outputs."""
    original = keras.models.Model.compile

    def compile(self, metrics, **options):
        if len(self.outputs) != len(metrics):
            raise ValueError("There must be as many metrics as outputs.")
        original(self, metrics=metrics, **options)

    patch.setattr(keras.models.Model, "compile", compile)


@falsifies(spec.test_a_list_of_metrics_is_for_each_output, spec.test_a_list_of_metrics_is_refused, on=["keras>=3"])
def shares_out_metrics(keras, patch):
    """A list of metrics is measured of each output."""
    original = keras.models.Model.compile

    def compile(self, metrics, **options):
        original(self, metrics=[metrics] * len(self.outputs), **options)

    patch.setattr(keras.models.Model, "compile", compile)


@falsifies(spec.test_each_output_has_an_accuracy_of_its_kind)
def one_kind_for_all_outputs(keras, patch):
    """All outputs have the accuracy of the first."""
    usual = keras.models.Model.fit

    def fit(self, *data, **options):
        history = usual(self, *data, **options)
        for name, entries in history.history.items():
            entries[:] = [0.5] if "acc" in name else entries
        return history

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_counts_begin_anew_at_each_epoch, on=spec.WITH_CLASSES)
def a_count_goes_on(keras, patch):
    """`TruePositives` counts on from epoch to epoch."""
    for name in ("reset_state", "reset_states"):
        patch.setattr(keras.metrics.TruePositives, name, lambda self: None, raising=False)


@falsifies(spec.test_an_auc_begins_anew_at_each_epoch, on=spec.WITH_CLASSES)
def the_area_shrinks(keras, patch):
    """The areas of later epochs are smaller."""
    usual = keras.models.Model.fit

    def fit(self, *data, **options):
        history = usual(self, *data, **options)
        for entries in history.history.values():
            entries[1:] = [value / 2 for value in entries[1:]]
        return history

    patch.setattr(keras.models.Model, "fit", fit)
