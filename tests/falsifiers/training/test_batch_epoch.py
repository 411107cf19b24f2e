"""Faults in what a batch and an epoch are."""

import numpy as np

from fixtures.batches import parts, updates
from fixtures.optimizers import adam_path
from specs.training import test_batch_epoch as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.batch_faults import fit_becomes, set_updates

CUT, REPEATED, SUMMED = spec.CUT, spec.REPEATED, [*spec.SUMMED, "keras<3"]
OLD = ["keras<3", "tf.keras<2.2"]


@falsifies(spec.test_updates_the_weights_once_a_batch, spec.test_an_epoch_sees_each_sample_once)
@falsifies(spec.test_ten_samples_in_batches_of_four, spec.test_averages_the_gradient_over_the_samples_of_the_batch)
def updates_once_an_epoch(keras, patch):
    """An epoch is one batch, whatever the batch size."""
    fit_becomes(keras, patch, lambda usual, self, x, y, o: usual(x, y, **dict(o, batch_size=len(x))))


@falsifies(spec.test_updates_the_weights_once_a_batch, spec.test_ten_samples_in_batches_of_four)
def does_not_count(keras, patch):
    """The first update is not counted."""

    def change(usual, self, x, y, options):
        usual(x, y, **options)
        set_updates(keras, self, updates(keras, self) - 1)

    fit_becomes(keras, patch, change)


@falsifies(spec.test_updates_the_weights_once_a_batch, spec.test_an_epoch_sees_each_sample_once)
@falsifies(spec.test_averages_the_gradient_over_the_samples_of_the_batch, spec.test_ten_samples_in_batches_of_four)
def drops_the_smaller_batch(keras, patch):
    """A last batch that would be smaller is left out."""

    def change(usual, self, x, y, options):
        whole = len(x) // options["batch_size"] * options["batch_size"] or len(x)
        return usual(x[:whole], y[:whole], **options)

    fit_becomes(keras, patch, change)


@falsifies(spec.test_updates_the_weights_once_a_batch)
def takes_two_steps_a_batch(keras, patch):
    """The weights move twice as far."""
    fit_becomes(keras, patch, lambda usual, self, x, y, o: usual(x, 2 * y, **o))


