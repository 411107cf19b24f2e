"""When do callbacks run, and what can they change?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.batches import PREDICTING, TESTING, TRAINING, observer, rate_setter, set_rate, trained, updates
from fixtures.claims import claim
from fixtures.models import ledger, sequential, sgd

HOOKED, UNHOOKED = ["keras>=2.2.5", "tf.keras"], ["keras<2.2.5"]  # testing and prediction
EXECUTED = ["keras[tensorflow]>=3", "keras[jax]>=3", "tf.keras>=2.4"]  # several steps at once
NUMBERED_BY_THE_LAST = ["keras[tensorflow]>=3.11", "keras[jax]>=3.11", "tf.keras>=2.4"]
UNKNOWN = (AssertionError, TypeError, ValueError)  # `steps_per_execution` is ignored, or refused
ALIKE = np.eye(24)[np.zeros(12, int)], np.ones((12, 1))  # each update adds the learning rate to the ledger's first weight
epoch_counts = st.integers(1, 3)


def fit(keras, *callbacks, samples=12, **options):
    """Train the ledger on samples that are alike; return what each update adds to its first weight."""
    inputs, targets = ALIKE
    return trained(keras, inputs[:samples], targets[:samples], callbacks=list(callbacks), **options)[:, 0].tolist()


def hooks_of_training(epochs, batches, first_epoch=0):
    """The hooks of a training in the order that the documentation gives."""
    calls = [("train_begin",)]
    for epoch in range(first_epoch, epochs):
        calls.append(("epoch_begin", epoch))
        calls += [(hook, batch) for batch in range(batches) for hook in ("batch_begin", "batch_end")]
        calls.append(("epoch_end", epoch))
    return [*calls, ("train_end",)]


@claim(answers=["4.8"], examples=3)
@given(epochs=epoch_counts, samples=st.integers(1, 12), batch_size=st.integers(1, 13), validated=st.booleans())
@example(epochs=2, samples=7, batch_size=3, validated=True)
def test_calls_the_hooks_in_order(keras, epochs, samples, batch_size, validated):
    """Hooks run at the begin and end of training, of each epoch and of each batch; both are numbered from 0, batches anew."""
    watcher = observer(keras, TRAINING)
    data = {"validation_data": ALIKE} if validated else {}
    fit(keras, watcher, samples=samples, batch_size=batch_size, epochs=epochs, **data)
    assert watcher.calls == hooks_of_training(epochs, -(-samples // batch_size))


@claim(answers=["4.8"], examples=2)
@given(more=st.integers(1, 3), first=st.integers(1, 4))
@example(more=1, first=2)
def test_initial_epoch_skips_epochs(keras, more, first):
    """`initial_epoch=i, epochs=e` trains the epochs numbered i to e - 1: `epochs` says where to end, not how many to train."""
    watcher = observer(keras, TRAINING)
    moves = fit(keras, watcher, batch_size=6, epochs=first + more, initial_epoch=first)
    assert len(moves) == 2 * more
    assert watcher.calls == hooks_of_training(first + more, 2, first)


@claim(
    ["keras<3", "keras>=3.7", "keras[tensorflow]>=3", "tf.keras"],
    UnboundLocalError,
    "test_initial_epoch_skips_epochs",
    answers=["4.8"],
    examples=1,
)
@given(fewer=st.integers(0, 2))
def test_trains_no_epoch_where_none_is_left(keras, fewer):
    """Where `initial_epoch` is not less than `epochs`, nothing is trained: `fit` begins and ends.

    On JAX and PyTorch, Keras 3.0 to 3.6 crash.
    """
    watcher = observer(keras, TRAINING)
    assert fit(keras, watcher, batch_size=6, epochs=3 - fewer, initial_epoch=3) == []
    assert watcher.calls == [("train_begin",), ("train_end",)]


@claim(HOOKED, AssertionError, "test_calls_the_hooks_in_order", answers=["4.8"])
def test_has_later_names_for_the_hooks_of_a_training_batch(keras):
    """`on_train_batch_begin` and `on_train_batch_end` are called for each batch of training."""
    watcher = observer(keras, ["train_batch_begin", "train_batch_end"])
    fit(keras, watcher, batch_size=6)
    assert watcher.calls == [(f"train_batch_{end}", batch) for batch in range(2) for end in ("begin", "end")]


@claim(HOOKED, AssertionError, "test_calls_the_hooks_in_order", answers=["4.7", "4.8"])
def test_calls_the_hooks_of_testing_between_the_last_batch_and_the_end_of_the_epoch(keras):
    """Validation has hooks of its own, which run once an epoch, after its last batch and before `on_epoch_end`."""
    watcher = observer(keras, TRAINING + TESTING)
    fit(keras, watcher, batch_size=6, epochs=2, validation_data=ALIKE)
    batches = [(f"test_batch_{end}", batch) for batch in range(2) for end in ("begin", "end")]
    validation = [("test_begin",), *batches, ("test_end",)]
    calls = hooks_of_training(2, 2)
    for epoch in (1, 0):
        end = calls.index(("epoch_end", epoch))
        calls[end:end] = validation
    assert watcher.calls == calls


@claim(HOOKED, TypeError, "test_only_training_takes_callbacks", answers=["4.8"], examples=2)
@given(samples=st.integers(1, 12))
def test_calls_hooks_in_evaluation_and_prediction(keras, samples):
    """`evaluate` and `predict` take callbacks too, and call hooks at their begin, their end, and those of each batch."""
    watcher, (inputs, targets) = observer(keras, TESTING + PREDICTING), ALIKE
    ledger(keras, 24).evaluate(inputs[:samples], targets[:samples], batch_size=5, callbacks=[watcher], verbose=0)
    ledger(keras, 24).predict(inputs[:samples], batch_size=5, callbacks=[watcher], verbose=0)
    expected = []
    for mode in ("test", "predict"):
        batches = [(f"{mode}_batch_{end}", batch) for batch in range(-(-samples // 5)) for end in ("begin", "end")]
        expected += [(f"{mode}_begin",), *batches, (f"{mode}_end",)]
    assert watcher.calls == expected


@claim(UNHOOKED, pytest.fail.Exception, "test_calls_hooks_in_evaluation_and_prediction", answers=["4.8"])
def test_only_training_takes_callbacks(keras):
    """Neither `evaluate` nor `predict` takes callbacks: a TypeError."""
    inputs, targets = ALIKE
    with pytest.raises(TypeError, match="callbacks"):
        ledger(keras, 24).evaluate(inputs, targets, callbacks=[])
    with pytest.raises(TypeError, match="callbacks"):
        ledger(keras, 24).predict(inputs, callbacks=[])


@claim(answers=["4.8"])
def test_calls_callbacks_in_the_order_given(keras):
    """Of several callbacks each hook is called in the order in which they were given."""
    order = []
    watchers = [observer(keras, TRAINING, lambda *call, name=name: order.append((name, call[1]))) for name in "ab"]
    fit(keras, *watchers, batch_size=6)
    hooks = [call[0] for call in hooks_of_training(1, 2)]
    assert order == [(name, hook) for hook in hooks for name in "ab"]


@claim(answers=["4.8"], examples=2)
@given(epochs=epoch_counts)
def test_tells_the_end_of_an_epoch_its_losses(keras, epochs):
    """The logs of `on_epoch_end` are the epoch's training and validation losses, which `History` collects."""
    watcher, (inputs, targets) = observer(keras, ["epoch_end"], lambda *call: call[3]), ALIKE
    model = ledger(keras, 24)
    model.set_weights([np.zeros((24, 1))])
    options = {"batch_size": 6, "epochs": epochs, "validation_data": ALIKE, "callbacks": [watcher], "verbose": 0}
    history = model.fit(inputs, targets, **options).history
    assert [logs["val_loss"] for logs in watcher.calls] == [-2 * epoch for epoch in range(1, epochs + 1)]
    assert [logs["loss"] for logs in watcher.calls] == [1.5 - 2 * epoch for epoch in range(1, epochs + 1)]
    assert history == {name: [logs[name] for logs in watcher.calls] for name in ("loss", "val_loss")}


