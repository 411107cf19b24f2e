"""When is the validation data evaluated?"""

import itertools

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.batches import observer, parts
from fixtures.claims import claim
from fixtures.models import ledger, logbook, sequential, sgd
from fixtures.probes import noted

MODERN, WITH_FREQ = ["keras>=3", "tf.keras>=2.2"], ["keras>=2.2.5", "tf.keras"]
NUMBERS = np.arange(1.0, 13)[:, None]  # each sample is its own number
TRAINED, VALIDATED = NUMBERS[:8], NUMBERS[8:]
LEFT_OVER = ["tf.keras>=2.3,<2.4", "tf.keras>=2.5"]
epoch_counts = st.integers(1, 4)


def passes(keras, epochs, trained=TRAINED, validated=VALIDATED, **options):
    """The batches that the logbook is given in training with validation, in order."""
    book = logbook(keras)
    book.fit(trained, trained, validation_data=(validated, validated), epochs=epochs, shuffle=False, verbose=0, **options)
    return noted(book)


def in_order(seen):
    """These batches, but the samples of each validation in order, which TensorFlow 1.15 shuffles."""
    ordered = []
    for validated, run in itertools.groupby(seen, lambda batch: batch[0] > len(TRAINED)):
        batches = list(run)
        samples = itertools.chain(*batches)
        numbers = iter(sorted(samples) if validated else samples)
        ordered += [[next(numbers) for _ in batch] for batch in batches]
    return ordered


@claim(answers=["4.7"], examples=2)
@given(epochs=epoch_counts)
@example(epochs=3)
def test_validates_once_at_the_end_of_each_epoch(keras, epochs):
    """After the last batch of each epoch, all validation samples are evaluated, once; no batch of training comes between."""
    assert in_order(passes(keras, epochs, batch_size=2)) == (parts(range(1, 9), 2) + parts(range(9, 13), 2)) * epochs


