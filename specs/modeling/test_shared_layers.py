"""What does it mean that two branches share a layer?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import input_layer, reused, sgd
from fixtures.recurrences import close, lstm, randomize, whole_numbers

SAMPLES, STEPS, FEATURES, UNITS = 2, 3, 2, 2
PLAIN = {"kernel_initializer": "zeros", "recurrent_initializer": "zeros"}  # fast: JAX compiles the random ones
seeds = st.integers(0, 2**32 - 1)


@reused
def siamese_lstm(keras):
    """Two sequences through one LSTM, side by side: `2 * (batch, 3, 2)` to `(batch, 4)`. Set its weights.

    Its loss is `-target * output`, so that targets of zero for a branch's outputs switch this branch off, and its rate 1.
    """
    inputs = [input_layer(keras, (STEPS, FEATURES)) for _ in range(2)]
    shared = keras.layers.LSTM(UNITS, recurrent_activation="sigmoid", unroll=True, **PLAIN)
    model = keras.models.Model(inputs, keras.layers.concatenate([shared(branch) for branch in inputs], axis=-1))
    model.compile(optimizer=sgd(keras), loss=lambda target, output: -target * output)
    return model


@reused
def siamese_sum(keras, columns):
    """A linear layer shared by two inputs, outputs added: `2 * (batch, columns)` to `(batch, 1)`; loss and rate as above."""
    inputs = [input_layer(keras, (columns,)) for _ in range(2)]
    shared = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")
    model = keras.models.Model(inputs, keras.layers.add([shared(branch) for branch in inputs]))
    model.compile(optimizer=sgd(keras), loss=lambda target, output: -target * output)
    return model


def update(model, start, inputs, targets):
    """What one batch adds to the weights, from these on."""
    model.set_weights(start)
    model.train_on_batch(inputs, targets)
    return [after - before for after, before in zip(model.get_weights(), start)]


@claim(answers=["3.R1"], examples=3)
@given(units=st.integers(1, 5), features=st.integers(1, 5), branches=st.integers(1, 4))
def test_has_one_set_of_weights(keras, units, features, branches):
    """An LSTM that branches share is one layer with one set of weights, 4 u (u + f + 1) for u units and f features."""
    inputs = [input_layer(keras, (4, features)) for _ in range(branches)]
    shared = keras.layers.LSTM(units, **PLAIN)
    model = keras.models.Model(inputs, [shared(branch) for branch in inputs])
    assert model.count_params() == 4 * units * (units + features + 1)
    assert model.layers.count(shared) == 1


def model_of_two_models(keras):
    """Two models that share an LSTM of `UNITS` units, in one: `2 * (batch, STEPS, FEATURES)` to `2 * (batch, UNITS)`."""
    inputs = [input_layer(keras, (STEPS, FEATURES)) for _ in range(2)]
    shared = keras.layers.LSTM(UNITS, **PLAIN)
    encoders = [keras.models.Model(branch, shared(branch)) for branch in inputs]
    return keras.models.Model(inputs, [encoder(branch) for encoder, branch in zip(encoders, inputs)])


@claim(["keras", "tf.keras>=2"], AssertionError, "test_is_counted_for_each_of_two_models", answers=["3.R1"])
def test_is_counted_once_for_two_models(keras):
    """A layer that two models share is counted once in a model of both."""
    assert model_of_two_models(keras).count_params() == 4 * UNITS * (UNITS + FEATURES + 1)


@claim(["tf.keras<2"], AssertionError, "test_is_counted_once_for_two_models", answers=["3.R1"])
def test_is_counted_for_each_of_two_models(keras):
    """A layer that two models share is counted twice in a model of both, though it has one set of weights."""
    assert model_of_two_models(keras).count_params() == 2 * 4 * UNITS * (UNITS + FEATURES + 1)


@claim(answers=["3.R1"], examples=2)
@given(units=st.integers(1, 4), branches=st.integers(2, 3))
def test_layers_of_their_own_have_more(keras, units, branches):
    """Branches that have an LSTM each have as many sets of weights, though made by the same line of code."""
    inputs = [input_layer(keras, (4, 3)) for _ in range(branches)]
    model = keras.models.Model(inputs, [keras.layers.LSTM(units, **PLAIN)(branch) for branch in inputs])
    assert model.count_params() == branches * 4 * units * (units + 3 + 1)


@claim(needs=["training"], answers=["3.R1"], examples=3)
@given(seed=seeds)
def test_each_branch_computes_what_the_layer_computes(keras, seed):
    """Each branch gives what the layer gives for its sequence alone, with the same weights: equal sequences, equal outputs."""
    model = siamese_lstm(keras)
    first, second = randomize(model, seed, 2, SAMPLES, STEPS, FEATURES)
    expected = [lstm(x, model.get_weights())[0][:, -1] for x in (first, second)]
    assert close(model.predict_on_batch([first, second]), np.concatenate(expected, axis=1))
    assert close(model.predict_on_batch([second, second]), np.concatenate(expected[1:] * 2, axis=1))


@claim(answers=["3.R1"], examples=3)
@given(seed=seeds)
def test_learns_from_every_branch(keras, seed):
    """A batch adds to the weights of a shared linear layer what its inputs on all branches teach, exactly their sum."""
    model = siamese_sum(keras, 3)
    first, second, targets = whole_numbers(seed, 3, 4, 3)
    learned = update(model, [np.zeros((3, 1))], [first, second], targets[:, :1])[0]
    assert learned.tolist() == (targets[:, :1] * (first + second)).mean(axis=0)[:, None].tolist()  # quarters: exact


@claim(answers=["3.R1"], examples=3)
@given(seed=seeds)
def test_the_gradient_is_the_sum_over_the_branches(keras, seed):
    """The update of a shared LSTM is the sum of those that each branch alone would give it."""
    model = siamese_lstm(keras)
    inputs = list(randomize(model, seed, 2, SAMPLES, STEPS, FEATURES))
    start, left = model.get_weights(), np.repeat([[1.0, 0.0]], UNITS, axis=1) * np.ones((SAMPLES, 1))
    both, first, second = (update(model, start, inputs, targets) for targets in (left + left[:, ::-1], left, left[:, ::-1]))
    assert all(np.abs(part).max() > 1e-6 for part in (*first, *second))
    for total, one, other in zip(both, first, second):
        assert total == pytest.approx(one + other, rel=0, abs=1e-6)  # updates below 1 to weights below 3, in float32


@claim(answers=["3.R1"], examples=2)
@given(seed=seeds)
def test_what_one_branch_learns_all_know(keras, seed):
    """Trained on one branch alone, a shared layer gives its new outputs on the other branch too."""
    model = siamese_lstm(keras)
    first, second = randomize(model, seed, 2, SAMPLES, STEPS, FEATURES)
    before = model.predict_on_batch([first, second])
    model.train_on_batch([first, second], np.repeat([[1.0, 0.0]], UNITS, axis=1) * np.ones((SAMPLES, 1)))
    after = model.predict_on_batch([first, second])
    assert np.abs(after - before)[:, UNITS:].max() > 1e-6
    assert close(after[:, UNITS:], lstm(second, model.get_weights())[0][:, -1])


@claim(answers=["3.R1"])
def test_an_example(keras):
    """Example: one LSTM encodes two texts, and a classifier tells from both codes whether they are by one author."""
    text_a, text_b = input_layer(keras, (20, 16)), input_layer(keras, (20, 16))
    shared_lstm = keras.layers.LSTM(8)
    merged = keras.layers.concatenate([shared_lstm(text_a), shared_lstm(text_b)], axis=-1)
    model = keras.models.Model([text_a, text_b], keras.layers.Dense(1, activation="sigmoid")(merged))
    model.compile(optimizer="rmsprop", loss="binary_crossentropy")
    texts = np.eye(16)[np.random.RandomState(0).randint(0, 16, (2, 4, 20))]
    before = shared_lstm.get_weights()
    model.fit([texts[0], texts[1]], np.array([[0.0], [1], [0], [1]]), verbose=0)
    assert len(before) == 3
    assert all(np.any(old != new) for old, new in zip(before, shared_lstm.get_weights()))
    assert model.predict([texts[0], texts[1]], verbose=0).shape == (4, 1)
