"""How can training be stopped when the validation loss no longer decreases?"""

import math
import re

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.curves import improvements, last_epoch, scripted_fit
from fixtures.figures import lines
from fixtures.models import sequential, sgd

MODERN, OLD = ["keras>=3", "tf.keras"], ["keras<3"]
BESIDE, BELOW = ["keras>=3", "tf.keras>=2.12"], ["keras<3", "tf.keras<2.12"]  # how a baseline counts
curves = st.lists(st.integers(0, 4).map(float), min_size=5, max_size=10)


def epochs_run(keras, losses, **options):
    """How many epochs are run of a training with these losses, which an EarlyStopping with these options watches."""
    ran, _ = scripted_fit(keras, losses, keras.callbacks.EarlyStopping("loss", **options))
    return len(ran)


@claim(answers=["9.1", "9.R1"], examples=4)
@given(losses=curves, patience=st.integers(1, 3))
@example(losses=[5, 4, 4, 3, 3, 3, 2, 2, 2, 2, 1], patience=3)
@example(losses=[1, 3, 2, 4, 0], patience=2)
@example(losses=[1], patience=1)
def test_stops_when_patience_is_used_up(keras, losses, patience):
    """`EarlyStopping(patience=p)` ends training after the first p epochs in a row none of which brings a new lowest loss."""
    stopper = keras.callbacks.EarlyStopping(monitor="loss", patience=patience)
    ran, _ = scripted_fit(keras, losses, stopper)
    last = last_epoch(losses, patience)
    assert ran == losses[:last]
    improved_since = last - patience < max(improvements(losses[:last]))
    assert stopper.stopped_epoch == (0 if improved_since else last - 1)  # it counts from 0


@claim(answers=["9.R1"])
def test_patience_of_two_takes_two_bad_epochs_in_a_row(keras, evidence):
    """`patience=2` bears one epoch that brings no new lowest loss, however often, and stops at the second one in a row.

    What counts is the lowest loss so far, not the loss of the epoch before: a loss that falls again after it has risen
    is of no help unless it is a new lowest one.
    """
    losses = [8.0, 5.0, 6.0, 4.0, 7.0, 3.0, 6.0, 5.0, 2.0]
    ran, _ = scripted_fit(keras, losses, keras.callbacks.EarlyStopping("loss", patience=2))
    evidence(
        "loss with patience 2", lines("epoch", "loss", run=ran, never_run=[None] * (len(ran) - 1) + losses[len(ran) - 1 :])
    )
    assert ran == [8.0, 5.0, 6.0, 4.0, 7.0, 3.0, 6.0, 5.0]


@claim(answers=["9.1"])
def test_says_in_which_epoch_it_stopped(keras, capsys):
    """With `verbose=1` it prints the epoch after which it ended training, counted from 1; by default it prints nothing.

    Where it restores the best weights it says so, and since TensorFlow 2.7 and in Keras 3 of which epoch they are.
    """
    for patience, best in [(1, 1), (3, 2)]:
        stopper = keras.callbacks.EarlyStopping("loss", patience=patience, restore_best_weights=True, verbose=1)
        scripted_fit(keras, [2.0] * (best - 1) + [1.0] * 6, stopper)
        said = capsys.readouterr().out
        assert re.findall(r"Epoch 0*(\d+): early stopping", said) == [str(best + patience)]
        assert re.findall(r"best epoch(?:: (\d+))?", said) in ([str(best)], [""])
    scripted_fit(keras, [1.0] * 6, keras.callbacks.EarlyStopping("loss", patience=1))
    assert capsys.readouterr().out == ""


@claim(
    holds_on=["keras", "tf.keras<2.5", "tf.keras>=2.12"],
    otherwise=AssertionError,
    instead=["test_stops_after_the_first_epoch_by_default", "test_stops_after_the_second_epoch_by_default"],
    answers=["9.R1"],
    examples=2,
)
@given(losses=curves, options=st.sampled_from([{}, {"patience": 0}]))
@example(losses=[2.0, 1.0, 1.0, 0.0], options={})
def test_has_the_patience_of_one_epoch_by_default(keras, losses, options):
    """`patience=0`, the default, is as patient as 1: training stops after the first epoch that brings no new lowest loss."""
    assert epochs_run(keras, losses, **options) == last_epoch(losses, patience=1)


@claim(
    holds_on=["tf.keras>=2.5,<2.7"],
    otherwise=AssertionError,
    instead=["test_has_the_patience_of_one_epoch_by_default", "test_stops_after_the_second_epoch_by_default"],
    answers=["9.R1"],
)
def test_stops_after_the_first_epoch_by_default(keras):
    """Without a `patience`, training stops after its first epoch. So it was in TensorFlow 2.5 and 2.6."""
    assert [epochs_run(keras, losses) for losses in ([2.0, 1.0, 0.0, 0.0], [1.0, 2.0, 3.0])] == [1, 1]


