"""Is the training data shuffled?"""

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.batches import batches, parts
from fixtures.claims import claim
from fixtures.losses import still
from fixtures.models import joint_ledger, logbook
from fixtures.probes import noted
from fixtures.tensors import trains_in_steps

MODERN, OLD = ["keras>=3", "tf.keras>=2"], ["keras<3", "tf.keras<2"]
IN_ORDER_HELD, SHUFFLED_HELD = ["keras", "tf.keras>=2"], ["tf.keras<2"]  # what is validated
TOGETHER = ["keras<3", "keras>=3.1", "keras[torch]>=3", "tf.keras<2.1"]
APART = ["keras[tensorflow]>=3,<3.1", "keras[jax]>=3,<3.1", "tf.keras>=2.1"]
SAMPLES = 16
NUMBERS = np.arange(1.0, SAMPLES + 1)[:, None]  # each sample is its own number, in the order given
IN_ORDER = list(range(1, SAMPLES + 1))


def by_epoch(batches, epochs):
    """The samples of these batches, in as many lists."""
    samples = list(itertools.chain(*batches))
    return parts(samples, max(1, len(samples) // epochs))


def fit(keras, epochs, batch_size=4, data=(NUMBERS, NUMBERS), **options):
    """Train the logbook; return, for each epoch, the numbers of the samples in the order in which they came."""
    book = logbook(keras)
    book.fit(*data, batch_size=batch_size, epochs=epochs, verbose=0, **options)
    return by_epoch(noted(book), epochs)


def fit_from(keras, source, epochs, **options):
    """The same with a source of batches; Keras 2.2 wants `fit_generator` for it."""
    book = logbook(keras)
    train = book.fit if trains_in_steps(keras) else book.fit_generator
    train(source, epochs=epochs, verbose=0, **options)
    return by_epoch(noted(book), epochs)


def sequence_of_pairs(keras, workers=1):
    """A Sequence of eight batches: (1, 2), (3, 4), ... as inputs and targets. Keras 3 asks it how many workers it wants."""

    class Pairs(keras.utils.Sequence):
        def __len__(self):
            return SAMPLES // 2

        def __getitem__(self, index):
            return NUMBERS[2 * index : 2 * index + 2], NUMBERS[2 * index : 2 * index + 2]

    pairs = Pairs()
    pairs.workers = workers
    return pairs


@claim(answers=["11.1"], examples=2)
@given(samples=st.integers(2, SAMPLES), batch_size=st.integers(1, 3))
@example(samples=SAMPLES - 1, batch_size=2)
def test_gives_each_sample_once_an_epoch(keras, samples, batch_size):
    """With `shuffle=True` an epoch is a permutation of the training samples, in batches as large as without shuffling."""
    seen = batches(keras, samples, batch_size, epochs=2, shuffle=True)
    assert [len(batch) for batch in seen] == [len(part) for part in parts(range(samples), batch_size)] * 2
    assert [sorted(epoch) for epoch in by_epoch(seen, 2)] == [list(range(samples))] * 2


@claim(answers=["11.2"])
def test_shuffles_by_default(keras):
    """`fit` shuffles unless told not to."""
    assert fit(keras, epochs=1) != [IN_ORDER]  # false alarm: 1 / 16!, less than 1e-13


@claim(answers=["11.2"])
def test_shuffles_whatever_else_it_is_given(keras):
    """`fit` shuffles by default weighted samples, those of several inputs, and those beside which others are validated.

    False alarm: that 14 samples come in the order given, 1 / 14!, less than 2e-11, each time, and that the first batch of 32
    is the first half of 64 samples, less than 1e-18.
    """
    validations = {"validation_data": (NUMBERS, NUMBERS), "validation_split": 1 / 8}
    for name, value in {
        "sample_weight": np.ones(SAMPLES),
        "class_weight": dict.fromkeys(range(17), 1.0),
        **validations,
    }.items():
        assert fit(keras, epochs=1, **{name: value})[0][:14] != IN_ORDER[:14], name
    assert loss_of_the_first_half(keras, shuffle=False) == -4
    assert loss_of_the_first_half(keras) != -4


def loss_of_the_first_half(keras, **options):
    """The loss of the first 32 of 64 samples of two inputs and outputs: -4 if they are the first 32 of those given."""
    model, losses = joint_ledger(keras, 64), []
    model.set_weights([np.ones((128, 1))] * 2)  # each output is 2, and a loss is minus that, times the target
    targets = np.repeat([1.0, 0.0], 32)[:, None]
    note = keras.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: losses.append(float(logs["loss"])))
    model.fit([np.eye(64)] * 2, [targets] * 2, batch_size=32, verbose=0, callbacks=[note], **options)
    return losses[0]


@claim(answers=["11.1", "11.3"])
def test_shuffles_anew_at_every_epoch(keras, evidence):
    """The order is drawn anew at every epoch: ten epochs have ten orders, and no place has the same sample in all.

    Any sample may come anywhere, next to any other: of the first eight about half come among the first eight, and about
    one in sixteen is followed by its neighbour.
    False alarm: 45 / 16! that two orders are equal, 16 / 16**9 that one place gets the same sample ten times, 3e-10; less
    than 1e-11 that one of the two counts is that far from what is expected, 40 and 9.4. So it is of ten
    thousands: of the first third about a third comes first, and is a tenth of that away, 8.7 standard deviations, with 1e-17.
    """
    orders = fit(keras, epochs=10, shuffle=True)
    evidence("the first two epochs", orders[:2])
    assert len(set(map(tuple, orders))) == 10
    assert all(len(set(place)) > 1 for place in zip(*orders))
    assert 16 < sum(sample <= 8 for order in orders for sample in order[:8]) < 64
    assert sum(after - before == 1 for order in orders for before, after in zip(order, order[1:])) < 40
    assert 0.3 < first_third_of_ten_thousands(keras) < 0.367


def first_third_of_ten_thousands(keras):
    """Of 30000 samples the share of the first ten thousand among those that come first, which is the first batch's loss."""
    targets, losses = np.repeat([1.0, 0.0, 0.0], 10000)[:, None], []
    note = keras.callbacks.LambdaCallback(on_batch_end=lambda batch, logs: losses.append(float(logs["loss"])))
    still(keras).fit(np.zeros((30000, 1)), targets, batch_size=10000, shuffle=True, verbose=0, callbacks=[note])
    return losses[0]


@claim(answers=["11.3"])
def test_forms_the_batches_anew(keras):
    """The batches are formed anew at every epoch: their samples change, not only their order.

    A last batch that is smaller than the others is of other samples each time, too.
    False alarm: that three epochs have the same four batches of four, whatever their order: 1 / 2627625**2, 2e-13; that the
    one sample left of 15 is the same in ten epochs: 1 / 15**9, 3e-11.
    """
    left = batches(keras, samples=15, batch_size=7, epochs=10, shuffle=True)[2::3]
    assert len(set(map(tuple, left))) > 1
    compositions = {frozenset(map(frozenset, parts(order, 4))) for order in fit(keras, epochs=3, shuffle=True)}
    assert len(compositions) > 1


def fit_jointly(keras, shuffle):
    """Train two inputs and outputs, all of whose targets and weights differ; return what was learned, and what had to be."""
    model = joint_ledger(keras, 8)
    model.set_weights([np.zeros((16, 1))] * 2)
    targets, weights = np.arange(1.0, 17).reshape(2, 8), np.arange(17.0, 33).reshape(2, 8)
    columns = [target[:, None] for target in targets]
    model.fit([np.eye(8)] * 2, columns, sample_weight=list(weights), batch_size=4, shuffle=shuffle, verbose=0)
    learned = np.array(model.get_weights())[:, :, 0].reshape(2, 2, 8)  # by output, input and sample
    worth = targets * weights / 4
    return learned.tolist(), np.stack([worth, worth], axis=1).tolist()


@claim(answers=["11.3"])
def test_keeps_a_sample_together(keras):
    """Shuffling moves whole samples: all inputs, targets and sample weights of one stay together."""
    learned, expected = fit_jointly(keras, shuffle=True)
    assert learned == expected


@claim(answers=["11.3"], examples=2)
@given(shuffle=st.sampled_from([True, "batch"]))
def test_leaves_the_arrays_alone(keras, shuffle):
    """The arrays given to `fit` are not reordered themselves."""
    inputs, targets = NUMBERS.copy(), NUMBERS.copy()
    fit(keras, epochs=1, data=(inputs, targets), shuffle=shuffle)
    assert inputs[:, 0].tolist() == targets[:, 0].tolist() == IN_ORDER


@claim(answers=["11.4"], examples=2)
@given(samples=st.integers(2, SAMPLES), batch_size=st.integers(1, 3))
@example(samples=SAMPLES - 1, batch_size=2)
def test_keeps_the_order_without_shuffling(keras, samples, batch_size):
    """With `shuffle=False` each epoch takes the samples in the order given, cut into batches, the last of which is the rest."""
    seen = batches(keras, samples, batch_size, epochs=2, shuffle=False)
    assert seen == parts(range(samples), batch_size) * 2


@claim(answers=["11.4"])
def test_keeps_the_order_within_a_batch(keras):
    """With `shuffle=False` the order within each batch is kept too."""
    assert fit(keras, epochs=2, shuffle=False) == [IN_ORDER] * 2


@claim(IN_ORDER_HELD, AssertionError, "test_always_shuffles_what_is_validated", answers=["11.R1"], examples=2)
@given(shuffle=st.sampled_from([True, "batch"]))
def test_never_shuffles_the_validation_split(keras, shuffle):
    """What `validation_split` holds out is validated in the order given, at every epoch, whatever `shuffle` says."""
    orders = fit(keras, epochs=2, validation_split=0.5, shuffle=shuffle)
    assert [order[8:] for order in orders] == [IN_ORDER[8:]] * 2


@claim(IN_ORDER_HELD, AssertionError, "test_always_shuffles_what_is_validated", answers=["11.R1"], examples=2)
@given(shuffle=st.sampled_from([True, "batch"]))
def test_never_shuffles_validation_data(keras, shuffle):
    """`validation_data` is taken in the order given, at every epoch, whatever `shuffle` says."""
    orders = fit(keras, epochs=2, validation_data=(NUMBERS, NUMBERS), shuffle=shuffle)
    assert [order[SAMPLES:] for order in orders] == [IN_ORDER] * 2


@claim(SHUFFLED_HELD, AssertionError, "test_never_shuffles_validation_data", answers=["11.R1"], examples=2)
@given(shuffle=st.sampled_from([False, True]))
def test_always_shuffles_what_is_validated(keras, shuffle):
    """`validation_data` and what `validation_split` holds out are shuffled at every epoch, even with `shuffle=False`.

    False alarm: that two orders of eight samples are the one given, 1 / 8!**2, 6e-10.
    """
    orders = fit(keras, epochs=2, validation_data=(NUMBERS, NUMBERS), shuffle=shuffle)
    assert [order[SAMPLES:] for order in orders] != [IN_ORDER] * 2
    assert [sorted(order[SAMPLES:]) for order in orders] == [IN_ORDER] * 2
    orders = fit(keras, epochs=2, validation_split=0.5, shuffle=shuffle)
    assert [order[8:] for order in orders] != [IN_ORDER[8:]] * 2


@claim(needs=["training"], answers=["11.4"])
def test_evaluates_and_predicts_in_order(keras):
    """`evaluate` and `predict` never shuffle, so that the n-th prediction is the n-th sample's."""
    book = logbook(keras)
    book.evaluate(NUMBERS, NUMBERS, batch_size=4, verbose=0)
    predictions = book.predict(NUMBERS, batch_size=4, verbose=0)[:, 0]
    assert noted(book) == parts(IN_ORDER, 4) * 2
    np.testing.assert_allclose(predictions, predictions[0] * NUMBERS[:, 0], rtol=1e-6)  # one multiplication in float32


@claim(["keras", "tf.keras<2", "tf.keras>=2.1"], AssertionError, "test_batch_shuffling_forms_batches_anew", answers=["11.5"])
def test_batch_shuffling_keeps_neighbours_in_one_batch(keras):
    """`shuffle="batch"` never changes which samples form a batch: those that are neighbours in the data."""
    batches_seen = [sorted(part) for order in fit(keras, epochs=3, shuffle="batch") for part in parts(order, 4)]
    assert sorted(batches_seen) == sorted(parts(IN_ORDER, 4) * 3)


@claim(["tf.keras>=2,<2.1"], AssertionError, "test_batch_shuffling_keeps_neighbours_in_one_batch", answers=["11.5"])
def test_batch_shuffling_forms_batches_anew(keras):
    """`shuffle="batch"` shuffles samples, as `True` does: the batches are formed anew at every epoch."""
    compositions = {frozenset(map(frozenset, parts(order, 4))) for order in fit(keras, epochs=3, shuffle="batch")}
    assert len(compositions) > 1  # false alarm as in `test_forms_the_batches_anew`


@claim(
    holds_on=["keras<3", "tf.keras"], otherwise=AssertionError, instead="test_batch_shuffling_keeps_the_order_of_batches",
    answers=["11.5"],
)  # fmt: skip
def test_batch_shuffling_changes_the_order_of_batches(keras):
    """`shuffle="batch"` shuffles whole batches: they come in another order at each epoch."""
    orders = fit(keras, epochs=3, batch_size=2, shuffle="batch")
    assert len({tuple(map(min, parts(order, 2))) for order in orders}) > 1  # false alarm: 1 / 8!**2, 6e-10


@claim(
    holds_on=["keras>=3"],
    otherwise=AssertionError,
    instead="test_batch_shuffling_changes_the_order_of_batches",
    answers=["11.5"],
)
def test_batch_shuffling_keeps_the_order_of_batches(keras):
    """`shuffle="batch"` leaves the batches in the order given, at every epoch: they train what `shuffle=False` would."""
    orders = fit(keras, epochs=3, batch_size=2, shuffle="batch")
    assert [sorted(part) for order in orders for part in parts(order, 2)] == parts(IN_ORDER, 2) * 3


@claim(holds_on=OLD, otherwise=AssertionError, instead="test_batch_shuffling_permutes_within_a_batch", answers=["11.5"])
def test_batch_shuffling_keeps_the_order_within_a_batch(keras):
    """`shuffle="batch"` keeps the order of the samples within a batch."""
    assert all(part == sorted(part) for order in fit(keras, epochs=3, shuffle="batch") for part in parts(order, 4))


@claim(
    holds_on=MODERN, otherwise=AssertionError, instead="test_batch_shuffling_keeps_the_order_within_a_batch", answers=["11.5"]
)
def test_batch_shuffling_permutes_within_a_batch(keras):
    """`shuffle="batch"` permutes the samples within their batch, at each epoch anew."""
    orders = fit(keras, epochs=3, shuffle="batch")
    inner = {tuple(tuple(np.argsort(part)) for part in sorted(parts(order, 4), key=min)) for order in orders}
    assert len(inner) > 1  # false alarm: three epochs permute alike, 1 / 24**8, 9e-12


@claim(["keras", "tf.keras<2"], AssertionError, "test_batch_shuffling_moves_the_smaller_batch", answers=["11.5"])
def test_batch_shuffling_leaves_the_smaller_batch_last(keras):
    """With `shuffle="batch"` a last batch that is smaller than the others stays the last."""
    last = batches(keras, samples=15, batch_size=2, epochs=10, shuffle="batch")[7::8]
    assert last == [[14]] * 10


@claim(["tf.keras>=2"], AssertionError, "test_batch_shuffling_leaves_the_smaller_batch_last", answers=["11.5"])
def test_batch_shuffling_moves_the_smaller_batch(keras):
    """With `shuffle="batch"` a batch that is smaller than the others comes anywhere."""
    last = batches(keras, samples=15, batch_size=2, epochs=10, shuffle="batch")[7::8]
    assert last != [[14]] * 10  # false alarm: 1 / 8**10, 9e-10


@claim(TOGETHER, AssertionError, "test_batch_shuffling_mixes_samples_up", answers=["11.5"])
def test_batch_shuffling_keeps_a_sample_together(keras):
    """`shuffle="batch"` moves whole samples too: all inputs, targets and sample weights of one stay together."""
    learned, expected = fit_jointly(keras, shuffle="batch")
    assert learned == expected


@claim(APART, AssertionError, "test_batch_shuffling_keeps_a_sample_together", answers=["11.5"])
def test_batch_shuffling_mixes_samples_up(keras):
    """`shuffle="batch"` permutes inputs, targets and weights of a batch each on its own: samples lose their targets.

    False alarm: two batches of four, in each of which four permutations are the fifth by chance: 1 / 24**8, 1e-11.
    """
    learned, expected = fit_jointly(keras, shuffle="batch")
    assert learned != expected


@claim(answers=["11.5"])
def test_never_shuffles_a_generator(keras):
    """A generator is never shuffled, not even with `shuffle=True`: its batches are trained on as they come."""
    pairs = sequence_of_pairs(keras)
    endless = (pairs[index % 8] for index in itertools.count())
    assert fit_from(keras, endless, epochs=2, steps_per_epoch=8, shuffle=True) == [IN_ORDER] * 2


@claim(["keras>=3.15"], pytest.fail.Exception, "test_never_shuffles_a_generator", answers=["11.5"])
def test_warns_that_a_generator_is_not_shuffled(keras):
    """With a generator `fit` warns that `shuffle` is ignored, even where nobody passed it."""
    pairs = sequence_of_pairs(keras)
    with pytest.warns(UserWarning, match="shuffle"):  # see also keras#22777
        fit_from(keras, (pairs[index] for index in range(8)), epochs=1, steps_per_epoch=8)


@claim(answers=["11.5"], examples=2)
@given(workers=st.sampled_from([1, 2]))
def test_shuffles_the_batches_of_a_sequence(keras, workers):
    """Of a `Sequence` the batches are shuffled by default, at every epoch anew; each batch stays as it is.

    No place has the same batch always. False alarm: that in twenty epochs one of eight does, 8 / 8**20, less than 1e-17.
    """
    orders = [order for _ in range(2) for order in fit_from(keras, sequence_of_pairs(keras, workers), epochs=10)]
    assert all(len(set(place)) > 1 for place in zip(*orders))
    assert [sorted(parts(order, 2)) for order in orders] == [parts(IN_ORDER, 2)] * 20


@claim(answers=["11.5"], examples=2)
@given(workers=st.sampled_from([1, 2]))
def test_keeps_the_order_of_a_sequence(keras, workers):
    """With `shuffle=False` the batches of a `Sequence` come in their order at every epoch."""
    assert fit_from(keras, sequence_of_pairs(keras, workers), epochs=2, shuffle=False) == [IN_ORDER] * 2


@claim(answers=["11.R1", "11.5"])
def test_never_shuffles_a_validation_sequence(keras):
    """A `Sequence` given as `validation_data` is validated in its order, at every epoch, whatever `shuffle` says."""
    orders = fit_from(keras, sequence_of_pairs(keras), 2, validation_data=sequence_of_pairs(keras), shuffle=True)
    assert [order[SAMPLES:] for order in orders] == [IN_ORDER] * 2


@claim(["keras>=3", "tf.keras"], AttributeError, "test_never_shuffles_a_generator", needs=["tensorflow"], answers=["11.5"])
def test_never_shuffles_a_tensorflow_dataset(keras):
    """A `tf.data.Dataset` is never shuffled, not even with `shuffle=True`: shuffle it yourself, before you batch it."""
    import tensorflow as tf

    book, data = logbook(keras), tf.data.Dataset.from_tensor_slices((NUMBERS, NUMBERS)).batch(4)
    book.fit(data, epochs=2, shuffle=True, verbose=0)
    assert noted(book) == parts(IN_ORDER, 4) * 2


@claim(["keras>=3", "tf.keras"], AttributeError, "test_never_shuffles_a_generator", needs=["tensorflow"], answers=["11.5"])
def test_a_tensorflow_dataset_may_shuffle_itself(keras):
    """A `tf.data.Dataset` that shuffles itself gives each epoch an order of its own: Keras keeps none.

    False alarm: that two epochs have the same order, 1 / 16!, less than 1e-13.
    """
    import tensorflow as tf

    book, data = logbook(keras), tf.data.Dataset.from_tensor_slices((NUMBERS, NUMBERS)).shuffle(SAMPLES).batch(4)
    book.fit(data, epochs=2, verbose=0)
    first, second = by_epoch(noted(book), 2)
    assert first != second
    assert sorted(first) == sorted(second) == IN_ORDER


@claim(needs=["torch"], answers=["11.5"])
def test_never_shuffles_a_torch_loader(keras):
    """A PyTorch `DataLoader` is never shuffled by Keras, not even with `shuffle=True`: ask the loader itself to."""
    import torch

    numbers = torch.tensor(NUMBERS, dtype=torch.float32)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(numbers, numbers), batch_size=4)
    assert fit_from(keras, loader, epochs=2, shuffle=True) == [IN_ORDER] * 2


