"""Faults in the validation split."""

import math
import time
from types import SimpleNamespace

import numpy as np

from fixtures import splits
from specs.training import test_validation_split as spec
from tests.falsifiers import falsifies

MODERN = ["keras>=3", "tf.keras"]
OLD = ["keras<3"]


def pieces(data, rows):
    """These rows of an array, or of each of a list of arrays."""
    several = isinstance(data, (list, tuple)) and not np.isscalar(data[0])
    return data if data is None else [part[rows] for part in data] if several else data[rows]


def split_by(keras, patch, rule, weigh=True):
    """Make `fit` split by itself: `rule(samples, fraction)` gives a slice to train on and one to validate."""
    original = keras.models.Model.fit

    def fit(self, x=None, y=None, validation_split=0.0, validation_data=None, sample_weight=None, **options):
        if validation_split and validation_data is None:
            train, held = rule(len(x[0]) if isinstance(x, list) else int(x.shape[0]), validation_split)
            validation_data = (pieces(x, held), pieces(y, held))
            if weigh and sample_weight is not None:
                validation_data += (pieces(sample_weight, held),)
            x, y, sample_weight = pieces(x, train), pieces(y, train), pieces(sample_weight, train)
        return original(self, x, y, validation_data=validation_data, sample_weight=sample_weight, **options)

    patch.setattr(keras.models.Model, "fit", fit)


def fraction_becomes(keras, patch, change, applies=lambda fraction: True):
    """Make `fit` work with another `validation_split` than it was given."""
    original = keras.models.Model.fit

    def fit(self, *data, validation_split=0.0, **options):
        fraction = change(validation_split) if applies(validation_split) else validation_split
        return original(self, *data, validation_split=fraction, **options)

    patch.setattr(keras.models.Model, "fit", fit)


def reaction(keras, patch, react):
    """Make `fit` answer with what `react(model, original, x, y, options)` says, where there is a `validation_split`."""
    original = keras.models.Model.fit

    def fit(self, x=None, y=None, validation_split=0.0, **options):
        if validation_split:
            return react(self, original, x, y, options)
        return original(self, x, y, **options)

    patch.setattr(keras.models.Model, "fit", fit)


def refuse(*_):
    """Refuse the split."""
    raise ValueError("no validation_split")


@falsifies(spec.test_trains_on_the_first_samples_and_validates_on_the_rest, spec.test_rounds_the_training_part_down)
def rounds_up(keras, patch):
    """The training part is rounded up."""

    def rule(samples, fraction):
        cut = math.ceil(samples * (1 - fraction))
        return slice(0, cut), slice(cut, None)

    split_by(keras, patch, rule)


@falsifies(spec.test_trains_on_the_first_samples_and_validates_on_the_rest, spec.test_rounds_the_training_part_down)
def rounds_to_the_nearest(keras, patch):
    """The training part is rounded to the nearest whole number."""

    def rule(samples, fraction):
        cut = round(samples * (1 - fraction))
        return slice(0, cut), slice(cut, None)

    split_by(keras, patch, rule)


@falsifies(
    spec.test_trains_on_the_first_samples_and_validates_on_the_rest,
    spec.test_holds_out_exactly_the_last_tenth,
    spec.test_splits_once_before_any_shuffling,
    spec.test_sorted_samples_leave_a_class_out_of_training,
    spec.test_a_shuffled_split_needs_a_permutation,
    spec.test_cuts_inputs_targets_and_sample_weights_at_one_place,
)
def holds_out_the_first(keras, patch):
    """The first samples are held out instead of the last."""

    def rule(samples, fraction):
        held = samples - int(samples * (1 - fraction))
        return slice(held, None), slice(0, held)

    split_by(keras, patch, rule)


@falsifies(
    spec.test_trains_on_the_first_samples_and_validates_on_the_rest,
    spec.test_rounds_the_training_part_down,
    spec.test_holds_out_exactly_the_last_tenth,
    spec.test_a_shuffled_split_needs_a_permutation,
)
def validates_one_less(keras, patch):
    """The sample next to the cut is neither trained on nor validated."""

    def rule(samples, fraction):
        cut = int(samples * (1 - fraction))
        return slice(0, cut), slice(cut + (cut + 1 < samples), None)

    split_by(keras, patch, rule)


@falsifies(spec.test_trains_on_the_first_samples_and_validates_on_the_rest, spec.test_holds_out_exactly_the_last_tenth)
def trains_on_the_held_out(keras, patch):
    """The samples that are held out are trained on all the same."""
    split_by(keras, patch, lambda samples, fraction: (slice(0, None), slice(int(samples * (1 - fraction)), None)))


@falsifies(spec.test_holds_out_exactly_the_last_tenth)
def rounds_with_a_margin(keras, patch):
    """The fraction is a little too large after a conversion to float32."""
    fraction_becomes(keras, patch, lambda fraction: fraction + 1e-7)


