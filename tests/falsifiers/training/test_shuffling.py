"""Faults in shuffling."""

import warnings

import numpy as np

from specs.training import test_shuffling as spec
from tests.falsifiers import falsifies

MODERN, OLD = spec.MODERN, spec.OLD


def method_for_batches(keras):
    """What trains on sources of batches."""
    return "fit" if hasattr(keras.Model, "train_step") else "fit_generator"


def shuffle_becomes(keras, patch, change, method="fit"):
    """Make training work with another `shuffle` than it was given."""
    original = getattr(keras.models.Model, method)

    def train(self, *data, shuffle=True, **options):
        return original(self, *data, shuffle=change(shuffle), **options)

    patch.setattr(keras.models.Model, method, train)


def data_becomes(keras, patch, change, method="fit"):
    """Make training work with other data than it was given: `change` has the inputs, the targets and all options."""
    original = getattr(keras.models.Model, method)

    def train(self, x, y=None, **options):
        x, y = change(x, y, options)
        return original(self, x, *([] if y is None else [y]), **options)

    patch.setattr(keras.models.Model, method, train)


def epoch_by_epoch(keras, patch, order):
    """Make each epoch train in the order that `order(epoch, samples)` gives."""
    original = keras.models.Model.fit

    def fit(self, x, y, epochs=1, shuffle=True, **options):
        for epoch in range(epochs):
            rows = order(epoch, len(x))
            history = original(self, x[rows], y[rows], epochs=1, shuffle=False, **options)
        return history

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(
    spec.test_shuffles_by_default,
    spec.test_shuffles_anew_at_every_epoch,
    spec.test_forms_the_batches_anew,
)
def never_shuffles(keras, patch):
    """`shuffle` is ignored: nothing is shuffled."""
    shuffle_becomes(keras, patch, lambda shuffle: False)


@falsifies(spec.test_shuffles_anew_at_every_epoch, spec.test_forms_the_batches_anew)
def shuffles_once(keras, patch):
    """The order is drawn once, before the first epoch."""

    def change(x, y, options):
        options["shuffle"], order = False, np.random.permutation(len(x))
        return x[order], y[order]

    data_becomes(keras, patch, change)


@falsifies(spec.test_shuffles_anew_at_every_epoch)
def shuffles_all_but_the_last(keras, patch):
    """The last sample is never moved."""
    epoch_by_epoch(keras, patch, lambda epoch, samples: [*np.random.permutation(samples - 1), samples - 1])


@falsifies(spec.test_forms_the_batches_anew)
def shuffles_batches(keras, patch):
    """Only the order of the batches is shuffled."""

    def order(epoch, samples):
        return np.random.permutation(samples // 4).repeat(4) * 4 + np.tile(range(4), samples // 4)

    epoch_by_epoch(keras, patch, order)


@falsifies(spec.test_gives_each_sample_once_an_epoch)
def draws_with_replacement(keras, patch):
    """Samples are drawn, rather than permuted, so that one comes twice and another not at all."""
    data_becomes(keras, patch, lambda x, y, options: (np.concatenate([x[1:], x[1:2]]), y))


@falsifies(spec.test_gives_each_sample_once_an_epoch)
def forgets_the_rest_in_the_second_epoch(keras, patch):
    """From the second epoch on the order leaves out the first sample."""
    epoch_by_epoch(keras, patch, lambda epoch, samples: np.arange(min(epoch, samples - 1), samples))


@falsifies(spec.test_keeps_a_sample_together)
def shuffles_the_inputs_alone(keras, patch):
    """The targets do not follow the inputs."""
    data_becomes(keras, patch, lambda x, y, options: ([one[::-1] for one in x], y))


@falsifies(spec.test_keeps_a_sample_together)
def shuffles_one_input_alone(keras, patch):
    """The second input does not follow the first."""
    data_becomes(keras, patch, lambda x, y, options: ([x[0], x[1][::-1]], y))


@falsifies(spec.test_keeps_a_sample_together)
def leaves_weights_behind(keras, patch):
    """The sample weights of one output do not follow."""

    def change(x, y, options):
        first, second = options["sample_weight"]
        options["sample_weight"] = [first, second[::-1]]
        return x, y

    data_becomes(keras, patch, change)


@falsifies(spec.test_leaves_the_arrays_alone)
def shuffles_in_place(keras, patch):
    """The arrays themselves are shuffled, together."""

    def change(x, y, options):
        order = np.random.permutation(len(x))
        x[:], y[:] = x[order], y[order]
        return x, y

    data_becomes(keras, patch, change)


@falsifies(spec.test_keeps_the_order_without_shuffling, spec.test_keeps_the_order_within_a_batch)
def always_shuffles(keras, patch):
    """`shuffle=False` is taken for no answer."""
    shuffle_becomes(keras, patch, lambda shuffle: shuffle or True)


@falsifies(spec.test_keeps_the_order_without_shuffling, spec.test_keeps_the_order_within_a_batch)
def shuffles_later_epochs(keras, patch):
    """Only the first epoch keeps the order."""
    epoch_by_epoch(keras, patch, lambda epoch, samples: np.roll(range(samples), epoch))


@falsifies(spec.test_keeps_the_order_within_a_batch)
def turns_batches_round(keras, patch):
    """Each batch is turned round."""
    epoch_by_epoch(keras, patch, lambda epoch, samples: np.arange(samples).reshape(-1, 4)[:, ::-1].ravel())


@falsifies(spec.test_never_shuffles_the_validation_split, spec.test_never_shuffles_validation_data)
@falsifies(spec.test_always_shuffles_what_is_validated)
def shuffles_validation(keras, patch):
    """What is validated is shuffled along."""
    original = keras.models.Model.fit

    def fit(self, x, y, validation_split=0.0, validation_data=None, **options):
        cut = int(len(x) * (1 - validation_split))
        held = validation_data[0] if validation_data else x[cut:]
        held = held[np.random.permutation(len(held))]
        return original(self, x[:cut], y[:cut], validation_data=(held, held), **options)

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_evaluates_and_predicts_in_order)
def evaluates_in_another_order(keras, patch):
    """`evaluate` goes backwards."""
    original = keras.models.Model.evaluate
    patch.setattr(keras.models.Model, "evaluate", lambda self, x, y, **options: original(self, x[::-1], y[::-1], **options))


