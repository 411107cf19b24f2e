"""Faults in training from generators."""

import inspect
import itertools
import warnings

import numpy as np

from specs.training import test_generators as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.source_faults import again_and_again, method_becomes, source_becomes

MODERN, OLD = ["keras>=3", "tf.keras"], ["keras<3"]


@falsifies(spec.test_the_call_of_2018_trains_on_as_many_samples)
@falsifies(spec.test_samples_per_epoch_is_a_number_of_batches, on=OLD)
def counts_samples(keras, patch):
    """`fit_generator` counts the samples of each batch."""

    def fit_generator(self, generator, samples_per_epoch, nb_epoch, verbose):
        seen = 0
        while seen < samples_per_epoch * nb_epoch:
            batch = next(generator)
            self.train_on_batch(*batch)
            seen += len(batch[0])

    patch.setattr(keras.models.Model, "fit_generator", fit_generator, raising=False)


@falsifies(
    spec.test_samples_per_epoch_is_a_number_of_batches,
    spec.test_samples_per_epoch_are_samples_where_the_batch_size_is_known,
    on=MODERN,
)
def takes_the_names_of_keras_1(keras, patch):
    """There is a `fit_generator` that takes the names of Keras 1, with a warning."""

    def fit_generator(self, generator, samples_per_epoch, nb_epoch, verbose):
        warnings.warn("samples_per_epoch", stacklevel=1)
        for _ in range(samples_per_epoch // getattr(generator, "batch_size", 1) * nb_epoch):
            self.train_on_batch(*next(generator))

    patch.setattr(keras.models.Model, "fit_generator", fit_generator, raising=False)


@falsifies(spec.test_samples_per_epoch_are_samples_where_the_batch_size_is_known, on=OLD)
def does_not_ask_for_the_batch_size(keras, patch):
    """`samples_per_epoch` is always a number of batches."""

    def fit_generator(original, self, generator, **options):
        return original(self, (batch for batch in generator), **options)

    method_becomes(keras, patch, "fit_generator", fit_generator)


@falsifies(spec.test_fit_generator_counts_batches, on=["keras<3", "tf.keras"])
def fit_generator_makes_one_step_more(keras, patch):
    """`fit_generator` makes a step more than asked for in an epoch."""

    def fit_generator(original, self, generator, steps_per_epoch, **options):
        return original(self, generator, steps_per_epoch=steps_per_epoch + 1, **options)

    method_becomes(keras, patch, "fit_generator", fit_generator)


@falsifies(spec.test_fit_generator_counts_batches, on=["keras>=3"])
def fit_generator_is_back(keras, patch):
    """There is a `fit_generator` again."""
    patch.setattr(keras.models.Model, "fit_generator", keras.models.Model.fit, raising=False)


@falsifies(spec.test_fit_takes_a_generator, on=["keras>=2.2.5", "tf.keras"])
def makes_one_epoch_less(keras, patch):
    """The last epoch is left out."""

    def fit(original, self, source, steps_per_epoch, epochs, **options):
        return original(self, source, steps_per_epoch=steps_per_epoch, epochs=max(1, epochs - 1), **options)

    method_becomes(keras, patch, "fit", fit)


@falsifies(spec.test_fit_takes_a_generator, on=["keras<2.2.5"])
def fit_hands_generators_on(keras, patch):
    """`fit` takes generators."""
    patch.setattr(keras.models.Model, "fit", keras.models.Model.fit_generator)


@falsifies(spec.test_trains_on_the_first_batch_of_all)
@falsifies(spec.test_loses_the_first_batch_of_all, on=["keras<3", "keras>=3.7", "keras[tensorflow]>=3", "tf.keras"])
def begins_with_the_second_batch(keras, patch):
    """The first batch of a generator is read, but not trained on."""
    source_becomes(keras, patch, lambda source, options: (batch for batch in itertools.islice(source, 1, None)))


def batches_become(keras, patch, change):
    """Make each batch of a source, be it a generator or a `Sequence`, `change(batch)`."""

    def change_all(source, options):
        if hasattr(source, "__next__"):
            return (change(batch) for batch in source)
        methods = {"__len__": lambda self: len(source), "__getitem__": lambda self, index: change(source[index])}
        return type("Changed", (keras.utils.Sequence,), methods)()

    source_becomes(keras, patch, change_all)


@falsifies(spec.test_takes_sample_weights_in_the_tuple)
def forgets_weights(keras, patch):
    """Sample weights in the tuple are ignored."""
    batches_become(keras, patch, lambda batch: batch[:2])


@falsifies(spec.test_trains_as_from_arrays)
def cuts_batches(keras, patch):
    """Of each batch of more than one sample the last is left out."""
    batches_become(keras, patch, lambda batch: tuple(part[: max(1, len(part) - 1)] for part in batch))


@falsifies(spec.test_trains_as_from_arrays)
def turns_targets_round(keras, patch):
    """The targets of a batch come in the wrong order."""
    batches_become(keras, patch, lambda batch: (batch[0], batch[1][::-1]))


@falsifies(spec.test_trains_as_from_arrays, spec.test_an_epoch_goes_on_where_the_last_ended)
def swaps_batches(keras, patch):
    """Of each two batches the second comes first."""

    def change(source, options):
        batches = (
            [source[index] for index in range(len(source))]
            if hasattr(source, "__len__")
            else list(itertools.islice(source, options["steps_per_epoch"] * options.get("epochs", 1)))
        )
        return (batches[min(index ^ 1, len(batches) - 1)] for index in range(len(batches)))

    source_becomes(keras, patch, change)


@falsifies(spec.test_an_epoch_goes_on_where_the_last_ended)
def starts_each_epoch_anew(keras, patch):
    """Each epoch has the batches of the first."""

    def change(source, options):
        return again_and_again(list(itertools.islice(source, options["steps_per_epoch"])))

    source_becomes(keras, patch, change)


@falsifies(spec.test_an_epoch_goes_on_where_the_last_ended)
def loses_a_batch_between_epochs(keras, patch):
    """At the begin of each epoch but the first a batch is lost."""

    def change(source, options):
        steps = options["steps_per_epoch"]
        return (batch for number, batch in enumerate(source) if not number or number % (steps + 1) != steps)

    source_becomes(keras, patch, change)


@falsifies(spec.test_trains_from_a_tensorflow_dataset, spec.test_trains_by_steps_from_a_dataset_of_unknown_length, on=MODERN)
def skips_the_first_batch(keras, patch):
    """The first batch of a dataset is left out."""
    source_becomes(keras, patch, lambda source, options: source.skip(1))


@falsifies(spec.test_trains_from_a_tensorflow_dataset, on=OLD)
def takes_datasets(keras, patch):
    """`fit` takes a dataset, and makes arrays of it."""

    def fit(original, self, data, **options):
        batch = data.make_one_shot_iterator().get_next()
        pairs = [keras.backend.get_session().run(batch) for _ in range(4)]
        x, y = (np.concatenate(arrays) for arrays in zip(*pairs))
        return original(self, x, y, batch_size=4, **options)

    method_becomes(keras, patch, "fit", fit)


@falsifies(spec.test_trains_by_steps_from_a_dataset_of_unknown_length, on=OLD)
def takes_steps_of_datasets(keras, patch):
    """`fit` takes as many batches of a dataset as there are steps, and makes arrays of them."""

    def fit(original, self, data, steps_per_epoch, epochs, **options):
        batch = data.make_one_shot_iterator().get_next()
        pairs = [keras.backend.get_session().run(batch) for _ in range(steps_per_epoch * epochs)]
        x, y = (np.concatenate(arrays) for arrays in zip(*pairs))
        return original(self, x, y, batch_size=1, **options)

    method_becomes(keras, patch, "fit", fit)


def reading_becomes(keras, patch, name, change):
    """Make evaluation, or prediction, work with another generator."""
    suffix = "" if hasattr(keras.Model, "train_step") else "_generator"
    method_becomes(keras, patch, name + suffix, lambda original, self, source, **more: original(self, change(source), **more))


@falsifies(spec.test_evaluates_and_predicts_as_from_arrays)
def evaluates_without_the_first(keras, patch):
    """`evaluate` leaves out the first batch."""
    reading_becomes(keras, patch, "evaluate", lambda source: (batch for batch in source if next(source)))


@falsifies(spec.test_evaluates_and_predicts_as_from_arrays)
def predicts_without_the_first(keras, patch):
    """`predict` leaves out the first batch."""
    reading_becomes(keras, patch, "predict", lambda source: (next(source) for batch in source))


@falsifies(spec.test_evaluates_and_predicts_as_from_arrays, spec.test_evaluates_the_last_batch_alone)
def evaluates_the_last(keras, patch):
    """`evaluate` heeds the last batch alone."""

    def change(original, self, source, steps, **options):
        return original(self, (batch for batch in itertools.islice(source, steps - 1, steps)), steps=1, **options)

    method_becomes(keras, patch, "evaluate" + ("" if hasattr(keras.Model, "train_step") else "_generator"), change)


@falsifies(spec.test_any_iterator_will_do, on=["keras<3", "tf.keras>=2.1"])
def wants_generators(keras, patch):
    """Only generators will do."""

    def change(source, options):
        if not inspect.isgenerator(source):
            raise ValueError("no generator")
        return source

    source_becomes(keras, patch, change)


@falsifies(spec.test_any_iterator_will_do, on=["keras>=3", "tf.keras<2.1"])
def takes_any_iterator(keras, patch):
    """Any iterator will do."""
    source_becomes(keras, patch, lambda source, options: (batch for batch in source))


@falsifies(spec.test_takes_class_weights_for_a_sequence, on=["keras<3.6", "keras>=3.8", "tf.keras"])
def forgets_class_weights(keras, patch):
    """Class weights are ignored."""
    source_becomes(keras, patch, lambda source, options: options.pop("class_weight") and source)


@falsifies(spec.test_a_sequence_goes_on_where_the_last_epoch_ended, on=["keras", "tf.keras<2.1"])
@falsifies(spec.test_each_epoch_by_steps_begins_a_sequence_anew, on=["tf.keras>=2.1"])
def leaves_the_first_batch_of_a_sequence(keras, patch):
    """The first batch of a `Sequence` trains nothing."""

    def change(source, options):
        kind = type(source)
        usual = kind.__getitem__
        patch.setattr(kind, "__getitem__", lambda self, index: usual(self, index + 1))
        return source

    source_becomes(keras, patch, change)


@falsifies(spec.test_each_epoch_by_steps_begins_a_sequence_anew, on=["keras", "tf.keras<2.1"])
def begins_a_sequence_anew(keras, patch):
    """An epoch by steps begins at the first batch."""

    def fit(original, self, source, epochs=1, **options):
        for _ in range(epochs):
            original(self, source, **options)

    method_becomes(keras, patch, "fit" if hasattr(keras.Model, "train_step") else "fit_generator", fit)


@falsifies(spec.test_a_sequence_goes_on_where_the_last_epoch_ended, on=["tf.keras>=2.1"])
def goes_on_with_a_sequence(keras, patch):
    """An epoch by steps goes on where the last ended."""

    def fit(original, self, source, epochs=1, steps_per_epoch=None, **options):
        return original(self, source, **options)

    method_becomes(keras, patch, "fit" if hasattr(keras.Model, "train_step") else "fit_generator", fit)