def losses_after_batches(keras):
    """The loss that `on_batch_end` is told after each batch, of 4, 4, 2 samples an epoch; the ledger's are 0, -1, ..., -5."""
    watcher = observer(keras, ["batch_end"], lambda *call: float(call[3]["loss"]))
    fit(keras, watcher, samples=10, batch_size=4, epochs=2)
    return watcher.calls


@claim(
    ["keras>=3.2", "tf.keras>=2.2"],
    AssertionError,
    ["test_tells_the_end_of_a_batch_its_own_loss", "test_tells_the_end_of_a_batch_the_mean_over_batches"],
    answers=["4.8"],
)
def test_tells_the_end_of_a_batch_the_mean_loss_of_the_epoch_so_far(keras):
    """The loss in the logs of `on_batch_end` is the mean over the epoch's samples so far, not the batch's own."""
    expected = [0, -4 / 8, -8 / 10, -3, -28 / 8, -38 / 10]  # batches of 4, 4 and 2 samples, with losses 0, -1, ..., -5
    assert losses_after_batches(keras) == pytest.approx(expected, rel=1e-6)


@claim(
    ["keras>=3,<3.2"],
    AssertionError,
    ["test_tells_the_end_of_a_batch_its_own_loss", "test_tells_the_end_of_a_batch_the_mean_loss_of_the_epoch_so_far"],
    answers=["4.8"],
)
def test_tells_the_end_of_a_batch_the_mean_over_batches(keras):
    """The loss in the logs of `on_batch_end` is the mean over the epoch's batches so far, the smaller like the others.

    So it was in Keras 3.0 and 3.1.
    """
    assert losses_after_batches(keras) == pytest.approx([0, -0.5, -1, -3, -3.5, -4], rel=1e-6)


