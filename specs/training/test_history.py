"""What does `fit` record in a `History`?"""

import csv
import json

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.figures import lines
from fixtures.losses import descend, descent, pair, slope
from fixtures.models import reused, sequential, sgd
from fixtures.tensors import eager, trains_in_steps

MODERN, OLD = ["keras>=3", "tf.keras>=2.2"], ["keras<3", "tf.keras<2.2"]
ONES = np.ones((4, 1))
BATCH = 2
RATE = 0.0625


def close_to(values):
    """These numbers, to float32's precision."""
    return pytest.approx(values, rel=1e-6)


@claim(answers=["12.1"])
def test_is_what_fit_returns(keras):
    """`fit` returns a `keras.callbacks.History`, whose `history` is a dictionary of lists."""
    returned = descent(keras).fit(ONES, ONES, verbose=0)
    assert isinstance(returned, keras.callbacks.History)
    assert returned.history == {"loss": [0.0]}


@claim(answers=["12.R1"])
def test_has_the_loss_alone(keras):
    """Without metrics and validation there is one key: `loss`."""
    assert sorted(descend(keras, 4)) == ["loss"]


@claim(answers=["12.R1"])
def test_has_the_loss_and_each_metric(keras):
    """Each metric adds a key of its name."""
    history = slope(keras, RATE).fit(ONES, ONES, verbose=0).history
    assert sorted(history) == ["loss", "mean_absolute_error"]


@claim(answers=["12.R1"], examples=2)
@given(options=st.sampled_from([{"validation_split": 0.5}, {"validation_data": (ONES, ONES)}]))
def test_has_each_key_with_val_before_it(keras, options):
    """With validation, by a split or by data, there is each key a second time, after `val_`."""
    history = slope(keras, RATE).fit(ONES, ONES, verbose=0, **options).history
    assert sorted(history) == ["loss", "mean_absolute_error", "val_loss", "val_mean_absolute_error"]


@claim(answers=["12.R1"], examples=2)
@given(epochs=st.integers(1, 5))
def test_has_an_entry_for_each_epoch(keras, epochs):
    """Every list has one entry for each epoch."""
    model = slope(keras, RATE)
    history = model.fit(ONES, ONES, epochs=epochs, validation_data=(ONES, ONES), verbose=0).history
    assert [len(entries) for entries in history.values()] == [epochs] * 4


def by_hand(inputs, targets, held, epochs):
    """The loss and the mean absolute error of training and of validation, epoch by epoch, of `slope` from 0, by numpy."""
    weight, rows = 0.0, []
    for _ in range(epochs):
        errors = np.zeros(0)
        for start in range(0, len(inputs), BATCH):
            batch = slice(start, start + BATCH)
            error = weight * inputs[batch] - targets[batch]
            weight -= RATE * np.mean(2 * error * inputs[batch])
            errors = np.append(errors, error)
        tested = weight * held[0] - held[1]
        rows.append([measure(values) for values in (errors, tested) for measure in (mean_square, mean_absolute)])
    return np.transpose(rows)


def mean_square(errors):
    """The mean of the squares."""
    return np.mean(errors**2)


def mean_absolute(errors):
    """The mean of the absolute values."""
    return np.mean(np.abs(errors))


points = st.lists(st.tuples(st.integers(-2, 2), st.integers(-4, 4)), min_size=1, max_size=5)


@claim(
    holds_on=["keras<3", "keras>=3.2", "tf.keras"],
    otherwise=AssertionError,
    instead="test_counts_batches_alike",
    answers=["12.1", "12.R1"],
    examples=4,
)
@given(train=points, held=points, epochs=st.integers(1, 3))
@example(train=[(1, 2), (2, -1), (-1, 3), (2, 2), (1, -4)], held=[(1, 1), (2, 4), (1, -3)], epochs=3)
def test_equals_what_numpy_computes(keras, train, held, epochs):
    """Loss and metrics are those of each epoch alone, as numpy computes them: means over samples, before each batch's update.

    Validation's are those of the weights at the epoch's end. The tolerance is that of some tens of roundings in float32.
    """
    columns = [np.array(points, float).T[:, :, None] for points in (train, held)]
    model = slope(keras, RATE)
    model.set_weights([np.zeros((1, 1))])
    options = {"validation_data": tuple(columns[1]), "batch_size": BATCH, "shuffle": False, "verbose": 0}
    history = model.fit(*columns[0], epochs=epochs, **options).history
    recorded = [history.get(prefix + name) for prefix in ("", "val_") for name in ("loss", "mean_absolute_error")]
    np.testing.assert_allclose(recorded, by_hand(*columns[0], columns[1], epochs), rtol=1e-5, atol=1e-5)


