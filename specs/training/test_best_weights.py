"""Which weights does early stopping leave in the model?"""

import math
import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.curves import improvements, last_epoch, scripted_fit
from fixtures.sources import learner

MODERN, OLD = ["keras>=3", "tf.keras>=2.5"], ["keras<3", "tf.keras<2.5"]
curves = st.lists(st.integers(0, 4).map(float), min_size=5, max_size=10)


def weights_left(keras, losses, **options):
    """The epoch, from 1, whose weights are left in the model by a training with these losses, and how many epochs it ran."""
    ran, left = scripted_fit(keras, losses, keras.callbacks.EarlyStopping("loss", **options))
    return left, len(ran)


@claim(answers=["9.2"], examples=3)
@given(losses=curves, patience=st.integers(1, 3))
@example(losses=[2.0, 1.0, 3.0, 3.0, 3.0], patience=2)
def test_keeps_the_last_weights_by_default(keras, losses, patience):
    """By default the model is left with the weights of the last epoch that was run, however much worse than the best."""
    last = last_epoch(losses, patience)
    assert weights_left(keras, losses, patience=patience) == (last, last)


@claim(answers=["9.2"], examples=5)
@given(losses=curves, patience=st.integers(1, 3))
@example(losses=[3.0, 1.0, 2.0, 1.0, 1.0], patience=3)
@example(losses=[1.0, 1.0, 1.0], patience=2)
def test_restores_the_best_weights_when_it_stops(keras, losses, patience):
    """With `restore_best_weights=True` a training that is stopped is left with the weights of its epoch of the lowest loss.

    Of several with that loss it is the first.
    """
    losses = losses + [9.0] * patience  # it stops at the latest here
    last = last_epoch(losses, patience)
    best = 1 + losses.index(min(losses[:last]))
    assert weights_left(keras, losses, patience=patience, restore_best_weights=True) == (best, last)


@claim(answers=["9.2"])
def test_restores_the_highest_with_mode_max(keras):
    """With `mode="max"` the best weights are those of the epoch of the highest value."""
    options = {"mode": "max", "patience": 2, "restore_best_weights": True}
    assert weights_left(keras, [1.0, 3.0, 2.0, 0.0, 9.0], **options) == (2, 4)


@claim(answers=["9.2"], examples=2)
@given(losses=curves, delta=st.sampled_from([1.0, 2.0]))
@example(losses=[5.0, 3.0, 2.5, 2.0], delta=1.0)
def test_the_best_weights_exceed_min_delta(keras, losses, delta):
    """With `min_delta` the weights that are restored are the last that counted as improvement, maybe not of the lowest loss."""
    losses = losses + [9.0] * 2
    last = last_epoch(losses, 2, delta)
    best = max(improvements(losses[:last], delta))
    assert weights_left(keras, losses, patience=2, min_delta=delta, restore_best_weights=True) == (best, last)


ENDS = {  # how a training of four epochs ends that its EarlyStopping does not stop
    "the epochs are over": lambda keras: keras.callbacks.Callback(),
    "another callback stops it": lambda keras: keras.callbacks.EarlyStopping("loss", patience=2),
}


@claim(
    holds_on=["keras>=3", "tf.keras>=2.16"],
    otherwise=AssertionError,
    instead="test_keeps_the_last_weights_if_it_did_not_stop",
    answers=["9.2"],
    examples=2,
)
@given(end=st.sampled_from(sorted(ENDS)))
def test_restores_the_best_weights_if_it_did_not_stop(keras, end):
    """The best weights are restored too where it was not this callback that stopped training, or nothing did.

    Asked for in keras#12511, keras#16876 and tensorflow#35634. That they are those at the end of the epoch of the lowest
    loss, keras#20323: the loss of an epoch belongs to the weights before its last update, and is not that of the weights left.
    """
    stopper = keras.callbacks.EarlyStopping("loss", patience=4, restore_best_weights=True)
    ran, left = scripted_fit(keras, [3.0, 1.0, 2.0, 2.0], ENDS[end](keras), stopper)
    assert len(ran) == 4
    assert left == 2