@claim(
    holds_on=["tf.keras>=2.7,<2.12"],
    otherwise=AssertionError,
    instead=["test_has_the_patience_of_one_epoch_by_default", "test_stops_after_the_first_epoch_by_default"],
    answers=["9.R1"],
)
def test_stops_after_the_second_epoch_by_default(keras):
    """Without a `patience`, training stops after its second epoch, though losses fall. So it was in TensorFlow 2.7 to 2.11."""
    assert [epochs_run(keras, losses) for losses in ([2.0, 1.0, 0.0, 0.0], [1.0, 2.0, 3.0])] == [2, 2]


@claim(answers=["9.R1"], examples=2)
@given(patience=st.integers(1, 4))
def test_a_loss_that_stays_is_no_improvement(keras, patience):
    """A loss that equals the lowest so far is no improvement: of a constant loss, `patience` epochs are run after the first."""
    assert epochs_run(keras, [1.0] * 6, patience=patience) == 1 + patience


@claim(answers=["9.1"], examples=2)
@given(losses=curves, patience=st.integers(1, 2))
@example(losses=[1.0, 3.0, 1.0, 2.0, 0.0, 0.0], patience=2)
def test_mode_max_wants_a_rising_value(keras, losses, patience):
    """`mode="max"` does for a value that shall rise what `mode="min"` does for one that shall fall."""
    rising = [-loss for loss in losses]
    assert epochs_run(keras, losses, mode="max", patience=patience) == last_epoch(rising, patience)
    assert epochs_run(keras, rising, mode="min", patience=patience) == last_epoch(rising, patience)


@claim(answers=["9.2"], examples=3)
@given(losses=curves, patience=st.integers(1, 2), delta=st.sampled_from([0.5, 1.0, 2.0]))
@example(losses=[5.0, 4.5, 4.0, 3.5, 3.0], patience=2, delta=0.5)
@example(losses=[5.0, 4.5, 4.0, 3.0, 3.0, 0.0], patience=2, delta=1.0)
def test_min_delta_must_be_exceeded(keras, losses, patience, delta):
    """With `min_delta=d` only a loss more than d below the best so far counts, and only such a one becomes the best.

    So a slow decline counts as soon as its small steps, taken together, exceed d.
    """
    for mode in ("auto", "min"):
        assert epochs_run(keras, losses, mode=mode, patience=patience, min_delta=delta) == last_epoch(losses, patience, delta)


@claim(answers=["9.2"])
def test_min_delta_holds_for_rising_values_too(keras):
    """With `mode="max"` a value must be more than `min_delta` above the best so far."""
    stairs = [0.0, 1.0, 3.0, 4.0, 5.0, 6.0]
    assert epochs_run(keras, stairs, mode="max", min_delta=1.0, patience=1) == 2
    assert epochs_run(keras, stairs, mode="max", min_delta=1.0, patience=2) == 6


@claim(answers=["9.2"])
def test_min_delta_is_below_the_best_of_a_metric(keras):
    """Of a metric that shall fall, an error, as well as of a loss, a value must be more than `min_delta` below the best."""

    def fall(epoch, logs):
        logs["mean_absolute_error"] = 1 - epoch / 16

    model = sequential(keras, (1,), keras.layers.Dense(1))
    model.compile(optimizer="sgd", loss="mse", metrics=["mean_absolute_error"])
    stopper = keras.callbacks.EarlyStopping("mean_absolute_error", min_delta=0.25, patience=2)
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=fall), stopper]
    assert len(model.fit(np.ones((2, 1)), np.ones((2, 1)), epochs=9, callbacks=callbacks, verbose=0).epoch) == 3
    assert stopper.best == 1


@claim(holds_on=MODERN, otherwise=AssertionError, instead="test_a_negative_min_delta_forgives", answers=["9.2"])
def test_the_sign_of_min_delta_is_ignored(keras):
    """`min_delta=-d` means the same as `min_delta=d`."""
    assert epochs_run(keras, [3.0, 3.5, 3.5, 3.5], min_delta=-1.0, patience=2) == 3
    assert epochs_run(keras, [3.0, 2.5, 2.0, 1.0], min_delta=-1.0, patience=2) == 3


@claim(holds_on=OLD, otherwise=AssertionError, instead="test_the_sign_of_min_delta_is_ignored", answers=["9.2"])
def test_a_negative_min_delta_forgives(keras):
    """`min_delta=-d` lets a loss count as improvement that is up to d above the last one that counted."""
    assert epochs_run(keras, [3.0, 3.5, 4.0, 4.5], min_delta=-1.0, patience=2) == 4
    assert epochs_run(keras, [3.0, 4.0, 4.0, 3.5], min_delta=-1.0, patience=2) == 3