@claim(holds_on=["keras>=3,<3.2"], otherwise=AssertionError, instead="test_equals_what_numpy_computes", answers=["12.R1"])
def test_counts_batches_alike(keras):
    """`loss` and `val_loss` are means over batches, of which a smaller last one counts as much as the others.

    So it was in Keras 3.0 and 3.1.
    """
    held = np.ones((3, 1)), np.array([[1.0], [1.0], [4.0]])  # whose losses are -3 times the targets after three batches
    history = descend(keras, 5, batch_size=2, validation_data=held)
    assert history == {"loss": close_to([-(0 + 1 + 2) / 3]), "val_loss": close_to([-(3 + 12) / 2])}


@claim(answers=["12.1"], examples=2)
@given(initial=st.integers(0, 3), epochs=st.integers(1, 3))
@example(initial=2, epochs=3)
def test_numbers_epochs_from_the_initial_one(keras, initial, epochs):
    """`epoch` lists the epochs' numbers, from `initial_epoch`, by default 0, to one less than `epochs`."""
    returned = descent(keras).fit(ONES, ONES, initial_epoch=initial, epochs=initial + epochs, verbose=0)
    assert returned.epoch == list(range(initial, initial + epochs))
    assert returned.history == {"loss": close_to([-float(batch) for batch in range(epochs)])}


@claim(holds_on=MODERN, otherwise=AssertionError, instead="test_keeps_more_parameters", answers=["12.1"])
def test_keeps_the_parameters(keras):
    """`params` holds `epochs`, `steps`, the number of batches of an epoch, and `verbose`, and nothing else."""
    returned = descent(keras).fit(ONES, ONES, batch_size=2, epochs=3, verbose=0)
    assert returned.params == {"epochs": 3, "steps": 2, "verbose": 0}


@claim(holds_on=OLD, otherwise=AssertionError, instead="test_keeps_the_parameters", answers=["12.1"])
def test_keeps_more_parameters(keras):
    """`params` holds the batch size, samples and metrics too, and whether there is validation."""
    returned = descent(keras).fit(ONES, ONES, batch_size=2, epochs=3, verbose=0)
    steps = 2 if eager(keras) else None  # of the epoch: TensorFlow 2 knows them
    old = {"batch_size": 2, "do_validation": False, "metrics": ["loss"], "samples": 4}
    assert returned.params == {"epochs": 3, "steps": steps, "verbose": 0, **old}


@claim(answers=["12.1"])
def test_is_kept_by_the_model(keras):
    """`model.history` is the `History` that the last `fit` returned, and its `model` is the model."""
    model = descent(keras)
    first, second = (model.fit(ONES, ONES, verbose=0) for _ in range(2))
    assert model.history is second
    assert second.model is model
    assert first is not second


@claim(answers=["12.1"])
def test_starts_anew_with_each_fit(keras):
    """A second `fit` goes on with the weights, not with the `History`: it returns a new one, and the old one stays."""
    model = descent(keras)
    first, second = (model.fit(ONES, ONES, epochs=epochs, verbose=0) for epochs in (2, 1))
    assert first.history == {"loss": close_to([0.0, -1.0])}
    assert second.history == {"loss": close_to([-2.0])}


@claim(answers=["12.R1"])
def test_ends_where_training_stops(keras):
    """Where a callback stops training, the lists end with the epoch that it stopped in."""
    stop = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", epoch == 1))
    model = descent(keras)
    returned = model.fit(ONES, ONES, epochs=5, callbacks=[stop], verbose=0)
    assert returned.history == {"loss": close_to([0.0, -1.0])}
    assert returned.epoch == [0, 1]


@claim(answers=["12.1"])
def test_survives_an_interruption(keras):
    """Where Ctrl-C ends `fit`, which then returns nothing, `model.history` has all epochs that were finished."""

    def interrupt(epoch, logs):
        if epoch == 2:
            raise KeyboardInterrupt

    model = descent(keras)
    with pytest.raises(KeyboardInterrupt):
        model.fit(ONES, ONES, epochs=5, callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=interrupt)], verbose=0)
    assert model.history.history == {"loss": close_to([0.0, -1.0])}


