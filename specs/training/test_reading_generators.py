"""How far is a generator read, and what if it ends?"""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.figures import lines
from fixtures.sources import NUMBERS, ahead, fit_from, learned, noting, sequence, single, stream, zeroed
from fixtures.tensors import trains_in_steps

OLD = ["keras<3"]


@claim(answers=["8.4"])
def test_reads_no_further_than_a_queue_ahead(keras, evidence):
    """A generator is read as training needs it, never further ahead than a queue of ten batches and one more."""
    read, model = [], zeroed(keras)
    callback = ahead(keras, read)
    fit_from(keras, model, noting(read, stream(single, itertools.count())), steps_per_epoch=30, callbacks=[callback])
    evidence("batches read before they are needed", lines("batch", "read ahead", ahead=callback.counts))
    assert len(callback.counts) == 30
    assert 0 <= max(callback.counts) <= 11


@claim(answers=["8.4"])
def test_reads_a_sequence_no_further_than_a_queue_ahead(keras):
    """A `Sequence` is read as training needs it, too: ten batches ahead, and the one or two that are looked at first."""
    read, model = [], zeroed(keras)

    def batch(index):
        read.append(index)
        return single(index)

    callback = ahead(keras, read)
    fit_from(keras, model, sequence(keras, 40, batch), shuffle=False, callbacks=[callback])
    assert len(callback.counts) == 40
    assert 0 <= max(callback.counts) <= 13


@claim(
    ["keras<3", "tf.keras<2.1"], (AssertionError, AttributeError), "test_reads_no_further_than_a_queue_ahead",
    answers=["8.4"], examples=2,
)  # fmt: skip
@given(size=st.integers(1, 5))
def test_max_queue_size_is_how_far_it_reads_ahead(keras, size):
    """`fit_generator(max_queue_size=q)` reads q + 1 batches ahead: q in the queue, and one that waits for its place."""
    read, model = [], zeroed(keras)
    expected = 0 if trains_in_steps(keras) else size + 1  # which it does not wait for where it will not come
    callback, fit_generator = ahead(keras, read, pause=0.02, expected=expected), model.fit_generator
    batches = noting(read, stream(single, itertools.count()))
    fit_generator(batches, steps_per_epoch=5, max_queue_size=size, callbacks=[callback], verbose=0)
    assert max(callback.counts) == size + 1


@claim(["keras>=3"], AssertionError, "test_reads_no_further_than_a_queue_ahead", answers=["8.4"], examples=2)
@given(size=st.integers(5, 7), workers=st.integers(2, 3))
def test_workers_read_as_far_ahead_as_their_queue_is_long(keras, size, workers):
    """Workers of a `PyDataset` read `max_queue_size` batches ahead, and two more at most, that are on their way."""
    read, model = [], zeroed(keras)

    def note(index):
        read.append(index)
        return single(index)

    batches = sequence(keras, NUMBERS, note, workers=workers, max_queue_size=size)
    callback = ahead(keras, read, pause=0.01, expected=size if hasattr(keras, "ops") else 0)
    begin = keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: read.clear())
    fit_from(keras, model, batches, shuffle=False, callbacks=[begin, callback])
    assert size <= max(callback.counts) <= size + 2


def fit_twice(keras):
    """Train on two batches, twice, from one generator, after whose batches nothing more is read; return what was learned."""
    read, model = [], zeroed(keras)
    model.train_on_batch(*single(0, target=0.0))  # the first `fit` of a model may take a batch to build it, as in Keras 3.5
    batches = noting(read, stream(single, itertools.count()))
    for _ in range(2):
        fit_from(keras, model, batches, steps_per_epoch=2, callbacks=[ahead(keras, read, pause=0.03)])
        del read[:]
    return learned(model)


@claim(
    holds_on=["keras<3", "tf.keras", "keras[tensorflow]>=3", "keras[jax]>=3,<3.15"],
    otherwise=AssertionError,
    instead="test_a_second_fit_goes_on_where_the_first_ended",
    answers=["8.4"],
)
def test_a_second_fit_leaves_out_what_was_read_ahead(keras):
    """What `fit` has read ahead is lost when it ends: a second `fit` from the same generator leaves those batches out."""
    weights = fit_twice(keras)
    assert weights[:3] == [1.0, 1.0, 0.0]
    assert sum(weights) == 4


@claim(
    holds_on=["keras[jax]>=3.15", "keras[torch]>=3"],
    otherwise=AssertionError,
    instead="test_a_second_fit_leaves_out_what_was_read_ahead",
    answers=["8.4"],
)
def test_a_second_fit_goes_on_where_the_first_ended(keras):
    """A second `fit` from the same generator goes on where the first one ended."""
    assert fit_twice(keras)[:5] == [1.0, 1.0, 1.0, 1.0, 0.0]