@falsifies(spec.test_holds_out_exactly_the_share_of_any_fraction)
def reckons_exactly(keras, patch):
    """The boundary is computed as if fractions were decimal: the mistake of binary fractions is mended."""
    fraction_becomes(keras, patch, lambda fraction: fraction - 1e-9, bool)


@falsifies(spec.test_holds_out_at_least_one_sample)
def drops_small_fractions(keras, patch):
    """A fraction of less than one sample holds out none."""
    fraction_becomes(keras, patch, lambda fraction: 0.0, lambda fraction: fraction < 1 / 16)


@falsifies(spec.test_splits_once_before_any_shuffling)
def splits_anew_at_each_epoch(keras, patch):
    """The second epoch holds out other samples than the first."""
    original = keras.models.Model.fit

    def fit(self, x, y, validation_split, epochs, **options):
        for epoch in range(epochs):
            turned = np.roll(x, 2 * (epoch % 2))
            history = original(self, turned, turned, validation_split=validation_split, **options)
        return history

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_cuts_inputs_targets_and_sample_weights_at_one_place)
def forgets_validation_weights(keras, patch):
    """The sample weights of what is held out are forgotten."""

    def rule(samples, fraction):
        cut = int(samples * (1 - fraction))
        return slice(0, cut), slice(cut, None)

    split_by(keras, patch, rule, weigh=False)


@falsifies(spec.test_cuts_inputs_targets_and_sample_weights_at_one_place)
def cuts_only_the_first_input(keras, patch):
    """The second input is cut at the other end."""
    original = keras.models.Model.fit

    def fit(self, x, *data, **options):
        return original(self, [x[0], x[1][::-1]], *data, **options)

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_holds_nothing_out_by_default)
def splits_by_default(keras, patch):
    """A tenth is held out by default."""
    fraction_becomes(keras, patch, lambda fraction: fraction or 0.1)


@falsifies(spec.test_yields_to_validation_data, spec.test_prefers_the_split_to_validation_data)
def prefers_the_split(keras, patch):
    """The split wins over the validation data that was given."""
    original = keras.models.Model.fit

    def fit(self, *data, validation_data=None, **options):
        return original(self, *data, **options)

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_yields_to_validation_data)
def trains_on_a_part_nonetheless(keras, patch):
    """The validation data that was given wins, but the training data is cut as well."""
    original = keras.models.Model.fit

    def fit(self, x, y, validation_split=0.0, **options):
        cut = int(len(x) * (1 - validation_split))
        return original(self, x[:cut], y[:cut], **options)

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_refuses_to_leave_nothing_to_train_on, on=MODERN)
@falsifies(spec.test_refuses_a_fraction_lost_in_rounding, on=MODERN, in_interpreter=True)
@falsifies(spec.test_fails_with_nothing_to_train_on, spec.test_trains_on_nothing_without_a_word, on=MODERN, in_interpreter=True)
@falsifies(spec.test_splits_tensors_like_arrays, spec.test_refuses_a_list_of_targets, on=MODERN)
@falsifies(spec.test_refuses_generators_and_sequences, spec.test_refuses_tensorflow_datasets, on=MODERN)
@falsifies(spec.test_refuses_symbolic_tensors)
def drops_what_it_cannot_split(keras, patch):
    """Nothing is trained, and nothing is said, where there is something wrong with a split."""
    reaction(keras, patch, lambda *_: empty_history(keras))


def empty_history(keras):
    """What `fit` returns, of no epoch."""
    history = keras.callbacks.History()
    history.history = {}
    return history


@falsifies(spec.test_never_ends, in_interpreter=True)
def waits_for_data(keras, patch):
    """`fit` with a split waits for ever."""
    patch.setattr(splits, "PATIENCE", 1)
    reaction(keras, patch, lambda *_: time.sleep(60))


@falsifies(spec.test_a_negative_fraction_reports_a_loss_of_zero)
def reports_a_loss_of_zero(keras, patch):
    """A split is ignored, and a `val_loss` of 0 is reported."""

    def react(model, original, x, y, options):
        history = original(model, x, y, **options)
        history.history["val_loss"] = [0.0]
        return history

    reaction(keras, patch, react)


@falsifies(spec.test_refuses_validation_data_beside_a_split)
@falsifies(spec.test_refuses_to_leave_nothing_to_train_on, on=OLD)
@falsifies(spec.test_trains_on_nothing_without_a_word, spec.test_fails_with_nothing_to_train_on, on=OLD, in_interpreter=True)
@falsifies(
    spec.test_refuses_a_fraction_lost_in_rounding, spec.test_ignores_a_fraction_lost_in_rounding, on=OLD, in_interpreter=True
)
@falsifies(spec.test_refuses_a_list_of_targets, spec.test_refuses_generators_and_sequences, on=OLD)
@falsifies(spec.test_refuses_tensorflow_datasets, on=OLD)
def refuses_all_splits(keras, patch):
    """Every split is refused."""
    reaction(keras, patch, refuse)