@claim(
    ["keras<3", "tf.keras<2.2"],
    AssertionError,
    ["test_tells_the_end_of_a_batch_the_mean_loss_of_the_epoch_so_far", "test_tells_the_end_of_a_batch_the_mean_over_batches"],
    answers=["4.8"],
)
def test_tells_the_end_of_a_batch_its_own_loss(keras):
    """The loss in the logs of `on_batch_end` is the batch's own."""
    assert losses_after_batches(keras) == pytest.approx([0, -1, -2, -3, -4, -5], rel=1e-6)


rates = st.lists(st.sampled_from([0.25, 0.5, 2.0, 4.0]), min_size=6, max_size=6)


@claim(answers=["4.8"], examples=3)
@given(rates=rates, per_epoch=st.booleans())
@example(rates=[2, 4, 0.5, 0.25, 4, 2], per_epoch=False)
@example(rates=[2, 4, 0.5, 0.25, 4, 2], per_epoch=True)
def test_takes_a_rate_set_at_the_begin_at_once(keras, rates, per_epoch):
    """A learning rate set in `on_epoch_begin` or `on_batch_begin` is that of the next update, the first one included."""
    setter = rate_setter(keras, "epoch_begin" if per_epoch else "batch_begin", rates)
    moves = fit(keras, *with_rate_one(keras, setter), batch_size=4, epochs=2)
    assert moves == pytest.approx(np.repeat(rates[:2], 3).tolist() if per_epoch else rates, rel=1e-5)


@claim(answers=["4.8"], examples=3)
@given(rates=rates, per_epoch=st.booleans())
@example(rates=[2, 4, 0.5, 0.25, 4, 2], per_epoch=False)
@example(rates=[2, 4, 0.5, 0.25, 4, 2], per_epoch=True)
def test_takes_a_rate_set_at_the_end_from_the_next_batch_on(keras, rates, per_epoch):
    """A learning rate set in `on_batch_end` or `on_epoch_end` is that of the next batch's update, not of the one that ended."""
    setter = rate_setter(keras, "epoch_end" if per_epoch else "batch_end", rates)
    moves = fit(keras, *with_rate_one(keras, setter), batch_size=4, epochs=2)
    assert moves == pytest.approx([1, 1, 1, *rates[:1] * 3] if per_epoch else [1, *rates[:5]], rel=1e-5)


def with_rate_one(keras, callback):
    """This callback between two that set the ledger's learning rate to 1, at the begin and at the end of training."""
    bounds = [observer(keras, [hook], lambda self, *_: set_rate(keras, self.model.optimizer, 1.0)) for hook in BOUNDS]
    return [bounds[0], callback, bounds[1]]


BOUNDS = ("train_begin", "train_end")


@claim(answers=["4.8"], examples=2)
@given(rates=rates)
def test_learning_rate_scheduler_sets_the_rate_of_each_epoch(keras, rates):
    """`LearningRateScheduler(schedule)` sets each epoch's rate to what `schedule(epoch)` returns; epochs count from 0."""
    scheduler = keras.callbacks.LearningRateScheduler(lambda epoch: float(rates[epoch]))
    moves = fit(keras, *with_rate_one(keras, scheduler), batch_size=6, epochs=3)
    assert moves == pytest.approx(np.repeat(rates[:3], 2).tolist(), rel=1e-5)


@claim(answers=["4.8"])
def test_halves_the_learning_rate_at_each_epoch(keras):
    """Example: a schedule of two arguments is given the present rate too, here to halve it from the second epoch on."""

    def schedule(epoch, rate):
        return rate / 2 if epoch > 0 else rate

    scheduler = keras.callbacks.LearningRateScheduler(schedule)
    moves = fit(keras, *with_rate_one(keras, scheduler), batch_size=12, epochs=4)
    assert moves == pytest.approx([1, 0.5, 0.25, 0.125], rel=1e-5)