@claim(["tf.keras>=2.1,<2.2"], AssertionError, "test_a_sequence_can_shuffle_samples", answers=["11.5"])
def test_a_sequence_never_hears_of_the_end_of_an_epoch(keras):
    """The `on_epoch_end` of a `Sequence` is never called, so that it cannot shuffle its samples for the next epoch there."""
    pairs, ends = sequence_of_pairs(keras), []
    type(pairs).on_epoch_end = lambda self: ends.append(len(ends))
    fit_from(keras, pairs, epochs=3, shuffle=False)
    assert ends == []


@claim(
    ["keras", "tf.keras<2.1", "tf.keras>=2.2"], AssertionError, "test_a_sequence_never_hears_of_the_end_of_an_epoch",
    answers=["11.R1", "11.5"],
)  # fmt: skip
def test_a_sequence_can_shuffle_samples(keras):
    """Example: a `Sequence` that draws a new order of its samples at the end of each epoch forms its batches anew.

    False alarm: that three epochs have the same eight pairs, whatever their order: 1 / 2027025**2, 2e-13.
    """

    class Shuffled(keras.utils.Sequence):
        def __init__(self, inputs, targets, batch_size):
            self.inputs, self.targets, self.batch_size = inputs, targets, batch_size
            self.on_epoch_end()

        def on_epoch_end(self):
            self.order = np.random.permutation(len(self.inputs))

        def __len__(self):
            return -(-len(self.order) // self.batch_size)

        def __getitem__(self, index):
            chosen = self.order[index * self.batch_size : (index + 1) * self.batch_size]
            return self.inputs[chosen], self.targets[chosen]

    orders = fit_from(keras, Shuffled(NUMBERS, NUMBERS, batch_size=2), epochs=3, shuffle=False)
    assert [sorted(order) for order in orders] == [IN_ORDER] * 3
    assert len({frozenset(map(frozenset, parts(order, 2))) for order in orders}) > 1