@claim(answers=["9.2"], examples=2)
@given(patience=st.integers(2, 4))
def test_gives_up_below_the_baseline(keras, patience):
    """With `baseline=b` a loss that stays the same, not below b, ends training after the first `patience` epochs, 2 or more."""
    assert epochs_run(keras, [1.0] * 6, baseline=1.0, patience=patience) == patience
    assert epochs_run(keras, [2.0] * 6, baseline=1.0, patience=patience) == patience
    assert epochs_run(keras, [1.0] * 6, baseline=1.5, min_delta=1.0, patience=patience) == patience  # as 0.5 is too little
    assert epochs_run(keras, [1.0] * 6, baseline=1.0, mode="max", patience=patience) == patience
    assert epochs_run(keras, [1.0] * 6, baseline=2.0, mode="max", patience=patience) == patience


@claim(
    holds_on=BELOW,
    otherwise=AssertionError,
    instead="test_bears_any_improvement_above_the_baseline",
    answers=["9.2"],
    examples=3,
)
@given(losses=curves, patience=st.integers(1, 3), baseline=st.integers(1, 4).map(float))
@example(losses=[5.0, 4.0, 3.0, 2.0, 1.0], patience=2, baseline=0.0)
def test_the_baseline_is_the_loss_to_beat(keras, losses, patience, baseline):
    """`baseline=b` counts as the lowest loss before training: losses that fall but do not get below b are no improvement."""
    assert epochs_run(keras, losses, baseline=baseline, patience=patience) == last_epoch(losses, patience, best=baseline)


@claim(holds_on=BESIDE, otherwise=AssertionError, instead="test_the_baseline_is_the_loss_to_beat", answers=["9.2"], examples=3)
@given(losses=curves, patience=st.integers(1, 3), baseline=st.integers(1, 4).map(float))
@example(losses=[5.0, 4.0, 3.0, 2.0, 1.0], patience=2, baseline=0.0)
@example(losses=[5.0, 4.0, 4.0, 0.0], patience=3, baseline=1.0)
def test_bears_any_improvement_above_the_baseline(keras, losses, patience, baseline):
    """An epoch with a new lowest loss never ends training; but until one is below the baseline patience goes on running out.

    So a loss that falls at every epoch is never stopped, however far above the baseline it stays.
    """
    lowest = improvements(losses)
    starts = [0] + [epoch for epoch in lowest if losses[epoch - 1] < baseline]
    waited = {epoch: epoch - max(start for start in starts if start <= epoch) for epoch in range(1, len(losses) + 1)}
    ends = [epoch for epoch, epochs in waited.items() if epochs >= patience and epoch not in lowest]
    assert epochs_run(keras, losses, baseline=baseline, patience=patience) == min([*ends, len(losses)])


@claim(
    holds_on=["keras>=3", "tf.keras>=2.11"],
    otherwise=TypeError,
    instead="test_a_subclass_can_start_later",
    answers=["9.2"],
    examples=3,
)
@given(losses=curves, patience=st.integers(1, 2), start=st.integers(0, 4))
@example(losses=[0.0, 9.0, 3.0, 4.0, 2.0, 2.0, 2.0], patience=2, start=2)
def test_start_from_epoch_leaves_out_the_first(keras, losses, patience, start):
    """`start_from_epoch=n` leaves the first n epochs out of account: what is left is watched like a training of its own."""
    expected = start + last_epoch(losses[start:], patience)
    assert epochs_run(keras, losses, start_from_epoch=start, patience=patience) == expected


@claim(answers=["9.2"])
def test_a_subclass_can_start_later(keras):
    """Example: on any Keras, a subclass whose `on_epoch_end` passes the first epochs over has no eye for their losses."""

    class LateStopping(keras.callbacks.EarlyStopping):
        def on_epoch_end(self, epoch, logs=None):
            if epoch >= 2:
                super().on_epoch_end(epoch, logs)

    ran, _ = scripted_fit(keras, [0.0, 9.0, 3.0, 4.0, 2.0, 2.0, 2.0, 2.0], LateStopping("loss", patience=2))
    assert ran == [0.0, 9.0, 3.0, 4.0, 2.0, 2.0, 2.0]


@claim(answers=["9.1"], examples=2)
@given(patience=st.integers(1, 3))
def test_a_loss_that_is_no_number_is_no_improvement(keras, patience):
    """A loss that becomes NaN is no improvement: `patience` epochs later training stops."""
    ran, _ = scripted_fit(keras, [2.0, 1.0] + [math.nan] * 4, keras.callbacks.EarlyStopping("loss", patience=patience))
    np.testing.assert_array_equal(ran, [2.0, 1.0] + [math.nan] * patience)