@claim(
    holds_on=["keras>=2.2.5", "tf.keras"],
    otherwise=TypeError,
    instead="test_has_an_entry_for_each_epoch",
    answers=["12.R1"],
    examples=2,
)
@given(case=st.sampled_from([(1, [1, 2, 3, 4]), (2, [2, 4]), (3, [3]), ([1, 4], [1, 4])]))
@example(case=(2, [2, 4]))
@example(case=([1, 4], [1, 4]))
def test_has_shorter_lists_for_rarer_validation(keras, case):
    """With `validation_freq` the lists of validation are shorter: they have entries for the epochs that were validated only."""
    frequency, validated = case
    history = descend(keras, 4, epochs=4, validation_data=(ONES, ONES), validation_freq=frequency)
    assert history["loss"] == close_to([0.0, -1.0, -2.0, -3.0])
    assert history["val_loss"] == close_to([-float(epoch) for epoch in validated])


@reused
def scheduled(keras):
    """A model with nothing to learn, whose rate anybody may change."""
    model = sequential(keras, (1,), keras.layers.Dense(1, kernel_initializer="zeros"))
    model.compile(optimizer=sgd(keras), loss="mse")
    return model


def rates(keras):
    """The histories of two trainings: a callback sets the rate, to 1, 0.5 and 0.25, then another watches it."""
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch: 0.5**epoch)
    options = {"callbacks": [schedule], "epochs": 3}, {"callbacks": [keras.callbacks.ReduceLROnPlateau(monitor="loss")]}
    return [scheduled(keras).fit(0 * ONES, 0 * ONES, verbose=0, **some).history for some in options]


@claim(holds_on=["keras>=3"], otherwise=AssertionError, instead="test_has_the_rate_as_lr", answers=["12.R1"])
def test_has_the_learning_rate(keras):
    """`LearningRateScheduler` and `ReduceLROnPlateau` add a key, `learning_rate`: the rate of each epoch."""
    first, second = rates(keras)
    assert first == {"loss": [0, 0, 0], "learning_rate": [1, 0.5, 0.25]}
    assert second == {"loss": [0], "learning_rate": [0.25]}


@claim(holds_on=["keras<3", "tf.keras"], otherwise=AssertionError, instead="test_has_the_learning_rate", answers=["12.R1"])
def test_has_the_rate_as_lr(keras):
    """`LearningRateScheduler` and `ReduceLROnPlateau` add a key, `lr`: the rate of each epoch."""
    first, second = rates(keras)
    assert first == {"loss": [0, 0, 0], "lr": [1, 0.5, 0.25]}
    assert second == {"loss": [0], "lr": [0.25]}


@claim(answers=["12.R1"])
def test_has_what_callbacks_add(keras):
    """What a callback adds to its `logs` at the end of an epoch is recorded under a key of its own."""
    add = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(square=epoch**2))
    assert descend(keras, 4, epochs=3, callbacks=[add]).get("square") == [0, 1, 4]


@claim(
    holds_on=["keras<2.3", "keras>=3", "tf.keras>=2.2"],
    otherwise=AssertionError,
    instead="test_can_be_written_as_json_by_float",
    answers=["12.1"],
)
def test_can_be_written_as_json(keras):
    """Losses and metrics are floats: `json.dumps` writes the dictionary, and `json.loads` gives back the same."""
    data = (ONES, ONES)
    history = slope(keras, RATE).fit(*data, validation_data=data, epochs=2, verbose=0).history
    assert all(isinstance(value, float) for entries in history.values() for value in entries)
    assert json.loads(json.dumps(history)) == history


@claim(holds_on=["keras>=3"], otherwise=TypeError, instead="test_can_be_written_as_json_by_float", answers=["12.1"])
def test_can_be_written_as_json_with_rates(keras):
    """Recorded learning rates too can be written by `json.dumps`."""
    history = rates(keras)
    assert json.loads(json.dumps(history)) == history


@claim(answers=["12.1"])
def test_can_be_written_as_json_by_float(keras):
    """Example: `json.dumps(history, default=float)` writes any history; before Keras 3, learning rates are numpy's float32.

    In Keras 2.3, and before TensorFlow 2.2, so are metrics.
    """
    history = rates(keras)
    assert json.loads(json.dumps(history, default=float)) == history


