"""Faults in the training loss and the test loss."""

import numpy as np

from specs.training import test_loss_gap as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.loss_faults import (
    entries_become,
    epochs_become,
    evaluate_becomes,
    fit_becomes,
    history_becomes,
    mode_becomes,
    properly,
    returned_becomes,
)

MODERN = ["keras>=3", "tf.keras"]


@falsifies(spec.test_averages_over_a_moving_model, spec.test_weighs_a_batch_by_its_samples)
@falsifies(spec.test_exceeds_the_validation_loss_while_the_model_improves)
@falsifies(spec.test_falls_below_the_validation_loss_while_the_model_gets_worse)
def reports_the_last_batch(keras, patch):
    """The loss of an epoch is that of its last batch."""
    epochs_become(keras, patch, lambda losses, sizes, past: losses[-1])


@falsifies(spec.test_averages_over_a_moving_model, spec.test_exceeds_the_validation_loss_while_the_model_improves)
def reports_the_first_batch(keras, patch):
    """The loss of an epoch is that of its first batch."""
    epochs_become(keras, patch, lambda losses, sizes, past: losses[0])


@falsifies(spec.test_averages_over_a_moving_model, spec.test_weighs_a_batch_by_its_samples)
def goes_on_averaging(keras, patch):
    """The mean goes on over the epochs, as if it were never reset."""

    def combine(losses, sizes, past):
        return properly(np.concatenate([one[0] for one in past]), np.concatenate([one[1] for one in past]), past)

    epochs_become(keras, patch, combine)


@falsifies(spec.test_weighs_a_batch_by_its_samples)
def weighs_batches_alike(keras, patch):
    """A smaller batch counts as much as the others."""
    epochs_become(keras, patch, lambda losses, sizes, past: float(np.mean(losses)))


@falsifies(spec.test_weighs_all_batches_alike)
def weighs_batches_alike_everywhere(keras, patch):
    """A smaller batch counts as much as the others, in `evaluate` too."""
    weighs_batches_alike(keras, patch)
    tests_the_mean_over_the_batches(keras, patch)


@falsifies(spec.test_weighs_a_batch_by_its_samples)
def forgets_the_smaller_batch(keras, patch):
    """A smaller batch does not count."""
    epochs_become(keras, patch, lambda losses, sizes, past: float(np.mean(losses[:-1])))


@falsifies(spec.test_averages_over_a_moving_model, spec.test_exceeds_the_validation_loss_while_the_model_improves)
def reports_losses_after_learning(keras, patch):
    """The loss of a batch is computed after the model has learned from it."""
    entries_become(keras, patch, lambda loss: loss - 1, "loss")


@falsifies(spec.test_tests_the_mean_over_the_samples)
def tests_the_mean_over_the_batches(keras, patch):
    """In `evaluate` a smaller batch counts as much as the others."""
    evaluate_becomes(keras, patch, lambda losses, sizes: float(np.mean(losses)))


@falsifies(spec.test_tests_the_mean_over_the_samples)
def tests_full_batches(keras, patch):
    """`evaluate` leaves out a smaller batch, if there is another."""
    evaluate_becomes(keras, patch, lambda losses, sizes: float(np.mean(losses[:-1] or losses)))


@falsifies(spec.test_tests_the_mean_over_the_samples)
def tests_in_training_weights(keras, patch):
    """`evaluate` returns the sum over the batches."""
    evaluate_becomes(keras, patch, lambda losses, sizes: float(np.sum(losses)))


@falsifies(spec.test_validates_at_the_end_of_the_epoch, spec.test_validates_as_evaluate_does)
@falsifies(spec.test_exceeds_the_validation_loss_while_the_model_improves)
@falsifies(spec.test_falls_below_the_validation_loss_while_the_model_gets_worse)
def validates_before_training(keras, patch):
    """`val_loss` is computed with the weights at the beginning of the epoch."""
    epochs_become(keras, patch, properly, validate=False)


