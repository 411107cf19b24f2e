"""How does `concatenate` join?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import input_layer
from fixtures.tensors import apply, static_shape

sizes = st.integers(1, 4)
SOUND = ["keras<3", "keras>=3.7", "tf.keras"]
ONE_IN_THE_WAY = "test_an_axis_of_length_1_is_in_the_way"


@st.composite
def joinable(draw):
    """An axis, of either sign, and two to four shapes of two to four dimensions that differ along it alone."""
    shape = draw(st.lists(sizes, min_size=2, max_size=4))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    lengths = draw(st.lists(sizes, min_size=2, max_size=4))
    return axis, [tuple(n if at == axis % len(shape) else size for at, size in enumerate(shape)) for n in lengths]


def numbered(shapes):
    """Arrays of these shapes, whose entries are all different."""
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])
    return [np.arange(end - np.prod(shape), end, dtype="float32").reshape(shape) for end, shape in zip(ends, shapes)]


@claim(SOUND, (IndexError, ValueError), ONE_IN_THE_WAY, answers=["3.R2"])
@given(case=joinable())
@example(case=(-1, [(2, 3), (2, 4)]))
@example(case=(0, [(1, 2), (3, 2)]))
@example(case=(1, [(2, 1, 2), (2, 3, 2), (2, 2, 2)]))
@example(case=(2, [(3, 1, 4), (3, 1, 2)]))
def test_joins_like_numpy(keras, case):
    """`Concatenate(axis=a)` joins what `numpy.concatenate(axis=a)` joins, whatever the shapes, the axis and its sign."""
    axis, shapes = case
    joined = apply(keras, keras.layers.Concatenate(axis=axis), numbered(shapes))
    np.testing.assert_array_equal(joined, np.concatenate(numbered(shapes), axis=axis))


@claim(SOUND, (IndexError, ValueError), ONE_IN_THE_WAY, answers=["3.R2"], examples=10)
@given(case=joinable())
@example(case=(-1, [(2, 3), (2, 4)]))
@example(case=(2, [(3, 1, 4), (3, 1, 2)]))
def test_only_that_axis_grows(keras, case):
    """Along the axis the lengths add up; all others stay, so that each input is found whole in the result, in order."""
    axis, shapes = case
    layer = keras.layers.Concatenate.from_config(keras.layers.Concatenate(axis=axis).get_config())  # as a loaded model has it
    joined = np.moveaxis(apply(keras, layer, numbered(shapes)), axis, 0)
    lengths = [shape[axis] for shape in shapes]
    assert len(joined) == sum(lengths)
    for start, length, array in zip(np.cumsum([0, *lengths]), lengths, numbered(shapes)):
        np.testing.assert_array_equal(joined[start : start + length], np.moveaxis(array, axis, 0))


@claim(answers=["3.R2"], examples=6)
@given(swap=st.booleans(), axis=st.sampled_from([1, 2]))
def test_order_matters(keras, swap, axis):
    """The inputs stand in the order of the list, not in that of their names or of their making."""
    arrays = [np.full((1, 2, 2), n, "float32") for n in ((2, 1) if swap else (1, 2))]
    joined = apply(keras, keras.layers.Concatenate(axis=axis), arrays)
    assert np.take(joined, 0, axis).tolist() == np.take(arrays[0], 0, axis).tolist()
    assert np.take(joined, -1, axis).tolist() == np.take(arrays[1], 0, axis).tolist()


@claim(answers=["3.R2"], examples=5)
@given(rank=st.integers(2, 4))
def test_joins_along_the_last_axis_by_default(keras, rank):
    """Without `axis` it is the last axis, -1, that is joined: the features, for inputs of any rank."""
    arrays = numbered([(2,) * rank] * 2)
    np.testing.assert_array_equal(apply(keras, keras.layers.Concatenate(), arrays), np.concatenate(arrays, axis=rank - 1))
    inputs = [input_layer(keras, (2,) * (rank - 1)) for _ in range(2)]
    assert static_shape(keras, keras.layers.concatenate(inputs)) == [None, *(2,) * (rank - 2), 4]


@claim(SOUND, (IndexError, ValueError), ONE_IN_THE_WAY, answers=["3.R2"], examples=10)
@given(case=joinable())
@example(case=(0, [(2, 3), (2, 3)]))
@example(case=(-2, [(2, 3, 1), (2, 4, 1)]))
def test_negative_axes_count_from_the_end(keras, case):
    """An axis and the same less the rank are one: of three dimensions, -1 is 2, -2 is 1 and -3 is the batch, 0."""
    axis, shapes = case
    other = axis - len(shapes[0]) if axis >= 0 else axis + len(shapes[0])
    results = [apply(keras, keras.layers.Concatenate(axis=a), numbered(shapes)) for a in (axis, other)]
    np.testing.assert_array_equal(*results)


@claim(SOUND, (IndexError, ValueError), ONE_IN_THE_WAY, answers=["3.R2"], examples=10)
@given(case=joinable())
@example(case=(0, [(3,), (4,)]))
@example(case=(1, [(1, 4), (1, 5)]))
def test_symbolic_shapes_add_up(keras, case):
    """Of symbolic inputs the shape is known beforehand: `(None, 3, 4)` and `(None, 3, 5)` give `(None, 3, 9)`."""
    axis, shapes = case  # without the batch
    axis %= len(shapes[0])
    joined = keras.layers.concatenate([input_layer(keras, shape) for shape in shapes], axis=axis + 1)
    total = sum(shape[axis] for shape in shapes)
    assert static_shape(keras, joined) == [None, *shapes[0][:axis], total, *shapes[0][axis + 1 :]]


@claim(["keras>=3,<3.7"], pytest.fail.Exception, "test_joins_like_numpy", answers=["3.R2"], examples=5)
@given(batch=sizes, lengths=st.lists(sizes, min_size=2, max_size=2, unique=True))
def test_an_axis_of_length_1_is_in_the_way(keras, batch, lengths):
    """Sequences `(n, 1, f)` that differ in f are joined along -1, not 2; `(n, t, 1)` that differ in t along 1, not -2.

    The other spelling of the axis raises a ValueError; with more axes of length 1 an IndexError is raised too. Keras 3.7
    put an end to this.
    """
    narrow, flat = [(batch, length, 1) for length in lengths], [(batch, 1, length) for length in lengths]
    for axis, wrong, shapes in ((-1, 2, flat), (1, -2, narrow)):
        joined = apply(keras, keras.layers.Concatenate(axis=axis), numbered(shapes))
        np.testing.assert_array_equal(joined, np.concatenate(numbered(shapes), axis=axis))
        with pytest.raises(ValueError, match="matching shapes"):
            apply(keras, keras.layers.Concatenate(axis=wrong), numbered(shapes))


@st.composite
def mismatched(draw):
    """An axis and two shapes that differ along another one, or in their rank."""
    axis, shapes = draw(joinable())
    first = shapes[0]
    other = draw(st.sampled_from([at for at in range(len(first)) if at != axis % len(first)]))
    longer = tuple(size + (at == other) for at, size in enumerate(first))
    return axis, [first, draw(st.sampled_from([longer, (*first, 1)]))]


@claim(
    SOUND,
    (TypeError, RuntimeError, "tensorflow.errors.InvalidArgumentError"),
    "test_never_broadcasts",
    answers=["3.R2"],
    examples=10,
)
@given(case=mismatched())
@example(case=(-1, [(2, 1, 4), (2, 3, 4)]))
@example(case=(-1, [(2, 3), (2, 3, 1)]))
@example(case=(-2, [(2, 4), (2, 4, 1)]))
def test_refuses_other_shapes(keras, case):
    """Inputs that differ along another axis, or in rank, are refused with a ValueError."""
    axis, shapes = case
    layer = keras.layers.Concatenate(axis=axis)
    with pytest.raises(ValueError, match="matching shapes"):
        apply(keras, layer, numbered(shapes))


@claim(answers=["3.R2"], examples=10)
@given(case=mismatched())
@example(case=(-1, [(2, 1, 4), (2, 3, 4)]))
@example(case=(-2, [(2, 4), (2, 4, 1)]))
def test_never_broadcasts(keras, case):
    """Inputs that differ along another axis, or in rank, are not joined, but refused: nothing is broadcast or padded.

    Before Keras 3.7 the layer overlooks an axis of length 1, and the backend refuses, with an error of its own.
    """
    axis, shapes = case
    layer = keras.layers.Concatenate(axis=axis)
    with pytest.raises(Exception, match=r"matching shapes|list assignment|[Rr]anks of|different numbers|number of dimensions"):
        apply(keras, layer, numbered(shapes))


@claim(["keras<3", "tf.keras<2.1"], pytest.fail.Exception, "test_an_unknown_length_fits_any", answers=["3.R2"])
def test_an_unknown_length_fits_no_other(keras):
    """Symbolic inputs, one of an unknown length, `None`, and one of a known length, are refused with a ValueError."""
    inputs = [input_layer(keras, (None, 4)), input_layer(keras, (2, 5))]
    with pytest.raises(ValueError, match="matching shapes"):
        keras.layers.concatenate(inputs, axis=-1)


@claim(["keras>=3", "tf.keras>=2.1"], ValueError, "test_an_unknown_length_fits_no_other", answers=["3.R2"])
def test_an_unknown_length_fits_any(keras):
    """Symbolic inputs, one of an unknown length, `None`, and one of a known length, are joined along another axis.

    Joined along this one, they are of an unknown length.
    """
    inputs = [input_layer(keras, (None, 4)), input_layer(keras, (2, 5))]
    assert static_shape(keras, keras.layers.concatenate(inputs, axis=-1))[2] == 9
    inputs = [input_layer(keras, (2, 4)), input_layer(keras, (None, 4))]
    assert static_shape(keras, keras.layers.concatenate(inputs, axis=1)) == [None, None, 4]


@claim(["keras<3", "tf.keras<2.5"], pytest.fail.Exception, "test_one_input_is_returned", answers=["3.R2"])
def test_one_input_is_refused(keras):
    """A list of a single input is refused with a ValueError: there is nothing to join."""
    layer = keras.layers.Concatenate()
    with pytest.raises(ValueError, match="at least 2"):
        apply(keras, layer, [np.ones((2, 3))])


@claim(["keras>=3", "tf.keras>=2.5"], ValueError, "test_one_input_is_refused", answers=["3.R2"])
def test_one_input_is_returned(keras):
    """A list of a single input gives this input."""
    assert apply(keras, keras.layers.Concatenate(), [np.ones((2, 3))]).tolist() == [[1] * 3] * 2


@claim(answers=["3.R2"])
def test_an_example(keras):
    """Example: two codes of 64 features, joined with `axis=-1`, are 128 features for each sample, side by side."""
    first, second = input_layer(keras, (64,)), input_layer(keras, (64,))
    model = keras.models.Model([first, second], keras.layers.concatenate([first, second], axis=-1))
    merged = model.predict([np.zeros((5, 64)), np.ones((5, 64))], verbose=0)
    assert merged.shape == (5, 128)
    assert merged[0].tolist() == [0] * 64 + [1] * 64