@claim(
    holds_on=["keras<3.7", "tf.keras"],
    otherwise=AssertionError,
    instead="test_takes_a_first_loss_that_is_no_number_for_the_best",
    answers=["9.1"],
)
def test_forgets_a_first_loss_that_is_no_number(keras):
    """A first loss of NaN does no lasting harm: the first that is a number becomes the best so far."""
    assert epochs_run(keras, [math.nan, 3.0, 2.0, 1.0, 0.0], patience=2) == 5


@claim(
    holds_on=["keras>=3.7"], otherwise=AssertionError, instead="test_forgets_a_first_loss_that_is_no_number", answers=["9.1"]
)
def test_takes_a_first_loss_that_is_no_number_for_the_best(keras):
    """A first loss of NaN remains the best so far, as nothing is lower: training stops though the losses fall."""
    assert epochs_run(keras, [math.nan, 3.0, 2.0, 1.0, 0.0], patience=2) == 3


@claim(
    holds_on=["keras<3", "keras>=3.7,<3.11", "keras>=3.15", "tf.keras"],
    otherwise=AssertionError,
    instead="test_remembers_the_best_loss_of_an_earlier_fit",
    answers=["9.1"],
)
def test_starts_afresh_in_each_fit(keras):
    """A callback that is used again starts afresh: neither the best loss nor the patience of an earlier `fit` counts.

    Keras 3.0 to 3.6 and 3.11 to 3.14 kept the best loss: keras#20521, keras#20533, keras#22967.
    """
    stopper = keras.callbacks.EarlyStopping("loss", patience=2)
    first, _ = scripted_fit(keras, [1.0, 1.0, 1.0, 1.0], stopper)
    second, _ = scripted_fit(keras, [9.0, 9.0, 8.0, 7.0], stopper)
    assert first == [1.0, 1.0, 1.0]
    assert second == [9.0, 9.0, 8.0, 7.0]
    assert stopper.stopped_epoch == 0
    stopper = keras.callbacks.EarlyStopping("loss", patience=3, baseline=0.5)
    assert [len(scripted_fit(keras, [1.0] * 4, stopper)[0]) for _ in range(2)] == [3, 3]
    stopper = keras.callbacks.EarlyStopping("loss", patience=1, min_delta=1.0)
    assert [len(scripted_fit(keras, [3.0, 2.5, 0.0], stopper)[0]) for _ in range(3)] == [2, 2, 2]


@claim(
    holds_on=["keras>=3,<3.7", "keras>=3.11,<3.15"],
    otherwise=AssertionError,
    instead="test_starts_afresh_in_each_fit",
    answers=["9.1"],
)
def test_remembers_the_best_loss_of_an_earlier_fit(keras):
    """A callback that is used again remembers the best loss of an earlier `fit`, and stops a worse one whose losses fall."""
    stopper = keras.callbacks.EarlyStopping("loss", patience=2)
    scripted_fit(keras, [2.0, 1.0], stopper)
    ran, _ = scripted_fit(keras, [9.0, 8.0, 7.0, 6.0], stopper)
    assert ran == [9.0, 8.0]


@claim(answers=["9.1"])
def test_the_least_patient_of_several_stops(keras):
    """Of several callbacks the first whose patience is used up ends training."""
    least, most = (keras.callbacks.EarlyStopping("loss", patience=patience) for patience in (2, 4))
    ran, _ = scripted_fit(keras, [1.0] * 6, most, least)
    assert len(ran) == 3
    assert (least.stopped_epoch, most.stopped_epoch) == (2, 0)


@claim(answers=["9.1", "9.R1"])
def test_stops_where_the_validation_loss_turns(keras, evidence):
    """Example: `EarlyStopping(monitor="val_loss", patience=2)` and `validation_split` stop `fit` two epochs after the turn.

    Training pulls the one weight w from 0 to 2, by a quarter of the way at each epoch; the samples held out want 1.
    """
    inputs, targets = np.ones((10, 1)), np.array([[2.0]] * 8 + [[1.0]] * 2)
    model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"))
    model.compile(optimizer=sgd(keras, rate=0.125), loss="mse")
    stopper = keras.callbacks.EarlyStopping(monitor="val_loss", patience=2)
    history = model.fit(inputs, targets, validation_split=0.2, epochs=20, callbacks=[stopper], verbose=0).history
    weights = 2 - 2 * 0.75 ** np.arange(5)
    evidence("the example's losses", lines("epoch", "loss", training=history["loss"], validation=history["val_loss"]))
    np.testing.assert_allclose(history["loss"], (2 - weights[:4]) ** 2, rtol=1e-5)  # falls all the time
    np.testing.assert_allclose(history["val_loss"], (1 - weights[1:]) ** 2, rtol=1e-5)  # a few operations in float32