@claim(answers=["12.R1"])
def test_is_what_a_csv_logger_writes(keras, tmp_path):
    """`CSVLogger` writes the same numbers under the same names, a line for each epoch.

    The next training's file is a new one; with `append=True` its lines are added to those that are there.
    """
    path, written = tmp_path / "log.csv", []
    for start, append in ((0.0, True), (1.0, False), (2.0, True)):  # the first file is not there yet
        logger = keras.callbacks.CSVLogger(str(path), append=append)
        options = {"epochs": 2, "validation_data": (ONES, ONES), "callbacks": [logger], "verbose": 0}
        history = descent(keras, start).fit(ONES, ONES, **options).history
        written = [*(written if append else []), *zip(["0", "1"], history["loss"], history["val_loss"])]
        rows = list(csv.DictReader(path.read_text().splitlines()))
        assert set(rows[0]) == {"epoch", *history}
        assert [(row["epoch"], float(row["loss"]), float(row["val_loss"])) for row in rows] == written


def history_of_pair(keras, losses=True):
    """The losses, or all else, in the history of two outputs, with losses of 4 and 5; the second weighs three times as much."""
    data = np.zeros((2, 1)), [np.full((2, 1), 2.0), np.full((2, 1), 5.0)]
    history = pair(keras).fit(*data, validation_data=data, verbose=0).history
    return {name: entries for name, entries in history.items() if name.endswith("loss") == losses}


def of_both(entries):
    """The entries of training, and the same of validation."""
    return {**entries, **{"val_" + name: value for name, value in entries.items()}}


@claim(
    holds_on=["keras<3", "keras>=3.7", "tf.keras"],
    otherwise=AssertionError,
    instead=["test_has_no_loss_of_each_output", "test_has_the_weighted_loss_of_each_output"],
    answers=["12.R1"],
)
def test_has_the_loss_of_each_output(keras):
    """With several outputs there is a key for each one's loss; with batches of one size `loss` is their weighted sum.

    The key is the name of the output's layer with `_loss` after it.
    """
    losses = {"loss": [4.0 + 3 * 5.0], "upper_loss": [4.0], "lower_loss": [5.0]}
    assert history_of_pair(keras) == of_both(losses)


@claim(
    holds_on=["keras>=3,<3.5"],
    otherwise=AssertionError,
    instead=["test_has_the_loss_of_each_output", "test_has_the_weighted_loss_of_each_output"],
    answers=["12.R1"],
)
def test_has_no_loss_of_each_output(keras):
    """With several outputs there is no key for the loss of each, only `loss`, their weighted sum."""
    assert history_of_pair(keras) == of_both({"loss": [4.0 + 3 * 5.0]})


@claim(
    holds_on=["keras>=3.5,<3.7"],
    otherwise=AssertionError,
    instead=["test_has_the_loss_of_each_output", "test_has_no_loss_of_each_output"],
    answers=["12.R1"],
)
def test_has_the_weighted_loss_of_each_output(keras):
    """With several outputs there is a key for the loss of each, in which it is multiplied by its weight already."""
    assert history_of_pair(keras) == of_both({"loss": [4.0 + 3 * 5.0], "upper_loss": [4.0], "lower_loss": [3 * 5.0]})


def loss_of_the_first(keras):
    """What is told of the first output's loss, if anything, which is 4 for a batch of four samples and 49 for a fifth."""
    targets = np.array([[2.0], [2.0], [2.0], [2.0], [7.0]])
    history = pair(keras).fit(np.zeros((5, 1)), [targets, targets], batch_size=4, shuffle=False, verbose=0).history
    return history.get("upper_loss")


@claim(
    holds_on=["keras<2.3", "keras[jax]>=3.5", "keras[torch]>=3.5", "tf.keras>=2.2"],
    otherwise=AssertionError,
    instead=["test_a_loss_of_an_output_counts_batches", "test_has_no_loss_of_each_output"],
    answers=["6.3", "12.R1"],
)
def test_a_loss_of_an_output_counts_samples(keras):
    """The loss of each output is the mean over all samples, as `loss` is, whatever the size of the last batch."""
    assert loss_of_the_first(keras) == close_to([(4 * 4 + 49) / 5])


@claim(
    holds_on=["keras>=2.3,<3", "keras[tensorflow]>=3.5", "tf.keras<2.2"],
    otherwise=AssertionError,
    instead=["test_a_loss_of_an_output_counts_samples", "test_has_no_loss_of_each_output"],
    answers=["6.3", "12.R1"],
)
def test_a_loss_of_an_output_counts_batches(keras):
    """The loss of each output counts a short last batch as much as a full one: only `loss` is the mean over all samples."""
    assert loss_of_the_first(keras) == [(4 + 49) / 2]