@claim(answers=["4.8"], examples=2)
@given(patience=st.integers(1, 3), values=st.lists(st.integers(1, 3), min_size=9, max_size=9))
@example(patience=2, values=[3, 3, 2, 2, 2, 1, 1, 2, 3])
@example(patience=1, values=[1] * 9)
def test_reduce_lr_on_plateau_reduces_the_rate_where_nothing_improves(keras, patience, values):
    """`ReduceLROnPlateau(patience=p)` multiplies the rate by `factor` when p epochs on end were no improvement.

    The next epoch is the first of the new rate, which is never less than `min_lr`.
    """
    watched = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(watched=float(values[epoch])))
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="watched", patience=patience, factor=0.5, min_lr=0.3, mode="min")
    expected, best, waited, rate = [], 4, 0, 1.0
    for value in values:
        expected.append(rate)
        best, waited = min(best, value), 0 if value < best else waited + 1
        if waited == patience:
            waited, rate = 0, max(rate * 0.5, 0.3)
    moves = fit(keras, watched, *with_rate_one(keras, plateau), batch_size=12, epochs=9)
    assert moves == pytest.approx(expected, rel=1e-5)


def rates_of_a_second_fit(keras, patience):
    """The rates of four epochs that get better, but not as good as an earlier `fit` with the same plateau was."""
    values = iter([1.0, 9.0, 8.0, 7.0, 6.0])
    watched = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(watched=next(values)))
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="watched", patience=patience, factor=0.5, mode="min")
    for epochs in (1, 4):
        moves = fit(keras, watched, *with_rate_one(keras, plateau), batch_size=12, epochs=epochs)
    return moves


@claim(
    ["keras<3.11", "keras>=3.15", "tf.keras"],
    AssertionError,
    "test_reduce_lr_on_plateau_remembers_the_fit_before",
    answers=["4.8"],
)
def test_reduce_lr_on_plateau_forgets_the_fit_before(keras):
    """A `ReduceLROnPlateau` that is given to a second `fit` knows nothing of the first: each epoch that gets better counts."""
    for patience in (1, 2):
        assert rates_of_a_second_fit(keras, patience) == pytest.approx([1.0] * 4, rel=1e-5)


@claim(["keras>=3.11,<3.15"], AssertionError, "test_reduce_lr_on_plateau_forgets_the_fit_before", answers=["4.8"])
def test_reduce_lr_on_plateau_remembers_the_fit_before(keras):
    """A `ReduceLROnPlateau` that is given to a second `fit` measures it by the best value of the first: make a new one.

    Until that value is passed, no epoch counts as an improvement, and the rate is reduced however well the second goes.
    """
    assert rates_of_a_second_fit(keras, 1) == pytest.approx([1.0, 0.5, 0.25, 0.125], rel=1e-5)
    assert rates_of_a_second_fit(keras, 2) == pytest.approx([1.0, 1.0, 0.5, 0.5], rel=1e-5)


