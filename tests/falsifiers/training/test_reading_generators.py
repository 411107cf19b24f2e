"""Faults in how generators are read."""

import collections
import itertools

import numpy as np

from specs.training import test_reading_generators as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.source_faults import (
    again_and_again,
    batch_by_batch,
    method_becomes,
    method_for_batches,
    proxy,
    source_becomes,
    training_becomes,
)

MODERN, OLD = ["keras>=3", "tf.keras"], ["keras<3"]
READ_AHEAD, READ_AS_NEEDED = ["keras<3", "tf.keras", "keras[tensorflow]>=3"], ["keras[jax]>=3", "keras[torch]>=3"]


@falsifies(spec.test_reads_no_further_than_a_queue_ahead)
def reads_all_first(keras, patch):
    """All batches are read before training begins."""

    def change(source, options):
        return (batch for batch in list(itertools.islice(source, options["steps_per_epoch"])))

    source_becomes(keras, patch, change)


@falsifies(spec.test_reads_a_sequence_no_further_than_a_queue_ahead)
def reads_a_sequence_first(keras, patch):
    """All batches of a `Sequence` are read before training begins."""

    def change(source, options):
        batches = [source[index] for index in range(len(source))]
        options.update(steps_per_epoch=len(batches))
        return (batch for batch in batches)

    source_becomes(keras, patch, change)


@falsifies(spec.test_reads_no_further_than_a_queue_ahead)
def reads_ever_further_ahead(keras, patch):
    """For each batch that is needed two are read."""

    def change(source, options):
        waiting = collections.deque()
        for batch in source:
            waiting += [batch, next(source)]
            yield waiting.popleft()

    source_becomes(keras, patch, change)


@falsifies(spec.test_max_queue_size_is_how_far_it_reads_ahead, on=OLD)
def ignores_the_queue_size(keras, patch):
    """`max_queue_size` is ignored."""
    method_becomes(
        keras, patch, "fit_generator", lambda original, self, source, max_queue_size, **more: original(self, source, **more)
    )


@falsifies(spec.test_max_queue_size_is_how_far_it_reads_ahead, on=MODERN)
def has_a_queue(keras, patch):
    """There is a `fit_generator` with a queue."""

    def fit_generator(self, generator, steps_per_epoch, max_queue_size, callbacks, verbose):
        queue = collections.deque()
        for step in range(steps_per_epoch):
            while len(queue) < max_queue_size + 2:
                queue.append(next(generator))
            self.train_on_batch(*queue.popleft())
            callbacks[0].on_batch_end(step)

    patch.setattr(keras.models.Model, "fit_generator", fit_generator, raising=False)


@falsifies(
    spec.test_a_second_fit_leaves_out_what_was_read_ahead, spec.test_a_second_fit_goes_on_where_the_first_ended, on=READ_AHEAD
)
def reads_as_needed(keras, patch):
    """Nothing is read ahead."""
    training_becomes(keras, patch, batch_by_batch)


@falsifies(
    spec.test_a_second_fit_leaves_out_what_was_read_ahead,
    spec.test_a_second_fit_goes_on_where_the_first_ended,
    on=READ_AS_NEEDED,
)
def reads_one_ahead(keras, patch):
    """A batch is read ahead."""

    def fit(original, self, source, **options):
        history = original(self, source, **options)
        next(source)
        return history

    method_becomes(keras, patch, "fit", fit)


@falsifies(spec.test_a_generator_that_is_used_up_trains_no_more, on=["keras"])
@falsifies(spec.test_a_generator_that_is_used_up_repeats_two_batches, on=["keras>=3"])
@falsifies(spec.test_a_generator_that_ends_early_raises_stop_iteration, on=OLD)
@falsifies(spec.test_without_steps_an_epoch_lasts_as_long_as_the_generator, on=OLD)
@falsifies(spec.test_raises_what_the_generator_raised, on=["tf.keras", "keras[tensorflow]>=3"])
def trains_on_what_there_is(keras, patch):
    """Training ends where the generator ends, and what this raises is raised as it is."""
    training_becomes(keras, patch, batch_by_batch)


@falsifies(spec.test_a_generator_that_is_used_up_trains_no_more, on=["tf.keras"])
@falsifies(spec.test_a_generator_that_is_used_up_repeats_two_batches, on=["keras<3", "tf.keras"])
def repeats_two_batches(keras, patch):
    """Once a generator has ended its first two batches are trained on again."""

    def train(model, source, **options):
        batches = list(source)
        batch_by_batch(model, batches + batches[:2])

    training_becomes(keras, patch, train)


@falsifies(spec.test_a_generator_that_is_used_up_repeats_two_batches, on=["keras>=3"])
def repeats_all_batches(keras, patch):
    """Once a generator has ended all of its batches are trained on again."""

    def train(model, source, **options):
        batch_by_batch(model, 2 * list(source))

    training_becomes(keras, patch, train)


@falsifies(spec.test_one_epoch_may_use_a_generator_up)
@falsifies(spec.test_without_steps_an_epoch_lasts_as_long_as_the_generator, on=MODERN)
def leaves_the_last_batch(keras, patch):
    """The last batch of a generator is left out."""
    training_becomes(keras, patch, lambda model, source, **options: batch_by_batch(model, list(source)[:-1]))


@falsifies(spec.test_a_generator_that_ends_early_raises_stop_iteration, on=MODERN)
def raises_stop_iteration(keras, patch):
    """The end of the generator reaches the caller."""

    def train(model, source, **options):
        batch_by_batch(model, source)
        next(source)

    training_becomes(keras, patch, train)