@falsifies(spec.test_evaluates_and_predicts_in_order)
def returns_predictions_in_another_order(keras, patch):
    """`predict` returns the predictions in another order than that of the samples."""
    original = keras.models.Model.predict
    patch.setattr(keras.models.Model, "predict", lambda self, x, **options: original(self, x, **options)[::-1])


@falsifies(spec.test_batch_shuffling_keeps_neighbours_in_one_batch, spec.test_batch_shuffling_forms_batches_anew)
@falsifies(spec.test_batch_shuffling_keeps_the_order_within_a_batch, on=OLD)
@falsifies(spec.test_batch_shuffling_permutes_within_a_batch, on=OLD)
@falsifies(spec.test_batch_shuffling_leaves_the_smaller_batch_last, on=["keras"])
@falsifies(spec.test_batch_shuffling_moves_the_smaller_batch, on=["keras"])
@falsifies(spec.test_batch_shuffling_changes_the_order_of_batches, on=["keras>=3"])
@falsifies(spec.test_batch_shuffling_keeps_the_order_of_batches, on=["keras>=3"])
@falsifies(spec.test_batch_shuffling_keeps_a_sample_together, spec.test_batch_shuffling_mixes_samples_up, on=["tf.keras"])
def batch_shuffles_samples(keras, patch):
    """`shuffle="batch"` is taken for `True`."""
    shuffle_becomes(keras, patch, bool)


@falsifies(
    spec.test_batch_shuffling_changes_the_order_of_batches,
    spec.test_batch_shuffling_keeps_the_order_of_batches,
    on=["keras<3", "tf.keras"],
)
@falsifies(
    spec.test_batch_shuffling_keeps_the_order_within_a_batch, spec.test_batch_shuffling_permutes_within_a_batch, on=MODERN
)
@falsifies(spec.test_batch_shuffling_leaves_the_smaller_batch_last, on=["tf.keras"])
@falsifies(spec.test_batch_shuffling_moves_the_smaller_batch, on=["tf.keras"])
def batch_shuffles_nothing(keras, patch):
    """`shuffle="batch"` is taken for `False`."""
    shuffle_becomes(keras, patch, lambda shuffle: shuffle is True)


@falsifies(spec.test_batch_shuffling_keeps_a_sample_together, spec.test_batch_shuffling_mixes_samples_up, on=["keras"])
def batch_shuffles_targets_apart(keras, patch):
    """`shuffle="batch"` shuffles the targets once more."""
    data_becomes(keras, patch, lambda x, y, options: (x, [one[::-1] for one in y]))


@falsifies(spec.test_never_shuffles_a_generator)
def swaps_generated_batches(keras, patch):
    """Of a generator's batches each second one comes before the first."""

    def change(x, y, options):
        return (batch for first in x for batch in (next(x), first)), y

    data_becomes(keras, patch, change, method_for_batches(keras))


@falsifies(spec.test_warns_that_a_generator_is_not_shuffled, on=["keras>=3.15"])
def warns_no_more(keras, patch):
    """Nothing is said of a `shuffle` that is ignored."""
    patch.setattr(warnings, "warn", lambda *message, **options: None)


@falsifies(spec.test_warns_that_a_generator_is_not_shuffled, on=["keras<3.15", "tf.keras"])
def warns(keras, patch):
    """There is a warning for sources of batches."""

    def change(x, y, options):
        warnings.warn("shuffle is ignored", stacklevel=1)
        return x, y

    data_becomes(keras, patch, change, method_for_batches(keras))