@claim(answers=["12.R1"])
def test_has_the_metrics_of_each_output(keras):
    """With several outputs the key of a metric begins with the name of its output, be they given by name or in a list."""
    metrics = {"upper_mean_absolute_error": [2.0], "lower_mean_squared_error": [25.0]}
    assert history_of_pair(keras, losses=False) == of_both(metrics)
    if trains_in_steps(keras):  # Keras 2.2 takes no lists in the list
        model = pair.__wrapped__(keras)  # the usual one is compiled otherwise
        model.compile(optimizer=sgd(keras), loss="mse", metrics=[["mean_absolute_error"], ["mean_squared_error"]])
        history = model.fit(np.zeros((2, 1)), [np.full((2, 1), 2.0), np.full((2, 1), 5.0)], verbose=0).history
        assert [history.get(name) for name in metrics] == list(metrics.values())


def told_by_name(keras, targets, by_name):
    """The loss and the metrics of each output of a pair, whose losses are given by name or not."""
    history = pair(keras, by_name).fit(np.zeros((2, 1)), targets, verbose=0).history
    return [history.get(name) for name in ("loss", "upper_mean_absolute_error", "lower_mean_squared_error")]


RIGHT, ASTRAY = ["keras<3.5", "keras>=3.7", "tf.keras"], ["keras>=3.5,<3.7"]
ITS_OWN = [close_to([4.0 + 3 * 5.0]), [2.0], [25.0]]
BY_NAME = {"lower": np.full((2, 1), 5.0), "upper": np.full((2, 1), 2.0)}


@claim(RIGHT, AssertionError, "test_targets_by_name_go_by_the_alphabet", answers=["12.R1"])
def test_targets_may_come_by_the_outputs_names(keras):
    """Targets may be given as a dictionary by the outputs' names, in any order: each output is compared with its own."""
    assert told_by_name(keras, BY_NAME, by_name=False) == ITS_OWN


@claim(ASTRAY, AssertionError, "test_targets_may_come_by_the_outputs_names", answers=["12.R1"])
def test_targets_by_name_go_by_the_alphabet(keras):
    """Targets given by the outputs' names go astray: the first output's loss is of the targets that the alphabet has first.

    Outputs whose names are in alphabetical order are safe; else give the targets in a list.
    """
    assert told_by_name(keras, BY_NAME, by_name=False)[0] == close_to([5.0**2 + 3 * 2.0])


@claim(RIGHT, AssertionError, "test_losses_by_name_go_by_the_alphabet", answers=["12.R1"])
def test_losses_may_come_by_the_outputs_names(keras):
    """Losses and their weights may be given as dictionaries by the outputs' names, in any order: each output has its own."""
    assert told_by_name(keras, [BY_NAME["upper"], BY_NAME["lower"]], by_name=True) == ITS_OWN
    assert told_by_name(keras, BY_NAME, by_name=True) == ITS_OWN


@claim(ASTRAY, AssertionError, "test_losses_may_come_by_the_outputs_names", answers=["12.R1"])
def test_losses_by_name_go_by_the_alphabet(keras):
    """Losses given by the outputs' names go astray: the first output gets the loss of the name that is first in the alphabet.

    Likewise their weights. Outputs whose names are in alphabetical order have their own; else give both in lists.
    """
    targets = [BY_NAME["upper"], BY_NAME["lower"]]
    assert told_by_name(keras, targets, by_name=True) == [close_to([3 * 2.0 + 5.0**2]), [2.0], [25.0]]
    assert told_by_name(keras, targets, by_name=False) == ITS_OWN


@claim(answers=["12.R1", "12.R2"])
def test_shows_a_whole_training(keras, evidence):
    """Example: train, print and plot the history: each list has a value for every epoch, validation's last is `evaluate`'s."""
    inputs = np.random.RandomState(0).uniform(-1, 1, size=(100, 2))
    labels = (inputs.sum(axis=1) > 0).astype("float32")
    model = keras.models.Sequential([keras.layers.Dense(1, activation="sigmoid", input_shape=(2,))])
    model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["binary_accuracy"])
    hist = model.fit(inputs, labels, batch_size=20, epochs=8, validation_split=0.2, verbose=0)
    print(hist.history)
    for name in ("loss", "binary_accuracy"):
        evidence(name, lines("epoch", name, training=hist.history[name], validation=hist.history["val_" + name]))
    assert sorted(hist.history) == ["binary_accuracy", "loss", "val_binary_accuracy", "val_loss"]
    assert all(len(entries) == 8 for entries in hist.history.values())
    loss, accuracy = model.evaluate(inputs[80:], labels[80:], verbose=0)
    assert [hist.history["val_loss"][-1], hist.history["val_binary_accuracy"][-1]] == close_to([loss, accuracy])