@falsifies(spec.test_splits_a_list_of_targets, on=OLD)
@falsifies(spec.test_ignores_a_fraction_lost_in_rounding, on=MODERN, in_interpreter=True)
@falsifies(spec.test_takes_the_excess_over_one, on=MODERN)
@falsifies(spec.test_ignores_a_fraction_of_one_or_more, on=MODERN)
@falsifies(spec.test_ignores_a_negative_fraction, spec.test_fails_on_a_negative_fraction_after_training, on=["tf.keras"])
def ignores_all_splits(keras, patch):
    """`validation_split` is ignored."""
    reaction(keras, patch, lambda model, original, x, y, options: original(model, x, y, **options))


@falsifies(spec.test_ignores_a_fraction_of_one_or_more, spec.test_takes_the_excess_over_one, on=OLD)
@falsifies(spec.test_ignores_a_negative_fraction, on=["keras"])
def takes_the_fraction_modulo_one(keras, patch):
    """A fraction outside of 0 to 1 is taken for its part after the point."""
    fraction_becomes(keras, patch, lambda fraction: fraction % 1)


@falsifies(spec.test_fails_with_nothing_to_validate, in_interpreter=True)
@falsifies(spec.test_fails_on_a_negative_fraction_after_training, on=["keras"])
def fails_after_training(keras, patch):
    """An empty validation part is found out only after training."""

    def react(model, original, x, y, options):
        original(model, x, y, **options)
        raise ValueError("Expected non-empty data")

    reaction(keras, patch, react)


@falsifies(spec.test_fit_generator_knows_no_validation_split, on=["keras<3", "tf.keras"])
def fit_generator_ignores_the_split(keras, patch):
    """`fit_generator` takes any argument, and ignores what it does not know."""
    patch.setattr(keras.models.Model, "fit_generator", lambda self, generator, **options: None)


@falsifies(spec.test_fit_generator_knows_no_validation_split, on=["keras>=3"])
def fit_generator_is_back(keras, patch):
    """There is a `fit_generator` again."""

    def fit_generator(self, generator, steps_per_epoch=None, verbose=1):
        self.fit(generator, steps_per_epoch=steps_per_epoch, verbose=verbose)

    patch.setattr(keras.models.Model, "fit_generator", fit_generator, raising=False)


@falsifies(spec.test_splits_tensors_like_arrays, on=OLD)
def evaluates_tensors(keras, patch):
    """Tensors are made arrays first."""

    def react(model, original, x, y, options):
        x, y = keras.backend.eval(x), keras.backend.eval(y)
        return original(model, x, y, validation_split=0.25, **options)

    reaction(keras, patch, react)


@falsifies(spec.test_splits_a_list_of_targets, on=MODERN)
def makes_lists_arrays(keras, patch):
    """Lists are made arrays first."""

    def react(model, original, x, y, options):
        return original(model, x, np.array(y)[:, None], validation_split=0.25, **options)

    reaction(keras, patch, react)


class FirstHeldOut:
    """An ImageDataGenerator that cuts where `int(n * fraction)` says, or one later."""

    extra = 0

    def __init__(self, validation_split):
        """`validation_split` is the fraction that is held out."""
        self.validation_split = validation_split

    def flow(self, x, subset, shuffle):
        """An object whose `x` is the images of that subset."""
        cut = int(len(x) * self.validation_split) + self.extra
        return SimpleNamespace(x=x[:cut] if subset == "validation" else x[cut:])


@falsifies(spec.test_image_data_generator_holds_out_the_first_images, on=["keras<3", "tf.keras"])
def image_data_generator_rounds_up(keras, patch):
    """The cut is one image later."""
    later = type("Later", (FirstHeldOut,), {"extra": 1})
    patch.setattr(keras.preprocessing.image, "ImageDataGenerator", later)


@falsifies(
    spec.test_image_data_generator_holds_out_the_first_images, spec.test_keras_3_has_no_image_data_generator, on=["keras>=3"]
)
def image_data_generator_is_back(keras, patch):
    """There is an `ImageDataGenerator` again."""
    patch.setattr(keras.preprocessing.image, "ImageDataGenerator", FirstHeldOut, raising=False)


@falsifies(spec.test_keras_3_has_no_image_data_generator, on=["keras<3", "tf.keras"])
def image_data_generator_is_gone(keras, patch):
    """There is no `ImageDataGenerator`."""
    patch.delattr(keras.preprocessing.image, "ImageDataGenerator")