@claim(answers=["4.7"], examples=2)
@given(epochs=epoch_counts, batches=st.sampled_from([1, 2, 4]))
@example(epochs=3, batches=2)
def test_validates_with_the_weights_of_the_end_of_the_epoch(keras, epochs, batches):
    """Validation takes the weights after the epoch's last update, and changes none."""
    model, inputs, targets = ledger(keras, 8), np.eye(8)[np.zeros(8, int)], np.ones((8, 1))
    model.set_weights([np.zeros((8, 1))])
    options = {"batch_size": 8 // batches, "epochs": epochs, "verbose": 0}  # each batch adds 1 to the first weight
    history = model.fit(inputs, targets, validation_data=(inputs[:4], targets[:4] * 3), **options).history
    assert history["val_loss"] == [-3 * batches * epoch for epoch in range(1, epochs + 1)]
    assert model.get_weights()[0][0, 0] == batches * epochs


def evaluated_in_a_callback(keras):
    """What `evaluate` tells a callback at the end of two epochs, of data whose loss is -5 times a weight of 1, then 2.

    That of the validation data is -3 times the weight.
    """
    model, inputs, targets = ledger(keras, 8), np.eye(8)[np.zeros(8, int)], np.ones((8, 1))
    model.set_weights([np.zeros((8, 1))])
    other = observer(keras, ["epoch_end"], lambda *_: model.evaluate(inputs[:2], targets[:2] * 5, verbose=0))
    options = {"batch_size": 8, "epochs": 2, "validation_data": (inputs, targets * 3), "callbacks": [other], "verbose": 0}
    assert model.fit(inputs, targets, **options).history["val_loss"] == [-3, -6]
    return other.calls


@claim(
    ["keras", "tf.keras<2.3", "tf.keras>=2.4"], AssertionError, "test_a_callback_evaluates_the_validation_data", answers=["4.7"]
)
def test_a_callback_evaluates_data_of_its_own(keras):
    """A callback may call `evaluate` on data of its own at the end of an epoch; the validation of `fit` goes on as before."""
    assert evaluated_in_a_callback(keras) == [-5, -10]


@claim(["tf.keras>=2.3,<2.4"], AssertionError, "test_a_callback_evaluates_data_of_its_own", answers=["4.7"])
def test_a_callback_evaluates_the_validation_data(keras):
    """In `fit` with `validation_data`, what a callback gives to `evaluate` is ignored: the validation data is evaluated."""
    assert evaluated_in_a_callback(keras) == [-3, -6]


@claim(answers=["4.7"], examples=2)
@given(batch_size=st.sampled_from([1, 2, 4]))
def test_validates_in_batches_as_large_as_those_of_training(keras, batch_size):
    """Validation makes batches of the size that `fit` was given."""
    seen = in_order(passes(keras, 1, batch_size=batch_size))
    assert seen == parts(range(1, 9), batch_size) + parts(range(9, 13), batch_size)


@claim(MODERN, TypeError, "test_validates_in_batches_as_large_as_those_of_training", answers=["4.7"], examples=2)
@given(batch_size=st.sampled_from([1, 2, 4]))
@example(batch_size=2)
def test_validation_batch_size_is_another_size_for_validation(keras, batch_size):
    """`validation_batch_size` is the size of validation's batches, and leaves training's alone."""
    seen = passes(keras, 2, batch_size=4, validation_batch_size=batch_size)
    assert seen == (parts(range(1, 9), 4) + parts(range(9, 13), batch_size)) * 2


EVERY_TIME = "test_validates_once_at_the_end_of_each_epoch"
INSTEAD = ["test_validation_steps_go_on_where_the_last_ended", "test_validation_steps_repeat_all_of_the_data"]


@claim(
    ["keras>=3.7", "tf.keras>=2"], (AssertionError, ValueError), [*INSTEAD, EVERY_TIME],
    answers=["4.7"], examples=2,
)  # fmt: skip
@given(steps=st.integers(1, 3))
@example(steps=1)
def test_validation_steps_end_validation_early(keras, steps):
    """`validation_steps=k` evaluates the first k batches of the validation data, the same ones at each epoch.

    So do the epochs of training where `steps_per_epoch` is the number of all batches.
    """
    seen = passes(keras, 3, TRAINED[:2], NUMBERS[4:], batch_size=2, steps_per_epoch=1, validation_steps=steps)
    assert seen == [[1, 2], *parts(range(5, 13), 2)[:steps]] * 3


@claim(
    ["keras>=3,<3.7"], (AssertionError, ValueError),
    ["test_validation_steps_end_validation_early", "test_validation_steps_repeat_all_of_the_data", EVERY_TIME],
    answers=["4.7"], examples=2,
)  # fmt: skip
@given(steps=st.integers(1, 3))
@example(steps=1)
def test_validation_steps_go_on_where_the_last_ended(keras, steps):
    """`validation_steps=k` evaluates k batches of the data, from where the epoch before ended: fewer where the data ends."""
    seen = passes(keras, 2, TRAINED[:2], NUMBERS[4:], batch_size=2, validation_steps=steps)
    batches = parts(range(5, 13), 2)
    assert seen == [[1, 2], *batches[:steps], [1, 2], *batches[steps : 2 * steps]]


@claim(
    ["tf.keras<2"], (AssertionError, ValueError),
    ["test_validation_steps_end_validation_early", "test_validation_steps_go_on_where_the_last_ended", EVERY_TIME],
    answers=["4.7"], examples=2,
)  # fmt: skip
@given(steps=st.integers(1, 3))
def test_validation_steps_repeat_all_of_the_data(keras, steps):
    """`validation_steps=k` evaluates all validation data, as a single batch, k times over."""
    seen = passes(keras, 2, TRAINED[:2], NUMBERS[4:], batch_size=2, validation_steps=steps)
    assert seen == [[1, 2], *[list(range(5, 13))] * steps] * 2


def pairs(epochs, validated, first=1):
    """Training's one batch, of samples 1 and 2, in each epoch, followed by validation's, of 11 and 12, in those given."""
    return [batch for epoch in range(first, epochs + 1) for batch in ([1, 2], [11, 12])[: 1 + (epoch in validated)]]


@claim(WITH_FREQ, TypeError, "test_validates_once_at_the_end_of_each_epoch", answers=["4.7"], examples=3)
@given(epochs=st.integers(1, 6), every=st.integers(1, 6))
@example(epochs=5, every=2)
def test_validation_freq_is_the_number_of_epochs_between_validations(keras, epochs, every):
    """`validation_freq=k` validates at the end of every k-th epoch only, the k-th being the first.

    With an `initial_epoch` too it is the epochs' numbers that count, not how many have been run.
    """
    validated = [epoch for epoch in range(1, epochs + 2) if epoch % every == 0]
    seen = passes(keras, epochs, TRAINED[:2], NUMBERS[10:], batch_size=2, validation_freq=every)
    assert seen == pairs(epochs, validated)
    seen = passes(keras, epochs + 1, TRAINED[:2], NUMBERS[10:], batch_size=2, validation_freq=every, initial_epoch=1)
    assert seen == pairs(epochs + 1, validated, first=2)


@claim(WITH_FREQ, TypeError, "test_validates_once_at_the_end_of_each_epoch", answers=["4.7"], examples=2)
@given(chosen=st.sets(st.integers(1, 5), min_size=1))
@example(chosen={1, 4})
def test_validation_freq_lists_epochs(keras, chosen):
    """`validation_freq=[…]` validates at the end of the epochs in the list, which are counted from 1."""
    seen = passes(keras, 5, TRAINED[:2], NUMBERS[10:], batch_size=2, validation_freq=sorted(chosen))
    assert seen == pairs(5, chosen)


@claim(answers=["4.7"])
def test_validates_nothing_without_validation_data(keras):
    """Without validation data nothing is evaluated, and `History` has no `val_loss`."""
    book = logbook(keras)
    history = book.fit(TRAINED, TRAINED, epochs=2, batch_size=2, shuffle=False, verbose=0).history
    assert noted(book) == parts(range(1, 9), 2) * 2
    assert set(history) == {"loss"}


def validation_loss(keras, targets):
    """The `val_loss` of samples whose losses are minus these targets, in batches of three."""
    model = ledger(keras, 8)
    model.set_weights([np.zeros((8, 1))])
    data = np.eye(8)[np.zeros(len(targets), int)], targets[:, None]
    return model.fit(np.eye(8)[:1], np.ones((1, 1)), batch_size=3, validation_data=data, verbose=0).history["val_loss"]


@claim(["keras<3", "keras>=3.2", "tf.keras"], AssertionError, "test_averages_the_validation_loss_over_batches", answers=["4.7"],
       examples=2)  # fmt: skip
@given(samples=st.integers(1, 7))
@example(samples=7)
def test_averages_the_validation_loss_over_samples(keras, samples):
    """`val_loss` is the mean over all validation samples, though the last of their batches is smaller."""
    targets = np.arange(1.0, samples + 1) ** 2
    assert validation_loss(keras, targets) == [pytest.approx(-targets.mean(), rel=1e-6)]


@claim(["keras>=3,<3.2"], AssertionError, "test_averages_the_validation_loss_over_samples", answers=["4.7"], examples=2)
@given(samples=st.sampled_from([4, 5, 7]))
def test_averages_the_validation_loss_over_batches(keras, samples):
    """`val_loss` is the mean over the batches of validation, each of which counts alike, a smaller last one too."""
    targets = np.arange(1.0, samples + 1) ** 2
    assert validation_loss(keras, targets) == [pytest.approx(-np.mean([np.mean(part) for part in parts(targets, 3)]), rel=1e-6)]


def validated(keras):
    """The `val_loss` of three samples, whose losses are 0, -3 and -16, in a list; or "refused"."""
    model = ledger(keras, 8)
    model.set_weights([np.arange(8.0)[:, None]])
    data = [np.eye(8)[:3], np.array([[1.0], [3.0], [8.0]])]
    try:
        return model.fit(np.eye(8)[3:4], np.ones((1, 1)), validation_data=data, verbose=0).history["val_loss"]
    except ValueError:
        return "refused"


@claim(
    ["keras", "tf.keras<2.2", "tf.keras>=2.7"], AssertionError, "test_a_list_of_validation_data_is_two_inputs", answers=["4.7"]
)
def test_takes_validation_data_in_a_list(keras):
    """`validation_data` may be a list `[x, y]` as well as a tuple: it is not two inputs without targets."""
    assert validated(keras) == [pytest.approx(-19 / 3, rel=1e-6)]


@claim(["tf.keras>=2.2,<2.7"], AssertionError, "test_takes_validation_data_in_a_list", answers=["4.7"])
def test_a_list_of_validation_data_is_two_inputs(keras):
    """`validation_data` in a list `[x, y]` is taken for two inputs: `val_loss` is 0, or from TensorFlow 2.4 on a ValueError."""
    assert validated(keras) in ([0.0], "refused")


@claim(answers=["4.7"])
def test_reports_a_validation_loss_for_each_epoch(keras):
    """Example: with `validation_data`, `fit` evaluates it after each of 3 epochs, and the last result is `evaluate`'s."""
    random = np.random.RandomState(0)
    inputs, targets = random.rand(24, 3), random.rand(24, 1)
    model = keras.models.Sequential([keras.layers.Dense(1, input_shape=(3,))])
    model.compile(optimizer="sgd", loss="mse")
    validation = inputs[16:], targets[16:]
    history = model.fit(inputs[:16], targets[:16], validation_data=validation, batch_size=4, epochs=3, verbose=0).history
    assert len(history["val_loss"]) == 3
    assert history["val_loss"][-1] == pytest.approx(model.evaluate(*validation, verbose=0), rel=1e-6)


def validated_after_an_interruption(keras):
    """The loss of validation on targets of 5, by a model that answers 0, whose training on others was interrupted before."""

    class Interrupt(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    model, inputs = sequential(keras, (1,), keras.layers.Dense(1, kernel_initializer="zeros")), np.zeros((2, 1))
    model.compile(optimizer=sgd(keras, rate=0.0), loss="mse")
    with pytest.raises(KeyboardInterrupt):
        model.fit(inputs, inputs, validation_data=(inputs, inputs + 3), epochs=2, verbose=0, callbacks=[Interrupt()])
    return model.fit(inputs, inputs, validation_data=(inputs, inputs + 5), verbose=0).history["val_loss"]


@claim(["keras", "tf.keras<2.3", "tf.keras>=2.4,<2.5"], AssertionError, "test_validates_on_what_was_left_over", answers=["4.7"])
def test_validates_on_its_own_data_after_an_interruption(keras):
    """When `fit` is interrupted between two epochs, by Ctrl-C too, the next `fit` validates on the data that it is given."""
    assert validated_after_an_interruption(keras) == [25]


@claim(LEFT_OVER, AssertionError, "test_validates_on_its_own_data_after_an_interruption", answers=["4.7"])
def test_validates_on_what_was_left_over(keras):
    """When `fit` is interrupted between two epochs, the next `fit` validates on the old one's data, not on its own."""
    assert validated_after_an_interruption(keras) == [9]