@claim(
    holds_on=["keras<3", "tf.keras<2.16"],
    otherwise=AssertionError,
    instead="test_restores_the_best_weights_if_it_did_not_stop",
    answers=["9.2"],
    examples=2,
)
@given(end=st.sampled_from(sorted(ENDS)))
def test_keeps_the_last_weights_if_it_did_not_stop(keras, end):
    """With `restore_best_weights=True` a training that this callback did not stop keeps the weights of its last epoch."""
    stopper = keras.callbacks.EarlyStopping("loss", patience=4, restore_best_weights=True)
    ran, left = scripted_fit(keras, [3.0, 1.0, 2.0, 2.0], ENDS[end](keras), stopper)
    assert len(ran) == 4
    assert left == 4


@claim(answers=["9.2"], examples=2)
@given(losses=st.sampled_from([[3.0, 1.0, 2.0, 2.0], [3.0, 1.0, 2.0, 2.0, 2.0, 2.0]]))
def test_a_subclass_restores_them_however_it_ends(keras, losses):
    """Example: on any Keras, a subclass that sets `best_weights` in `on_train_end` restores them however training ends."""

    class BestInTheEnd(keras.callbacks.EarlyStopping):
        def on_train_end(self, logs=None):
            super().on_train_end(logs)
            self.model.set_weights(self.best_weights)

    _, left = scripted_fit(keras, losses, BestInTheEnd("loss", patience=4, restore_best_weights=True))
    assert left == 2


@claim(answers=["9.2"])
def test_a_checkpoint_keeps_the_best_weights(keras, tmp_path):
    """Example: `ModelCheckpoint(save_best_only=True)` writes the best weights to a file, whatever is left in the model."""
    file = str(tmp_path / "best.weights.h5")
    checkpoint = keras.callbacks.ModelCheckpoint(file, monitor="loss", save_best_only=True, save_weights_only=True)
    stopper = keras.callbacks.EarlyStopping("loss", patience=2)
    ran, left = scripted_fit(keras, [3.0, 1.0, 2.0, 2.0, 0.0], checkpoint, stopper)
    assert (len(ran), left) == (4, 4)
    stopper.model.load_weights(file)
    assert stopper.model.get_weights()[0].tolist() == [[2.0]]


@claim(answers=["9.2"])
def test_a_checkpoint_says_what_it_writes(keras, tmp_path, capsys):
    """`ModelCheckpoint(verbose=1)` prints in which epochs, counted from 1, it writes which file; by default nothing.

    An `{epoch}` in the file's name is the same number.
    """
    file, improving = str(tmp_path / "{epoch}.weights.h5"), [3.0, 4.0, 1.0]
    options = {"monitor": "loss", "save_best_only": True, "save_weights_only": True}
    scripted_fit(keras, improving, keras.callbacks.ModelCheckpoint(file, verbose=1, **options))
    files = [file.format(epoch=epoch) for epoch in (1, 3)]
    assert sorted(map(str, tmp_path.iterdir())) == files
    said = capsys.readouterr().out
    assert re.findall(r"Epoch 0*(\d+): loss improved from .*, saving model to (.*)", said) == [("1", files[0]), ("3", files[1])]
    assert re.findall(r"Epoch 0*(\d+): loss did not improve from (.*)", said) == [("2", "3.00000")]
    scripted_fit(keras, improving, keras.callbacks.ModelCheckpoint(file, **options))
    assert capsys.readouterr().out == ""


@claim(holds_on=MODERN, otherwise=TypeError, instead="test_fails_if_no_epoch_was_the_best", answers=["9.2"], examples=2)
@given(baseline=st.sampled_from([0.0, 1.0]))
def test_restores_the_best_weights_above_the_baseline(keras, baseline):
    """Where no loss is below the baseline, the weights restored are those of the lowest loss all the same."""
    options = {"patience": 3, "baseline": baseline, "restore_best_weights": True}
    assert weights_left(keras, [4.0, 2.0, 3.0, 2.0, 2.0], **options) == (2, 3)