def twice_at(keras, change):
    """What two epochs of one batch add to the weight where `change(model)` is called at the begin of the second."""
    model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"))
    model.compile(optimizer=sgd(keras), loss=lambda target, output: -target[:, 0] * output[:, 0])
    model.fit(np.ones((2, 1)), np.ones((2, 1)), batch_size=2, verbose=0)

    class Change(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            change(self.model)

    model.fit(np.ones((2, 1)), np.ones((2, 1)), batch_size=2, verbose=0, callbacks=[Change()])
    return model.get_weights()[0][0, 0]


@claim(["keras>=3", "tf.keras"], AssertionError, "test_sets_the_rate_through_the_backend", answers=["4.8"])
def test_sets_the_rate_by_assignment(keras):
    """Example: in a callback, `self.model.optimizer.learning_rate = 0.25` changes the rate of a model that is being trained.

    Keras 2.2 and 2.3 take the assignment without a word and ignore it.
    """

    def change(model):
        model.optimizer.learning_rate = 0.25

    assert twice_at(keras, change) == 1.25


@claim(["keras<3", "tf.keras"], AttributeError, "test_sets_the_rate_by_assignment", answers=["4.8"])
def test_sets_the_rate_through_the_backend(keras):
    """Example: `K.set_value(model.optimizer.lr, 0.25)` changes the rate of a model that is being trained."""

    def change(model):
        keras.backend.set_value(model.optimizer.lr, 0.25)

    assert twice_at(keras, change) == 1.25


@claim(
    ["keras", "tf.keras<2.2", "tf.keras>=2.4"],
    AssertionError,
    "test_stops_only_at_the_end_of_the_epoch",
    answers=["4.8"],
    examples=2,
)
@given(batch=st.integers(0, 2), at_epoch_end=st.booleans())
@example(batch=1, at_epoch_end=False)
@example(batch=0, at_epoch_end=True)
def test_stops_where_a_callback_says_so(keras, batch, at_epoch_end):
    """`model.stop_training = True` at a batch's end ends the epoch and the training there, at an epoch's end the training."""

    calls = hooks_called_if_stopped(keras, "epoch_end" if at_epoch_end else "batch_end", batch)
    assert calls == (hooks_of_training(batch + 1, 3) if at_epoch_end else hooks_of_training(1, batch + 1))


@claim(["tf.keras>=2.2,<2.4"], AssertionError, "test_stops_where_a_callback_says_so", answers=["4.8"], examples=1)
@given(batch=st.integers(0, 1))
def test_stops_only_at_the_end_of_the_epoch(keras, batch):
    """`model.stop_training = True` at a batch's end lets the epoch run to its end, and ends the training there.

    So it was in TensorFlow 2.2 and 2.3.
    """
    assert hooks_called_if_stopped(keras, "batch_end", batch) == hooks_of_training(1, 3)


def hooks_called_if_stopped(keras, hook, number):
    """The hooks of a training, of four epochs of three batches, that another callback stops in the one of that number."""

    def stop(self, hook, index, logs):
        self.model.stop_training = self.model.stop_training or index == number

    watcher = observer(keras, TRAINING)
    fit(keras, observer(keras, [hook], stop), watcher, batch_size=4, epochs=4)
    return watcher.calls


@claim(EXECUTED, UNKNOWN, "test_calls_the_hooks_in_order", answers=["4.1", "4.8"])
def test_steps_per_execution_skip_hooks_not_updates(keras):
    """With `steps_per_execution=k` the hooks of batches run once in k batches; each batch is still an update of its own.

    So are those that are left over for the last k, and predictions come in the order of their samples.
    """
    model, calls = trained_by_twos(keras)
    assert [hook for hook, batch in calls] == ["batch_begin", "batch_end"] * 2
    assert [batch for hook, batch in calls if hook == "batch_begin"] == [0, 2]
    assert updates(keras, model) == model.get_weights()[0][0, 0] == 4
    after_five, numbers = trained_by_twos(keras, 5)[0], np.arange(1.0, 6)[:, None]
    assert after_five.get_weights()[0][0, 0] == 5
    assert np.array_equal(after_five.predict(numbers, batch_size=1, verbose=0), 5 * numbers)


@claim(
    NUMBERED_BY_THE_LAST,
    UNKNOWN,
    ["test_ends_steps_of_an_execution_with_the_first", "test_calls_the_hooks_in_order"],
    answers=["4.8"],
)
def test_ends_steps_of_an_execution_with_the_last(keras):
    """With `steps_per_execution=k` the number that `on_batch_end` is told is that of the last of the k batches."""
    _, calls = trained_by_twos(keras)
    assert [batch for hook, batch in calls if hook == "batch_end"] == [1, 3]


@claim(
    ["keras[tensorflow]>=3,<3.11", "keras[jax]>=3,<3.11"],
    UNKNOWN,
    ["test_ends_steps_of_an_execution_with_the_last", "test_calls_the_hooks_in_order"],
    answers=["4.8"],
)
def test_ends_steps_of_an_execution_with_the_first(keras):
    """With `steps_per_execution=k` the number that `on_batch_end` is told is that of the first of the k batches.

    So it was in Keras 3.0 to 3.10.
    """
    _, calls = trained_by_twos(keras)
    assert [batch for hook, batch in calls if hook == "batch_end"] == [0, 2]


def trained_by_twos(keras, batches=4):
    """A model after batches of one sample, executed two by two, each of which adds 1 to its weight; the hooks called."""
    model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"))
    model.compile(optimizer=sgd(keras), loss=lambda target, output: -target[:, 0] * output[:, 0], steps_per_execution=2)
    watcher = observer(keras, ["batch_begin", "batch_end"])
    model.fit(np.ones((batches, 1)), np.ones((batches, 1)), batch_size=1, callbacks=[watcher], verbose=0)
    return model, watcher.calls