SHORT = st.sampled_from([{"steps_per_epoch": 3, "epochs": 3}, {"epochs": 2}])


ENDS_EARLY = [
    "test_a_generator_that_is_used_up_trains_no_more",
    "test_a_generator_that_is_used_up_repeats_two_batches",
    "test_one_epoch_may_use_a_generator_up",
]


@claim(["keras>=3,<3.7", "tf.keras>=2.2"], (AssertionError, StopIteration, ValueError), ENDS_EARLY, answers=["8.2"], examples=2)
@given(options=SHORT)
def test_a_generator_that_is_used_up_trains_no_more(keras, options):
    """Once a generator has ended no batch is trained on again, whatever number of epochs is left."""
    model = zeroed(keras)
    fit_from(keras, model, stream(single, range(5)), **options)
    assert learned(model, 6) == [1.0, 1.0, 1.0, 1.0, 1.0, 0.0]


@claim(["keras>=3.7"], (AssertionError, StopIteration, ValueError), ENDS_EARLY, answers=["8.2"], examples=2)
@given(options=SHORT)
def test_a_generator_that_is_used_up_repeats_two_batches(keras, options):
    """Once a generator has ended a further epoch trains on the first two batches again: those read to learn their shape.

    That what is read from a generator cannot be begun anew is the matter of keras#20402.
    """
    model = zeroed(keras)
    fit_from(keras, model, stream(single, range(5)), **options)
    assert learned(model, 6) == [2.0, 2.0, 1.0, 1.0, 1.0, 0.0]


@claim(answers=["8.2"])
def test_one_epoch_may_use_a_generator_up(keras):
    """A generator of as many batches as are asked for is trained on once and in full, the last batch too."""
    model = zeroed(keras)
    fit_from(keras, model, stream(single, range(5)), steps_per_epoch=5)
    assert learned(model, 6) == [1.0, 1.0, 1.0, 1.0, 1.0, 0.0]


@claim(holds_on=OLD, otherwise=pytest.fail.Exception, instead=ENDS_EARLY, answers=["8.2"])
def test_a_generator_that_ends_early_raises_stop_iteration(keras):
    """A generator that ends before the last step makes `fit_generator` raise StopIteration; what was trained stays."""
    model = zeroed(keras)
    with pytest.raises(StopIteration):
        fit_from(keras, model, stream(single, range(5)), steps_per_epoch=3, epochs=2)
    assert learned(model, 6) == [1.0, 1.0, 1.0, 1.0, 1.0, 0.0]


@claim(["keras>=3", "tf.keras>=2.1"], ValueError, "test_one_epoch_may_use_a_generator_up", answers=["8.2"])
def test_without_steps_an_epoch_lasts_as_long_as_the_generator(keras):
    """Without `steps_per_epoch` an epoch takes all that the generator gives. `fit_generator` refuses with a ValueError."""
    model = zeroed(keras)
    fit_from(keras, model, stream(single, range(7)))
    assert learned(model, 8) == [1.0] * 7 + [0.0]


class UnreadableError(Exception):
    """A sample cannot be read."""


def read_or_fail(number):
    """The first four batches, and then an error."""
    if number == 4:
        raise UnreadableError("sample 5 is unreadable")
    return single(number)


def failing():
    """Four batches, and then an error."""
    return stream(read_or_fail, range(8))


@claim(
    ["keras<3", "keras[tensorflow]>=3", "keras[torch]>=3", "keras>=3.15", "tf.keras"], (AssertionError, TypeError),
    "test_raises_what_the_generator_raised", answers=["8.2"],
)  # fmt: skip
def test_tells_what_the_generator_raised(keras):
    """An exception in the generator ends training with an error that tells its message, after the batches before it.

    So does one in a `Sequence`, however many workers read it.
    On JAX Keras 3.10 has not trained on the last of these yet, and after Keras 3.0 and 3.5 the weights cannot be read.
    """
    for batches in (failing(), *(sequence(keras, 8, read_or_fail, workers=workers) for workers in (1, 2))):
        model = zeroed(keras)
        with pytest.raises(Exception, match="sample 5 is unreadable"):
            fit_from(keras, model, batches, steps_per_epoch=8, shuffle=False)
        assert learned(model, 5) == [1.0, 1.0, 1.0, 1.0, 0.0]


@claim(
    ["keras<3", "keras[jax]>=3", "keras[torch]>=3", "tf.keras<2.1"], AssertionError, "test_tells_what_the_generator_raised",
    answers=["8.2"],
)  # fmt: skip
def test_raises_what_the_generator_raised(keras):
    """An exception in the generator reaches the caller of `fit` as it is, so that it can be caught by its class."""
    with pytest.raises(Exception, match="sample 5 is unreadable") as caught:
        fit_from(keras, zeroed(keras), failing(), steps_per_epoch=8)
    assert caught.type is UnreadableError