@claim(
    holds_on=OLD,
    otherwise=pytest.fail.Exception,
    instead="test_restores_the_best_weights_above_the_baseline",
    answers=["9.2"],
    examples=2,
)
@given(losses=st.sampled_from([[4.0, 2.0, 3.0], [math.nan, math.nan]]))
def test_fails_if_no_epoch_was_the_best(keras, losses):
    """Where no epoch is an improvement, as no loss is below the baseline or a number, restoring fails with a TypeError."""
    with pytest.raises(TypeError, match="NoneType"):
        weights_left(keras, losses, patience=2, baseline=1.0, restore_best_weights=True)


@claim(holds_on=MODERN, otherwise=TypeError, instead="test_fails_if_no_epoch_was_the_best", answers=["9.2"])
def test_restores_the_first_weights_if_no_loss_is_a_number(keras):
    """Where no loss is a number, the weights of the first epoch are restored."""
    assert weights_left(keras, [math.nan] * 4, patience=2, restore_best_weights=True)[0] == 1


@claim(
    holds_on=["keras>=3", "tf.keras>=2.11"],
    otherwise=TypeError,
    instead="test_restores_the_best_weights_when_it_stops",
    answers=["9.2"],
)
def test_start_from_epoch_leaves_out_the_first_weights(keras):
    """With `start_from_epoch=n` the weights of the first n epochs are never restored, however good they were."""
    options = {"patience": 2, "start_from_epoch": 2, "restore_best_weights": True}
    assert weights_left(keras, [0.0, 1.0, 4.0, 3.0, 5.0, 5.0, 5.0], **options) == (4, 6)


@claim(
    holds_on=MODERN,
    otherwise=(AssertionError, TypeError),
    instead=["test_may_restore_weights_of_an_earlier_fit", "test_fails_if_no_epoch_was_the_best"],
    answers=["9.2"],
)
def test_never_restores_weights_of_an_earlier_fit(keras):
    """A callback that is used again never restores weights of an earlier `fit`, even where no epoch is an improvement."""
    stopper = keras.callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)
    scripted_fit(keras, [3.0, 2.0, 1.0, 0.0], stopper)
    _, left = scripted_fit(keras, [math.nan] * 3, stopper)
    assert left == 1


@claim(
    holds_on=["keras<3", "tf.keras<2.3"],
    otherwise=(AssertionError, TypeError),
    instead=["test_never_restores_weights_of_an_earlier_fit", "test_fails_if_no_epoch_was_the_best"],
    answers=["9.2"],
)
def test_may_restore_weights_of_an_earlier_fit(keras):
    """A callback that is used again restores the best weights of the earlier `fit` where no epoch is an improvement."""
    stopper = keras.callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)
    scripted_fit(keras, [3.0, 2.0, 1.0, 0.0], stopper)
    _, left = scripted_fit(keras, [math.nan] * 3, stopper)
    assert left == 4


def steps(keras, model):
    """How many steps the model's optimizer has made."""
    count = model.optimizer.iterations
    return int(keras.ops.convert_to_numpy(count) if hasattr(keras, "ops") else keras.backend.get_value(count))


@claim(answers=["9.2"])
def test_the_optimizer_is_not_restored(keras):
    """Only the model's weights are restored, but all of them: the optimizer's count of steps remains that of all epochs run.

    The moving statistics of `BatchNormalization`, which training changes though they are not trainable, are restored too.
    """
    watcher, stopper = keras.callbacks.Callback(), keras.callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)
    scripted_fit(keras, [0.0], watcher)
    before = steps(keras, watcher.model)
    _, left = scripted_fit(keras, [3.0, 1.0, 2.0, 2.0, 0.0], stopper)
    assert left == 2
    assert steps(keras, stopper.model) - before == 4
    model, weights = learner(keras, 2), []

    def score(epoch, logs):
        logs["score"] = [3.0, 1.0, 2.0, 2.0][epoch]
        weights.append(np.concatenate([weight.ravel() for weight in model.get_weights()]))

    stopper = keras.callbacks.EarlyStopping("score", mode="min", patience=2, restore_best_weights=True)
    callbacks = [keras.callbacks.LambdaCallback(on_epoch_end=score), stopper]
    model.fit(np.eye(3), np.eye(3), epochs=4, callbacks=callbacks, verbose=0)
    assert (weights[1] != weights[3]).all()
    assert np.concatenate([weight.ravel() for weight in model.get_weights()]).tolist() == weights[1].tolist()