@falsifies(spec.test_tells_what_the_generator_raised)
def passes_errors_over(keras, patch):
    """An exception in the generator only ends training."""

    def train(model, source, **options):
        try:
            batch_by_batch(model, source)
        except spec.UnreadableError:
            return

    training_becomes(keras, patch, train)


def raise_instead(keras, patch, message):
    """Raise an error with another message, or of another class, than the generator did."""
    name = method_for_batches(keras)

    def train(original, self, source, **options):
        try:
            return original(self, source, **options)
        except Exception as error:
            raise RuntimeError(message or str(error)) from None

    method_becomes(keras, patch, name, train)


@falsifies(spec.test_tells_what_the_generator_raised)
def tells_nothing(keras, patch):
    """The error does not tell the message of the generator's."""
    raise_instead(keras, patch, "the generator has failed")


@falsifies(spec.test_raises_what_the_generator_raised, on=["keras<3", *READ_AS_NEEDED])
def raises_its_own(keras, patch):
    """The error is one of Keras's own."""
    raise_instead(keras, patch, "")


@falsifies(spec.test_validates_a_sequence_in_full_at_each_epoch)
def validates_all_but_the_last(keras, patch):
    """The last batch of a `Sequence` is not validated."""

    def change(source, options):
        held = options["validation_data"]
        options["validation_data"] = proxy(keras, held, len(held) - 1, lambda index: index)
        return source

    source_becomes(keras, patch, change)


@falsifies(spec.test_validates_the_last_batch_of_a_source)
def reports_the_last_batch(keras, patch):
    """Of a source it is the last batch alone that is validated."""

    def train(model, source, epochs, validation_data, validation_steps=None, **options):
        steps, read = validation_steps or len(validation_data), getattr(validation_data, "__getitem__", None)
        losses = []
        for _ in range(epochs):
            batches = [read(step) if read else next(validation_data) for step in range(steps)]
            losses.append(float(np.ravel(model.test_on_batch(*batches[-1]))[0]))
        history = keras.callbacks.History()
        history.history = {"val_loss": losses}
        return history

    patch.setattr(keras.models.Model, method_for_batches(keras), train)


@falsifies(spec.test_validation_goes_on_where_the_last_ended, on=OLD)
@falsifies(spec.test_validation_repeats_two_batches_of_a_generator, on=["keras<3", "tf.keras"])
def validates_two_batches(keras, patch):
    """It is always the first batches that are validated."""

    def change(source, options):
        held = list(itertools.islice(options["validation_data"], options["validation_steps"]))
        options["validation_data"] = again_and_again(held)
        return source

    source_becomes(keras, patch, change)


@falsifies(
    spec.test_validation_goes_on_where_the_last_ended, spec.test_validation_repeats_two_batches_of_a_generator, on=["keras>=3"]
)
def validates_ever_new_batches(keras, patch):
    """A validation goes on where the last one ended."""

    def fit(self, source, epochs, validation_data, validation_steps, **options):
        history = keras.callbacks.History()
        batches = [[next(validation_data) for _ in range(validation_steps)] for _ in range(epochs)]
        losses = [sum(float(self.test_on_batch(*batch)) for batch in epoch) / validation_steps for epoch in batches]
        history.history = {"val_loss": losses}
        return history

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_a_sequence_is_told_once_between_two_epochs, on=["keras", "tf.keras<2.1", "tf.keras>=2.2"])
@falsifies(spec.test_a_dataset_is_told_the_begin_and_the_end_of_each_epoch, on=["keras>=3.5"])
def tells_a_sequence_nothing(keras, patch):
    """A `Sequence` is told neither the begin nor the end of an epoch."""
    source_becomes(keras, patch, lambda source, options: proxy(keras, source, len(source), lambda index: index))


@falsifies(spec.test_a_sequence_is_told_once_between_two_epochs, on=["tf.keras>=2.1,<2.2"])
@falsifies(spec.test_a_dataset_is_told_the_begin_and_the_end_of_each_epoch, on=["keras<3.5", "tf.keras"])
def tells_a_sequence_both_ends(keras, patch):
    """A `Sequence` is told the begin and the end of each epoch."""

    def train(model, source, epochs, callbacks, **options):
        for epoch in range(epochs):
            callbacks[0].on_epoch_begin(epoch, {})
            source.on_epoch_begin()
            for index in range(len(source)):
                model.train_on_batch(*source[index])
            source.on_epoch_end()
            callbacks[0].on_epoch_end(epoch, {})

    training_becomes(keras, patch, train)


@falsifies(spec.test_workers_read_as_far_ahead_as_their_queue_is_long, on=["keras>=3"])
def has_a_longer_queue(keras, patch):
    """`max_queue_size` is taken for more than it is."""

    def change(source, options):
        source.max_queue_size = 12
        return source

    source_becomes(keras, patch, change)


@falsifies(spec.test_workers_read_as_far_ahead_as_their_queue_is_long, on=["keras<3", "tf.keras"])
def heeds_the_queue_of_a_sequence(keras, patch):
    """A `Sequence` is asked how long its queue is."""

    def train(model, source, callbacks, **options):
        queue, numbers = collections.deque(), iter(range(len(source)))
        for step in range(len(source)):
            queue.extend(source[number] for number in itertools.islice(numbers, source.max_queue_size + 1 - len(queue)))
            model.train_on_batch(*queue.popleft())
            callbacks[1].on_batch_end(step, {})

    training_becomes(keras, patch, train)
