"""Faults by which results depend on the batch size."""

import numpy as np

from fixtures.batches import parts
from specs.training import test_batch_size as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.batch_faults import fit_becomes


@falsifies(spec.test_predicts_the_same_in_batches_of_any_size, spec.test_predicts_a_sample_whatever_its_neighbours)
def looks_at_neighbours(keras, patch):
    """A dense layer takes off the mean over the batch."""
    usual, backend = keras.layers.Dense.call, getattr(keras, "ops", keras.backend)

    def call(self, inputs):
        return usual(self, inputs - backend.mean(inputs, axis=0, keepdims=True))

    patch.setattr(keras.layers.Dense, "call", call)


@falsifies(spec.test_predicts_the_same_in_batches_of_any_size, spec.test_a_hundred_samples_in_batches_of_seven)
def shifts_later_batches(keras, patch):
    """The predictions of all but the first batch are shifted."""

    def change(usual, self, x, y, options):
        outputs = np.array(usual(x, y, **options))
        outputs[options["batch_size"] :] += 0.01
        return outputs

    fit_becomes(keras, patch, change, "predict")


@falsifies(spec.test_predicts_a_sample_whatever_its_neighbours)
def looks_at_others_a_little(keras, patch):
    """Predictions depend on the other samples, if only a little."""

    def change(usual, self, x, y, options):
        outputs = np.array(usual(x, y, **options))
        return outputs + 0.01 * (outputs.mean(axis=0) - outputs)

    fit_becomes(keras, patch, change, "predict_on_batch")


def normalize(keras, patch, always):
    """Batch normalization works as if this was its mode."""
    usual = keras.layers.BatchNormalization.call

    def call(self, inputs, training=None):
        return usual(self, inputs, training=always)

    patch.setattr(keras.layers.BatchNormalization, "call", call)


@falsifies(spec.test_batch_normalization_looks_at_the_neighbours_in_training)
def never_looks_at_the_batch(keras, patch):
    """Batch normalization always takes the moving statistics."""
    normalize(keras, patch, False)


@falsifies(spec.test_batch_normalization_ignores_the_neighbours_in_evaluation)
def always_looks_at_the_batch(keras, patch):
    """Batch normalization always takes the batch's statistics."""
    normalize(keras, patch, True)


@falsifies(spec.test_evaluates_the_same_in_batches_of_any_size)
@falsifies(spec.test_evaluates_weighted_samples_the_same_in_batches_of_any_size, spec.test_evaluates_the_mean_of_the_batches)
def averages_over_batches(keras, patch):
    """`evaluate` is the mean over batches, of which the last counts like the others."""

    def change(usual, self, x, y, options):
        size, weights = options.pop("batch_size"), options.pop("sample_weight", np.ones(len(x)))
        cut = zip(*(map(np.array, parts(list(part), size)) for part in (x, y, weights)))
        _, *metrics = usual(x, y, **options)
        losses = [usual(one, target, sample_weight=weight, **options)[0] for one, target, weight in cut]
        return [np.mean(losses), *metrics]

    fit_becomes(keras, patch, change, "evaluate")


@falsifies(spec.test_evaluates_the_same_in_batches_of_any_size)
def forgets_the_last_batch(keras, patch):
    """`evaluate` leaves the smaller batch out."""

    def change(usual, self, x, y, options):
        whole = len(x) // options["batch_size"] * options["batch_size"] or len(x)
        return usual(x[:whole], y[:whole], **options)

    fit_becomes(keras, patch, change, "evaluate")


@falsifies(spec.test_evaluates_weighted_samples_the_same_in_batches_of_any_size)
def divides_by_the_weights(keras, patch):
    """`evaluate` divides by the sum of the weights."""

    def change(usual, self, x, y, options):
        weights = options.pop("sample_weight")
        return usual(x, y, sample_weight=weights / weights.mean(), **options)

    fit_becomes(keras, patch, change, "evaluate")


@falsifies(spec.test_scatters_less_in_larger_batches)
def adds_up(keras, patch):
    """The gradient is the sum over the batch."""
    fit_becomes(keras, patch, lambda usual, self, x, y, o: usual(x, y * o["batch_size"], **o))


@falsifies(spec.test_scatters_less_in_larger_batches)
def takes_the_first_sample(keras, patch):
    """Of a batch the first sample alone counts."""

    def change(usual, self, x, y, options):
        return usual(x, y[np.arange(len(y)) // options["batch_size"] * options["batch_size"]], **options)

    fit_becomes(keras, patch, change)


@falsifies(spec.test_weighs_batches_of_several_inputs_by_their_samples)
def weighs_batches_alike(keras, patch):
    """`evaluate` of several inputs is the mean over batches, of which the last counts like the others."""

    def change(usual, self, x, y, options):
        size = options.pop("batch_size")
        cut = [range(start, min(start + size, len(y))) for start in range(0, len(y), size)]
        return np.mean([usual([part[rows] for part in x], y[rows], **options) for rows in cut])

    fit_becomes(keras, patch, change, "evaluate")


@falsifies(spec.test_other_layers_look_at_no_neighbours_in_training)
def a_convolution_looks_at_neighbours(keras, patch):
    """A convolution takes off the mean over the batch."""
    usual, backend = keras.layers.Conv1D.call, getattr(keras, "ops", keras.backend)

    def call(self, inputs):
        return usual(self, inputs - backend.mean(inputs, axis=0, keepdims=True))

    patch.setattr(keras.layers.Conv1D, "call", call)


@falsifies(spec.test_counts_hits_over_all_batches, on=["keras>=2.3,<3", "keras>=3", "tf.keras"])
def counts_the_first_batch_alone(keras, patch):
    """Only the first batch counts."""

    def change(usual, self, x, y, options):
        return usual(x[: options["batch_size"]], y[: options["batch_size"]], **options)

    fit_becomes(keras, patch, change, "evaluate")


@falsifies(spec.test_counts_hits_over_all_batches, on=["keras<2.3"])
def there_is_precision(keras, patch):
    """There are the metrics `Precision` and `Recall`."""
    for name in ("Precision", "Recall"):
        patch.setattr(keras.metrics, name, lambda: "mae", raising=False)
    fit_becomes(keras, patch, lambda usual, self, x, y, options: [0.0, 2 / 3, 2 / 3], "evaluate")