@falsifies(spec.test_validates_at_the_end_of_the_epoch)
def validates_the_first_epoch(keras, patch):
    """Only the first epoch is validated, whatever the model learns later."""
    history_becomes(keras, patch, lambda history, options: history.update(val_loss=history["val_loss"][:1] * options["epochs"]))


@falsifies(spec.test_validates_as_evaluate_does)
def evaluates_a_little_differently(keras, patch):
    """`evaluate` differs from validation in its last digits."""
    returned_becomes(keras, patch, lambda model, loss, *_: loss * (1 + 1e-7))


@falsifies(spec.test_validates_as_evaluate_does)
def validates_the_training_data(keras, patch):
    """The training data is validated instead of the validation data."""

    def react(model, original, x, y, options):
        return original(model, x, y, **{**options, "validation_data": (x, y)})

    fit_becomes(keras, patch, react)


@falsifies(spec.test_equals_the_validation_loss_where_nothing_is_learned)
def reports_the_sum(keras, patch):
    """The training loss is the sum over the batches."""
    entries_become(keras, patch, lambda loss: 3 * loss, "loss")


@falsifies(spec.test_drops_in_training_only, spec.test_predicts_without_dropout)
def drops_always(keras, patch):
    """Dropout is active in testing too."""
    mode_becomes(keras, patch, True, "Dropout")


@falsifies(spec.test_drops_in_training_only, spec.test_scales_up_what_dropout_keeps, spec.test_drops_for_each_sample_anew)
def never_drops(keras, patch):
    """Dropout is never active."""
    mode_becomes(keras, patch, False, "Dropout")


@falsifies(spec.test_drops_in_training_only, spec.test_scales_up_what_dropout_keeps)
def drops_without_scaling(keras, patch):
    """What is kept is not scaled up."""
    original = keras.layers.Dropout.call

    def call(self, inputs, training=None):
        return original(self, inputs, training=training) * (1 - self.rate)

    patch.setattr(keras.layers.Dropout, "call", call)


@falsifies(spec.test_scales_up_what_dropout_keeps)
def takes_the_rate_for_what_is_kept(keras, patch):
    """The rate is taken for the share of what is kept."""
    original = keras.layers.Dropout.call

    def call(self, inputs, training=None):
        self.rate, rate = 1 - self.rate, self.rate
        outputs = original(self, inputs, training=training)
        self.rate = rate
        return outputs

    patch.setattr(keras.layers.Dropout, "call", call)


@falsifies(spec.test_drops_for_each_sample_anew)
def drops_the_same_of_all_samples(keras, patch):
    """One draw serves all samples of a batch."""
    original = keras.layers.Dropout.call

    def call(self, inputs, training=None):
        return original(self, 0 * inputs[:1] + 1, training=training) * inputs

    patch.setattr(keras.layers.Dropout, "call", call)


@falsifies(spec.test_drops_for_each_sample_anew, on=MODERN)
def drops_the_same_of_all_batches(keras, patch):
    """The first draw serves all batches."""
    original, drawn = keras.layers.Dropout.call, {}

    def call(self, inputs, training=None):
        return drawn.setdefault("once", original(self, inputs, training=training))

    patch.setattr(keras.layers.Dropout, "call", call)


@falsifies(spec.test_adds_noise_in_training_only)
def always_adds_noise(keras, patch):
    """One of the layers of noise is active in testing too."""
    mode_becomes(keras, patch, True, "GaussianNoise")


@falsifies(spec.test_recurrent_layers_drop_in_training_only, on=spec.NOT_THEANO)
def a_recurrent_layer_never_drops(keras, patch):
    """A `GRU` takes no notice of its `dropout`."""
    original = keras.layers.GRU.__init__
    patch.setattr(keras.layers.GRU, "__init__", lambda self, units, **rates: original(self, units))


@falsifies(spec.test_recurrent_layers_drop_nothing, on=spec.NOT_THEANO)
def recurrent_layers_never_drop(keras, patch):
    """Recurrent layers take no notice of their `dropout`."""
    for layer in (keras.layers.GRU, keras.layers.LSTM):
        patch.setattr(layer, "__init__", lambda self, units, usual=layer.__init__, **rates: usual(self, units))