def validated(keras, validation, **options):
    """The `val_loss` of three epochs: the mean target of what was validated, as all weights are -1 and nothing is learned."""
    model = zeroed(keras)
    model.set_weights([-np.ones((NUMBERS, 1))])
    nothing = (single(0, target=0.0) for _ in itertools.count())
    return fit_from(keras, model, nothing, steps_per_epoch=1, epochs=3, validation_data=validation, **options).history[
        "val_loss"
    ]


@claim(["keras<2.3", "keras>=3", "tf.keras"], AssertionError, "test_validates_the_last_batch_of_a_source", answers=["8.3"])
def test_validates_a_sequence_in_full_at_each_epoch(keras):
    """A `Sequence` as `validation_data` is validated from its begin to its end at each epoch."""
    assert validated(keras, sequence(keras, 4, lambda index: single(index, target=index))) == [1.5] * 3


@claim(["keras>=2.3,<3"], AssertionError, "test_validates_a_sequence_in_full_at_each_epoch", answers=["8.3"])
def test_validates_the_last_batch_of_a_source(keras):
    """Of a `Sequence` or a generator as `validation_data` it is the loss of the last batch alone that is reported."""
    assert validated(keras, sequence(keras, 4, lambda index: single(index, target=index))) == [3.0] * 3
    endless = (single(number, target=number) for number in itertools.count())
    assert validated(keras, endless, validation_steps=2) == [1.0, 3.0, 5.0]


OTHERWISE = ["test_validation_repeats_two_batches_of_a_generator", "test_validates_the_last_batch_of_a_source"]


@claim(["keras<2.3", "keras>=3,<3.7"], AssertionError, OTHERWISE, varies_on=["tf.keras"], answers=["8.3"])
def test_validation_goes_on_where_the_last_ended(keras, evidence):
    """With an endless generator and `validation_steps` each validation goes on where the last one ended.

    In `tf.keras` a validation loses what it has read ahead by its end, nothing or some batches: tensorflow#45249.
    """
    endless = [(single(number, target=number) for number in itertools.count()) for _ in range(3)]
    outcomes = [validated(keras, generator, validation_steps=2) for generator in endless]
    evidence("times of three", sum(outcome == [0.5, 2.5, 4.5] for outcome in outcomes))
    assert outcomes == [[0.5, 2.5, 4.5]] * 3


@claim(
    ["keras>=3.7"], AssertionError,
    ["test_validation_goes_on_where_the_last_ended", "test_validates_the_last_batch_of_a_source"], answers=["8.3"],
)  # fmt: skip
def test_validation_repeats_two_batches_of_a_generator(keras):
    """With an endless generator and `validation_steps=2` every validation is of its first two batches, over and over."""
    endless = (single(number, target=number) for number in itertools.count())
    assert validated(keras, endless, validation_steps=2) == [0.5, 0.5, 0.5]


def told(keras, **reading):
    """What a `Sequence` of four batches is asked for and told in three epochs of training, and callbacks at their ends."""
    events = []

    def asked(index):
        events.append(index)
        return single(index)

    batches = sequence(keras, 4, asked, **reading)
    type(batches).on_epoch_begin = lambda self: events.append("begin")
    type(batches).on_epoch_end = lambda self: events.append("end")
    callback = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: epoch or events.clear(), on_epoch_end=lambda epoch, logs: events.append("hook")
    )
    fit_from(keras, zeroed(keras), batches, epochs=3, shuffle=False, callbacks=[callback])
    return events


@claim(["keras", "tf.keras<2.1", "tf.keras>=2.2"], AssertionError, "test_one_epoch_may_use_a_generator_up", answers=["8.3"])
def test_a_sequence_is_told_once_between_two_epochs(keras):
    """Between the batches of two epochs the `on_epoch_end` of a `Sequence` is called once.

    TensorFlow 2.1 never calls it.
    """
    asked, between = [0, 1, 2, 3], ["end"]
    events = [event for event in told(keras) if event not in ("begin", "hook")]
    assert events[:14] == asked + between + asked + between + asked


@claim(
    ["keras>=3.5"], AssertionError,
    ["test_a_sequence_is_told_once_between_two_epochs", "test_one_epoch_may_use_a_generator_up"], answers=["8.3"],
)  # fmt: skip
def test_a_dataset_is_told_the_begin_and_the_end_of_each_epoch(keras):
    """A `PyDataset` is told of each epoch once: `on_epoch_begin` before its first batch, `on_epoch_end` after its last.

    The end is told before the callbacks' `on_epoch_end`, that of the last epoch too. Before Keras 3.5 no begin is told.
    Where workers read ahead it is told as often.
    """
    assert told(keras) == ["begin", 0, 1, 2, 3, "end", "hook"] * 3
    assert [event for event in told(keras, workers=2) if isinstance(event, str)] == ["begin", "end", "hook"] * 3
