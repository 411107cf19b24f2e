"""Faults in joining."""

from specs.modeling import test_concatenate as spec
from tests.falsifiers import falsifies

KNOWN_ONLY, FITS_ANY = ["keras<3", "tf.keras<2.1"], ["keras>=3", "tf.keras>=2.1"]
NEEDS_TWO, TAKES_ONE = ["keras<3", "tf.keras<2.5"], ["keras>=3", "tf.keras>=2.5"]


def inputs_become(keras, patch, change):
    """`Concatenate` joins what `change` makes of the list that it is given."""
    original = keras.layers.Concatenate.__call__

    def call(self, inputs, **options):
        return original(self, change(list(inputs)), **options)

    patch.setattr(keras.layers.Concatenate, "__call__", call)


def answer_becomes(keras, patch, answer):
    """`Concatenate` gives what `answer` makes of the list that it is given, without a look at it."""
    patch.setattr(keras.layers.Concatenate, "__call__", lambda self, inputs, **options: answer(inputs))


def axis_becomes(keras, patch, change):
    """`Concatenate` joins along the axis that `change` makes of the one that it is given; None where none is given."""
    original = keras.layers.Concatenate.__init__

    def init(self, axis=None, **options):
        original(self, axis=change(axis), **options)

    patch.setattr(keras.layers.Concatenate, "__init__", init)


@falsifies(
    spec.test_joins_like_numpy,
    spec.test_only_that_axis_grows,
    spec.test_order_matters,
    spec.test_joins_along_the_last_axis_by_default,
)
def joins_backwards(keras, patch):
    """The inputs are joined from the last to the first."""
    inputs_become(keras, patch, lambda inputs: inputs[::-1])


@falsifies(spec.test_joins_like_numpy, spec.test_only_that_axis_grows, spec.test_symbolic_shapes_add_up)
def joins_the_first_two(keras, patch):
    """Only the first two inputs are joined."""
    inputs_become(keras, patch, lambda inputs: inputs[:2])


@falsifies(spec.test_symbolic_shapes_add_up, spec.test_joins_like_numpy)
@falsifies(spec.test_an_unknown_length_fits_any, on=FITS_ANY)
def joins_the_first_twice(keras, patch):
    """The first input is joined twice."""
    inputs_become(keras, patch, lambda inputs: inputs[:1] + inputs)


@falsifies(spec.test_an_example)
def the_function_joins_backwards(keras, patch):
    """`concatenate` joins from the last to the first."""
    original = keras.layers.concatenate
    patch.setattr(keras.layers, "concatenate", lambda inputs, **options: original(inputs[::-1], **options))


@falsifies(spec.test_negative_axes_count_from_the_end)
def negative_axes_are_off_by_one(keras, patch):
    """Negative axes are counted from the last but one."""
    axis_becomes(keras, patch, lambda axis: -1 if axis is None else axis + 1 if axis < -1 else axis)


@falsifies(spec.test_joins_along_the_last_axis_by_default)
def the_default_axis_is_1(keras, patch):
    """The default axis is 1, the first after the batch."""
    axis_becomes(keras, patch, lambda axis: 1 if axis is None else axis)


@falsifies(spec.test_refuses_other_shapes, spec.test_never_broadcasts)
@falsifies(spec.test_an_unknown_length_fits_no_other, on=KNOWN_ONLY)
@falsifies(spec.test_one_input_is_refused, spec.test_one_input_is_returned, on=NEEDS_TWO)
def takes_anything(keras, patch):
    """What does not fit is left out without a word."""
    answer_becomes(keras, patch, lambda inputs: inputs[0])


@falsifies(spec.test_an_unknown_length_fits_any, on=KNOWN_ONLY)
def takes_unknown_lengths(keras, patch):
    """An unknown length fits any other."""
    answer_becomes(keras, patch, lambda inputs: keras.layers.Input((None, 9)))


@falsifies(spec.test_an_unknown_length_fits_no_other, spec.test_an_unknown_length_fits_any, on=FITS_ANY)
def refuses_unknown_lengths(keras, patch):
    """An unknown length fits no other."""

    def refuse(inputs):
        raise ValueError("needs matching shapes")

    answer_becomes(keras, patch, refuse)


@falsifies(spec.test_one_input_is_refused, spec.test_one_input_is_returned, on=TAKES_ONE)
def refuses_a_single_input(keras, patch):
    """At least two inputs are asked for."""

    def refuse(inputs):
        raise ValueError("at least 2 inputs")

    answer_becomes(keras, patch, refuse)


@falsifies(spec.test_an_axis_of_length_1_is_in_the_way, on=["keras<3", "keras>=3.7", "tf.keras"])
def knows_one_spelling_of_an_axis(keras, patch):
    """Of three axes the last but one is not -2, and the last not 2."""
    original = keras.layers.Concatenate.__call__

    def call(self, inputs, **options):
        if self.axis in (2, -2):
            raise ValueError("needs matching shapes")
        return original(self, inputs, **options)

    patch.setattr(keras.layers.Concatenate, "__call__", call)
