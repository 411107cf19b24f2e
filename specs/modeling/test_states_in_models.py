"""Is the state carried on through nested models and masked steps?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.interpreter import JobError
from fixtures.models import feed, input_layer, recurrent_trio, reset_states, reused
from fixtures.recurrences import close, randomize, trio
from fixtures.seeds import FIRST

SAMPLES, STEPS = 2, 3


def nested_states(keras):
    """A job. What a running sum inside of a model, inside of another, gives for a batch twice, and after a reset."""
    options = {"stateful": True, "kernel_initializer": "ones", "recurrent_initializer": "ones"}
    inner_input = input_layer(keras, (STEPS, 1), SAMPLES)
    summing = keras.layers.SimpleRNN(1, activation="linear", use_bias=False, **options)
    inner = keras.models.Model(inner_input, summing(inner_input))
    outer_input = input_layer(keras, (STEPS, 1), SAMPLES)
    outer = keras.models.Model(outer_input, inner(outer_input))
    batch = np.arange(6.0).reshape(SAMPLES, STEPS, 1)
    outputs = [feed(keras, outer, batch)[:, 0].tolist() for _ in range(2)]
    reset_states(inner)
    return [*outputs, feed(keras, outer, batch)[:, 0].tolist()]


FIRST.prepare(nested_states)


@claim(["keras>=3", "tf.keras>=2"], JobError, "test_a_nested_state_is_fed_by_nothing", answers=["13.1", "13.5"])
def test_a_nested_model_carries_its_state(keras):
    """A stateful network inside of another model carries its state from batch to batch, until its layers are reset."""
    assert FIRST.run(nested_states) == [[3, 12], [6, 24], [3, 12]]


@claim(["keras<3", "tf.keras<2"], pytest.fail.Exception, "test_a_nested_model_carries_its_state", answers=["13.1"])
def test_a_nested_state_is_fed_by_nothing(keras):
    """A stateful network inside of another model cannot be used: its state waits for an input of the inner model, an error."""
    with pytest.raises(JobError, match=r"must feed a value for placeholder|was not provided and not given a value"):
        FIRST.run(nested_states)


@reused
def doubling(keras, unroll=False):
    """A stateful unit that doubles its state and adds its input, but at steps of zero, which are masked."""
    inputs = input_layer(keras, (STEPS, 1), SAMPLES)
    options = {"stateful": True, "unroll": unroll, "kernel_initializer": "zeros", "recurrent_initializer": "zeros"}
    layer = keras.layers.SimpleRNN(1, activation="linear", use_bias=False, **options)
    return keras.models.Model(inputs, layer(keras.layers.Masking(0.0)(inputs)))


steps = st.lists(st.integers(0, 3).map(float), min_size=4 * STEPS, max_size=4 * STEPS)
unmasked = st.lists(st.integers(1, 3).map(float), min_size=2 * STEPS, max_size=2 * STEPS)
PROBE = np.array([[[1.0], [0.0], [0.0]]] * SAMPLES)  # it gives twice the state, and one


def follow(keras, steps, unroll=False):
    """Feed two batches of these steps; return the last outputs, the states that the probe tells, and what these should be."""
    model, states = doubling(keras, unroll), np.zeros(SAMPLES)
    model.set_weights([np.ones((1, 1)), np.full((1, 1), 2.0)])
    reset_states(model)
    for batch in np.reshape(steps, (2, SAMPLES, STEPS)):
        for inputs in batch.T:
            states = np.where(inputs == 0, states, 2 * states + inputs)
        outputs = feed(keras, model, batch[:, :, None])[:, 0]
    return outputs.tolist(), ((feed(keras, model, PROBE)[:, 0] - 1) / 2).tolist(), states.tolist()


@claim(answers=["13.1", "13.3"], examples=4)
@given(steps=steps, unroll=st.booleans())
@example(steps=[1.0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 2, 0], unroll=False)
@example(steps=[1.0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 2, 0], unroll=True)
def test_a_masked_step_leaves_the_state_alone(keras, steps, unroll):
    """A masked step leaves a sample's carried state as it is, wherever it stands, and whatever the other samples do."""
    _, states, expected = follow(keras, steps, unroll)
    assert states == expected  # whole numbers: exact


@claim(
    ["keras[tensorflow]<2.2.5", "keras[jax]>=3"],
    AssertionError,
    "test_a_sequence_masked_whole_gives_zero",
    answers=["13.1"],
    examples=3,
)
@given(steps=unmasked)
def test_a_sequence_masked_whole_gives_its_state(keras, steps):
    """A sequence all of whose steps are masked gives the state that it carries as its output."""
    outputs, _, expected = follow(keras, [*steps, *np.zeros(2 * STEPS)])
    assert outputs == expected


@claim(
    ["keras[theano]", "keras>=2.2.5,<3", "keras[tensorflow,torch]>=3", "tf.keras"], AssertionError,
    "test_a_sequence_masked_whole_gives_its_state", answers=["13.1"], examples=3,
)  # fmt: skip
@given(steps=unmasked)
def test_a_sequence_masked_whole_gives_zero(keras, steps):
    """A sequence all of whose steps are masked gives zeros as its output, although it keeps its carried state."""
    outputs, states, expected = follow(keras, [*steps, *np.zeros(2 * STEPS)])
    assert outputs == [0] * SAMPLES
    assert states == expected


@claim(answers=["13.1"])
def test_an_example_of_padded_pieces(keras):
    """Example: two sequences of unlike length, padded with zeros that are masked, go on in the next batch where each ended.

    So it is in a `SimpleRNN`, an `LSTM` and a `GRU`.
    """
    model = doubling(keras)
    model.set_weights([np.ones((1, 1)), np.ones((1, 1))])  # no doubling: a running sum
    reset_states(model)
    feed(keras, model, np.array([[[1.0], [2.0], [3.0]], [[5.0], [0.0], [0.0]]]))  # the second is padded
    assert feed(keras, model, np.array([[[4.0], [0.0], [0.0]], [[6.0], [7.0], [0.0]]]))[:, 0].tolist() == [10, 18]
    model = recurrent_trio(keras, return_sequences=False, masked=True)
    pieces = randomize(model, 0, 2, 4, STEPS, 3)
    reset_states(model)
    lengths = [(1, 3), (2, 2), (3, 1), (3, 3)]  # of a sample's two pieces
    for piece in range(2):
        batch = [np.where(np.arange(STEPS)[:, None] < lengths[i][piece], pieces[piece, i], 0) for i in range(4)]
        outputs = feed(keras, model, np.stack(batch))
    wholes = [np.concatenate([pieces[piece, i, : lengths[i][piece]] for piece in range(2)]) for i in range(4)]
    assert close(outputs, np.stack([trio(model, whole[None])[0, -1] for whole in wholes]))