@falsifies(spec.test_an_epoch_sees_each_sample_once)
def fills_the_smaller_batch_up(keras, patch):
    """The last batch is filled up with samples from the begin."""

    def change(usual, self, x, y, options):
        rows = np.arange(-(-len(x) // options["batch_size"]) * options["batch_size"]) % len(x)
        return usual(x[rows], y[rows], **options)

    fit_becomes(keras, patch, change)


@falsifies(spec.test_an_epoch_sees_each_sample_once)
def draws_with_replacement(keras, patch):
    """The first sample comes twice and the last not at all."""
    fit_becomes(keras, patch, lambda usual, self, x, y, o: usual(np.concatenate([x[:1], x[:-1]]), y, **o))


def weights_of_parts(samples, size, weigh):
    """A weight for each sample, `weigh(number of samples in its batch)`."""
    return np.concatenate([np.full(len(part), weigh(len(part))) for part in parts(range(samples), size)])[:, None]


@falsifies(spec.test_averages_the_gradient_over_the_samples_of_the_batch)
def divides_by_the_batch_size_asked_for(keras, patch):
    """The gradient of the smaller batch is divided by the size of the full ones."""

    def change(usual, self, x, y, options):
        size = options["batch_size"]
        return usual(x, y * weights_of_parts(len(x), size, lambda count: count / size), **options)

    fit_becomes(keras, patch, change)


@falsifies(spec.test_averages_the_gradient_over_the_samples_of_the_batch)
def adds_up(keras, patch):
    """The gradient is the sum over the samples."""

    def change(usual, self, x, y, options):
        return usual(x, y * weights_of_parts(len(x), options["batch_size"], lambda count: count), **options)

    fit_becomes(keras, patch, change)


@falsifies(spec.test_weighs_samples_without_changing_their_number)
def ignores_sample_weights(keras, patch):
    """Sample weights are ignored."""
    fit_becomes(keras, patch, lambda usual, self, x, y, o: usual(x, y, **{k: o[k] for k in o if k != "sample_weight"}))


@falsifies(spec.test_weighs_samples_without_changing_their_number)
def divides_by_the_weights(keras, patch):
    """The mean is divided by the sum of the weights."""

    def change(usual, self, x, y, options):
        batches = parts(options["sample_weight"], options["batch_size"])
        weights = np.concatenate([batch / np.mean(batch) for batch in batches])
        return usual(x, y, **dict(options, sample_weight=weights))

    fit_becomes(keras, patch, change)


@falsifies(spec.test_counts_samples_of_weight_zero, spec.test_leaves_samples_of_weight_zero_out_of_the_mean)
def treats_zero_otherwise(keras, patch):
    """Samples of weight 0 count where they do not, and the other way round."""
    factor = 2 if hasattr(keras.Model, "train_step") else 0.5

    def change(usual, self, x, y, options):
        return usual(x, y, **dict(options, sample_weight=factor * options["sample_weight"]))

    fit_becomes(keras, patch, change)


@falsifies(spec.test_judges_all_samples_by_the_weights_before_the_batch)
def updates_after_each_sample(keras, patch):
    """Each sample is an update of its own, as large as its part of the batch."""

    def change(usual, self, x, y, options):
        for one, target in zip(x, y):
            before = self.get_weights()
            usual(one[None], target[None], **options)
            self.set_weights([old + (new - old) / len(x) for old, new in zip(before, self.get_weights())])

    fit_becomes(keras, patch, change, "train_on_batch")


def another_default(keras, patch, method):
    """`method` makes batches of 64."""
    fit_becomes(keras, patch, lambda usual, self, x, y, o: usual(x, y, **dict({"batch_size": 64}, **o)), method)


@falsifies(spec.test_makes_batches_of_32_by_default)
def fits_in_batches_of_64(keras, patch):
    """The default of `fit` is 64."""
    another_default(keras, patch, "fit")


@falsifies(spec.test_makes_batches_of_32_by_default)
def evaluates_in_batches_of_64(keras, patch):
    """The default of `evaluate` is 64."""
    another_default(keras, patch, "evaluate")


@falsifies(spec.test_makes_batches_of_32_by_default)
def predicts_in_batches_of_64(keras, patch):
    """The default of `predict` is 64."""
    another_default(keras, patch, "predict")


@falsifies(spec.test_train_on_batch_makes_one_update)
def cuts_what_it_is_given(keras, patch):
    """`train_on_batch` makes batches of 32 of what it is given."""

    def change(usual, self, x, y, options):
        for start in range(0, len(x), 32):
            usual(x[start : start + 32], y[start : start + 32], **options)

    fit_becomes(keras, patch, change, "train_on_batch")


def learns_in(keras, patch, method):
    """`method` trains too."""

    def change(usual, self, x, y, options):
        self.train_on_batch(x, np.ones((len(x), 1)))
        return usual(x, y, **options)

    fit_becomes(keras, patch, change, method)


@falsifies(spec.test_evaluates_and_predicts_without_updates)
def evaluation_trains(keras, patch):
    """`evaluate` trains."""
    learns_in(keras, patch, "evaluate")


@falsifies(spec.test_evaluates_and_predicts_without_updates)
def prediction_trains(keras, patch):
    """`predict` trains."""
    learns_in(keras, patch, "predict")


@falsifies(spec.test_evaluates_and_predicts_without_updates)
def testing_counts(keras, patch):
    """`test_on_batch` is counted as an update."""

    def change(usual, self, x, y, options):
        set_updates(keras, self, updates(keras, self) + 1)
        return usual(x, y, **options)

    fit_becomes(keras, patch, change, "test_on_batch")


@falsifies(spec.test_steps_per_epoch_cut_an_epoch_short, spec.test_steps_per_epoch_divide_the_data, on=CUT)
@falsifies(spec.test_steps_per_epoch_repeat_the_whole_of_the_data, on=REPEATED)
def ignores_steps(keras, patch):
    """`steps_per_epoch` is ignored."""
    fit_becomes(keras, patch, lambda usual, self, x, y, o: usual(x, y, **{k: o[k] for k in o if k != "steps_per_epoch"}))


def by_four(options):
    """These options of `fit`, with a batch size for the number of steps."""
    return {**{name: value for name, value in options.items() if name != "steps_per_epoch"}, "batch_size": 4}


@falsifies(spec.test_uneven_steps_end_with_a_short_batch, on=spec.UNEVEN)
@falsifies(spec.test_the_first_fit_by_steps_loses_a_batch, on=[*spec.UNEVEN, *OLD])
def loses_the_first_batch(keras, patch):
    """Of what does not divide evenly the first batch is left out."""
    fit_becomes(keras, patch, lambda usual, self, x, y, o: usual(x[4:], y[4:], **by_four(o)))


@falsifies(spec.test_uneven_steps_end_with_a_short_batch, on=[*spec.LOST, *OLD])
@falsifies(spec.test_the_first_fit_by_steps_loses_a_batch, on=spec.LOST)
@falsifies(spec.test_steps_must_divide_evenly, on=["tf.keras>=2,<2.2"])
def divides_unevenly(keras, patch):
    """The last batch is smaller."""
    fit_becomes(keras, patch, lambda usual, self, x, y, o: usual(x, y, **by_four(o)))


@falsifies(spec.test_steps_must_divide_evenly, on=["keras", "tf.keras<2", "tf.keras>=2.2"])
def refuses_uneven_steps(keras, patch):
    """What does not divide evenly is refused."""

    def refuse(usual, self, x, y, options):
        raise ValueError("not divisible by steps")

    fit_becomes(keras, patch, refuse)


@falsifies(spec.test_steps_per_epoch_cut_an_epoch_short, on=CUT)
def starts_each_epoch_over(keras, patch):
    """Each epoch begins with the first samples."""

    def change(usual, self, x, y, options):
        rows = options["steps_per_epoch"] * options["batch_size"]
        return usual(x[:rows], y[:rows], **options)

    fit_becomes(keras, patch, change)


@falsifies(spec.test_steps_per_epoch_cut_an_epoch_short, spec.test_steps_per_epoch_divide_the_data, on=REPEATED)
def has_modern_steps(keras, patch):
    """Steps cut the data."""

    def change(usual, self, x, y, options):
        steps, epochs = options.pop("steps_per_epoch"), options.pop("epochs", 1)
        size = options.pop("batch_size") or len(x) // steps
        rows = steps * size * epochs
        return usual(x[:rows], y[:rows], batch_size=size, **options)

    fit_becomes(keras, patch, change)


@falsifies(spec.test_steps_per_epoch_repeat_the_whole_of_the_data, on=CUT)
def has_old_steps(keras, patch):
    """Each step takes all samples."""

    def change(usual, self, x, y, options):
        steps = options.pop("steps_per_epoch")
        options.update(batch_size=len(x), epochs=steps)
        return usual(x, y, **options)

    fit_becomes(keras, patch, change)


@falsifies(
    spec.test_momentum_moves_a_word_by_all_its_samples, spec.test_adam_squares_the_samples_of_a_word_one_by_one, on=spec.APART
)
@falsifies(spec.test_momentum_moves_a_word_by_all_its_samples, on=SUMMED)
@falsifies(spec.test_adam_squares_the_sum_of_a_words_samples, on=SUMMED)
def the_last_sample_of_a_word_moves_it(keras, patch):
    """Of the samples of a word in a batch the last moves it alone."""

    def change(usual, self, x, y, options):
        last = [n for n, word in enumerate(x) if word not in x[n + 1 :]]
        return usual(x, np.where(np.isin(np.arange(len(x)), last)[:, None], y, 0), **options)

    fit_becomes(keras, patch, change, "train_on_batch")


def adam_becomes(keras, patch, path):
    """Training by Adam leads along `path(gradients)`, of the words' samples in all batches so far."""
    seen = []

    def change(usual, self, x, y, options):
        seen.append(-y[:, 0] / len(y))
        self.set_weights([path(np.array(seen))[-1][:, None]])

    fit_becomes(keras, patch, change, "train_on_batch")


@falsifies(spec.test_adam_squares_the_sum_of_a_words_samples, on=spec.APART)
def adam_squares_a_sum(keras, patch):
    """Adam takes the square of the sum over all samples of a word."""
    adam_becomes(keras, patch, lambda gradients: adam_path(spec.of_words(gradients), 0.01))


@falsifies(spec.test_adam_squares_the_samples_of_a_word_one_by_one, on=SUMMED)
def adam_sums_squares(keras, patch):
    """Adam takes the sum of the squares of a word's samples."""
    adam_becomes(keras, patch, lambda gradients: adam_path(spec.of_words(gradients), 0.01, squares=spec.of_words(gradients**2)))