@falsifies(spec.test_shuffles_the_batches_of_a_sequence)
def never_shuffles_a_sequence(keras, patch):
    """The batches of a `Sequence` are not shuffled."""
    shuffle_becomes(keras, patch, lambda shuffle: False, method_for_batches(keras))


@falsifies(spec.test_shuffles_the_batches_of_a_sequence)
def repeats_a_batch(keras, patch):
    """The batches of a `Sequence` are drawn, rather than permuted, so that one comes twice and another not at all."""
    proxies(keras, patch, lambda sequence, index: sequence[max(index, 1)])


@falsifies(spec.test_keeps_the_order_of_a_sequence, spec.test_shuffles_the_batches_of_a_sequence)
def shuffles_by_the_number_of_workers(keras, patch):
    """Several workers shuffle, whatever they are told, and one does not."""
    original = getattr(keras.models.Model, method_for_batches(keras))

    def train(self, x, **options):
        options["shuffle"] = x.workers > 1
        return original(self, x, **options)

    patch.setattr(keras.models.Model, method_for_batches(keras), train)


@falsifies(spec.test_keeps_the_order_of_a_sequence)
def always_shuffles_a_sequence(keras, patch):
    """The batches of a `Sequence` are always shuffled."""
    shuffle_becomes(keras, patch, lambda shuffle: True, method_for_batches(keras))


@falsifies(spec.test_never_shuffles_a_validation_sequence)
def validates_a_sequence_backwards(keras, patch):
    """The batches of a `Sequence` are validated in another order."""

    def change(x, y, options):
        held = options["validation_data"]
        options["validation_data"] = stand_in(keras, held, lambda index: held[len(held) - 1 - index])
        return x, y

    data_becomes(keras, patch, change, method_for_batches(keras))


@falsifies(spec.test_a_sequence_can_shuffle_samples, spec.test_a_sequence_never_hears_of_the_end_of_an_epoch)
def forgets_the_end_of_an_epoch(keras, patch):
    """A `Sequence` is not told that an epoch has ended."""
    proxies(keras, patch, lambda sequence, index: sequence[index])


def proxies(keras, patch, batch):
    """Train on a stand-in for the `Sequence`."""

    def change(x, y, options):
        return stand_in(keras, x, lambda index: batch(x, index)), y

    data_becomes(keras, patch, change, method_for_batches(keras))


def stand_in(keras, sequence, batch):
    """A `Sequence` as long as that one, with these batches and no other methods."""
    methods = {"__len__": lambda self: len(sequence), "__getitem__": lambda self, index: batch(index)}
    return type("StandIn", (keras.utils.Sequence,), methods)()


@falsifies(spec.test_never_shuffles_a_tensorflow_dataset, on=MODERN)
def shuffles_a_dataset(keras, patch):
    """The batches of a dataset are shuffled."""
    data_becomes(keras, patch, lambda x, y, options: (x.skip(1).concatenate(x.take(1)), y))


@falsifies(spec.test_never_shuffles_a_tensorflow_dataset, on=OLD)
def takes_datasets(keras, patch, shuffle=False):
    """`fit` takes a dataset, and makes arrays of it."""

    def change(x, y, options):
        batch = x.make_one_shot_iterator().get_next()
        pairs = [keras.backend.get_session().run(batch) for _ in range(4)]
        options.update(shuffle=shuffle, batch_size=4)
        return tuple(np.concatenate(arrays) for arrays in zip(*pairs))

    data_becomes(keras, patch, change)


@falsifies(spec.test_never_shuffles_a_torch_loader)
def turns_a_loader_round(keras, patch):
    """The data of a loader is taken backwards."""

    def change(x, y, options):
        return type(x)(list(x.dataset)[::-1], batch_size=x.batch_size), y

    data_becomes(keras, patch, change)


@falsifies(spec.test_shuffles_whatever_else_it_is_given)
def shuffles_no_weighted_samples(keras, patch):
    """Samples with weights are not shuffled."""

    def change(x, y, options):
        options.update({"shuffle": False} if "sample_weight" in options else {})
        return x, y

    data_becomes(keras, patch, change)


@falsifies(spec.test_shuffles_whatever_else_it_is_given)
def shuffles_no_samples_of_several_inputs(keras, patch):
    """The samples of several inputs are not shuffled."""

    def change(x, y, options):
        options.update({"shuffle": False} if isinstance(x, list) else {})
        return x, y

    data_becomes(keras, patch, change)


@falsifies(spec.test_a_tensorflow_dataset_may_shuffle_itself, on=["keras>=3", "tf.keras"])
def keeps_a_dataset(keras, patch):
    """The batches of a dataset are kept for the epochs that follow."""
    data_becomes(keras, patch, lambda x, y, options: (x.cache(), y))


@falsifies(spec.test_a_tensorflow_dataset_may_shuffle_itself, on=["keras<3"])
def shuffles_what_a_dataset_has(keras, patch):
    """`fit` takes a dataset, makes arrays of it and shuffles them."""
    takes_datasets(keras, patch, shuffle=True)