@falsifies(spec.test_recurrent_layers_drop_in_training_only, spec.test_recurrent_layers_drop_nothing, on=["keras[theano]"])
def theano_drops(keras, patch):
    """Recurrent layers drop some of their inputs in training."""
    k = keras.backend
    for layer in (keras.layers.GRU, keras.layers.LSTM):

        def call(self, x, usual=layer.call, **options):
            mixed = k.in_train_phase(k.dropout(x, 0.5), x)
            mixed._keras_shape = x._keras_shape
            output = usual(self, mixed, **options)
            output._uses_learning_phase = True
            return output

        patch.setattr(layer, "call", call)


@falsifies(spec.test_draws_normal_noise)
def multiplies_by_the_noise_of_the_complement(keras, patch):
    """`GaussianDropout` takes its rate for the share of what is kept."""
    original = keras.layers.GaussianDropout.call

    def call(self, inputs, training=None):
        self.rate, rate = 1 - self.rate, self.rate
        outputs = original(self, inputs, training=training)
        self.rate = rate
        return outputs

    patch.setattr(keras.layers.GaussianDropout, "call", call)


@falsifies(spec.test_draws_normal_noise)
def takes_the_deviation_for_the_variance(keras, patch):
    """The noise of `GaussianNoise` has the variance that it is given as its standard deviation."""
    original = keras.layers.GaussianNoise.call

    def call(self, inputs, training=None):
        self.stddev, deviation = self.stddev**0.5, self.stddev
        outputs = original(self, inputs, training=training)
        self.stddev = deviation
        return outputs

    patch.setattr(keras.layers.GaussianNoise, "call", call)


@falsifies(spec.test_drops_channels_whole)
def drops_anywhere(keras, patch):
    """`SpatialDropout1D` drops activations one by one."""
    patch.setattr(keras.layers, "SpatialDropout1D", keras.layers.Dropout)


@falsifies(spec.test_adds_noise_in_training_only)
def never_adds_noise(keras, patch):
    """One of the layers of noise is never active."""
    mode_becomes(keras, patch, False, "SpatialDropout1D")


@falsifies(spec.test_normalizes_by_the_batch_in_training_only)
def always_normalizes_by_the_batch(keras, patch):
    """Testing too normalizes by the batch."""
    mode_becomes(keras, patch, True, "BatchNormalization")


@falsifies(spec.test_normalizes_by_the_batch_in_training_only)
def never_normalizes_by_the_batch(keras, patch):
    """Training too normalizes by the moving statistics."""
    mode_becomes(keras, patch, False, "BatchNormalization")


@falsifies(spec.test_plots_both_curves)
def validates_what_was_trained_on(keras, patch):
    """The part that is held out is not what is validated."""

    def react(model, original, x, y, options):
        half = len(x) // 2
        del options["validation_split"]
        return original(model, x[:half], y[:half], validation_data=(x[:half], y[:half]), **options)

    fit_becomes(keras, patch, react)


@falsifies(spec.test_plots_both_curves, spec.test_a_callback_sees_both_curves_as_they_grow)
def mixes_the_curves_up(keras, patch):
    """The two curves are recorded under each other's name."""

    def swap(history, options):
        history["loss"], history["val_loss"] = history["val_loss"], history["loss"]

    history_becomes(keras, patch, swap)


@falsifies(spec.test_compares_like_with_like_by_evaluate)
def reports_the_loss_of_the_end(keras, patch):
    """The training loss of an epoch is that of the model at its end."""

    def react(model, original, x, y, options):
        returned = original(model, x, y, **options)
        returned.history["loss"][-1] = model.evaluate(x, y, verbose=0)
        return returned

    fit_becomes(keras, patch, react)


@falsifies(spec.test_compares_like_with_like_by_evaluate)
def evaluates_half(keras, patch):
    """`evaluate` returns half of the loss."""
    returned_becomes(keras, patch, lambda model, loss, *_: loss / 2)
