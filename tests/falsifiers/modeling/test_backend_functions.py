"""Faults in functions of the backend."""

import contextlib
from types import SimpleNamespace

import numpy as np

from fixtures.stacks import as_array
from specs.modeling import test_backend_functions as spec
from tests.falsifiers import falsifies
from tests.falsifiers.modeling import output_faults as faults

KERAS_2, KERAS_3, OLD, MODERN = ["keras<3", "tf.keras"], ["keras>=3"], ["keras<3", "tf.keras<2"], ["keras>=3", "tf.keras>=2"]
LISTS_ONLY, ARRAYS_TOO = ["keras<2.3", "keras>=3"], ["keras>=2.3,<3", "tf.keras"]


@falsifies(spec.test_takes_a_list_and_gives_a_list, on=KERAS_2)
@falsifies(spec.test_keras_3_has_a_function_of_its_own, on=KERAS_3)
def gives_a_tuple(keras, patch):
    """The function gives a tuple."""

    def make(original, inputs, outputs):
        function = original(inputs, outputs)
        return lambda arrays: tuple(function(arrays))

    faults.functions_by(keras, patch, make)


@falsifies(spec.test_gives_as_many_outputs_as_were_named)
def turns_outputs_round(keras, patch):
    """The function gives its outputs in the opposite order."""

    def make(original, inputs, outputs):
        function = original(inputs, outputs)
        return lambda arrays: function(arrays)[::-1]

    faults.functions_by(keras, patch, make)


@falsifies(spec.test_takes_as_many_arrays_as_inputs_were_named)
def turns_inputs_round(keras, patch):
    """The function takes its arrays in the opposite order."""

    def make(original, inputs, outputs):
        function = original(inputs, outputs)
        return lambda arrays: function(arrays[::-1])

    faults.functions_by(keras, patch, make)


@falsifies(spec.test_needs_every_input_of_the_layer)
def keeps_errors_secret(keras, patch):
    """A function that lacks an input gives nothing."""

    def make(original, inputs, outputs):
        def function(arrays):
            with contextlib.suppress(Exception):
                return original(inputs, outputs)(arrays)

        return function

    faults.functions_by(keras, patch, make)


@falsifies(spec.test_gives_exactly_any_layer_s_output, spec.test_computes_with_the_weights_of_the_moment)
@falsifies(spec.test_takes_a_list_and_gives_a_list, on=KERAS_2)
@falsifies(spec.test_keras_3_has_a_function_of_its_own, on=KERAS_3)
@falsifies(spec.test_takes_an_array_without_a_list, on=ARRAYS_TOO)
def gives_the_inputs(keras, patch):
    """The function gives what it is given."""
    faults.functions_by(keras, patch, lambda original, inputs, outputs: lambda arrays: [np.array(array) for array in arrays])


@falsifies(spec.test_gives_exactly_any_layer_s_output, spec.test_gives_as_many_outputs_as_were_named)
@falsifies(spec.test_tensorflow_traces_a_cut_model, on=MODERN)
@falsifies(spec.test_a_tensorflow_session_computes_an_output, on=OLD)
@falsifies(spec.test_jax_compiles_a_cut_model, spec.test_torch_hooks_a_layer)
def adds_one(keras, patch):
    """A layer adds one to what it gives."""
    faults.adds_one(keras, patch)


@falsifies(spec.test_computes_with_the_weights_of_the_moment)
def keeps_the_weights(keras, patch):
    """The function keeps the weights that the model has when it is made."""

    def make(original, inputs, outputs):
        model = keras.models.Model(inputs, outputs)
        copy = faults.copy_of(model)
        copy.set_weights(model.get_weights())
        return lambda arrays: [copy.predict(arrays[0], verbose=0)]

    faults.functions_by(keras, patch, make)


@falsifies(spec.test_refuses_an_array_without_a_list, spec.test_takes_an_array_without_a_list, on=LISTS_ONLY)
def takes_an_array(keras, patch):
    """The function takes an array for a list of it."""

    def make(original, inputs, outputs):
        function = original(inputs, outputs)
        return lambda arrays: function([arrays] if isinstance(arrays, np.ndarray) else arrays)

    faults.functions_by(keras, patch, make)


@falsifies(spec.test_refuses_an_array_without_a_list, spec.test_takes_an_array_without_a_list, on=ARRAYS_TOO)
def refuses_an_array(keras, patch):
    """The function refuses an array that is in no list."""

    def make(original, inputs, outputs):
        def function(arrays):
            if not isinstance(arrays, list):
                raise TypeError("the inputs should be a list")
            return original(inputs, outputs)(arrays)

        return function

    faults.functions_by(keras, patch, make)


@falsifies(spec.test_takes_a_list_and_gives_a_list, on=KERAS_3)
def k_function_is_back(keras, patch):
    """There is a `K.function` again."""

    def function(inputs, outputs):
        return lambda arrays: [as_array(keras, output) for output in keras.Function(inputs, outputs)(arrays)]

    patch.setattr(keras.backend, "function", function, raising=False)


@falsifies(spec.test_keras_3_has_a_function_of_its_own, on=KERAS_2)
def has_a_function(keras, patch):
    """Keras 2 has the function of Keras 3."""
    patch.setattr(keras, "Function", keras.backend.function, raising=False)
    patch.setattr(keras, "ops", SimpleNamespace(convert_to_numpy=np.asarray), raising=False)


class Session:
    """A session that computes an output by a model of the input that is fed."""

    def __init__(self, keras):
        """Of this Keras."""
        self.keras = keras

    def run(self, output, fed):
        """The output for what is fed."""
        (tensor, batch), *_ = fed.items()
        return self.keras.models.Model(tensor, output).predict(batch, verbose=0)


@falsifies(spec.test_a_tensorflow_session_computes_an_output, on=MODERN)
def sessions_are_back(keras, patch):
    """There is a `K.get_session` again."""
    kind = type(keras.layers.Input((2,)))
    patch.setattr(kind, "__hash__", object.__hash__)
    patch.setattr(kind, "__eq__", object.__eq__)
    patch.setattr(keras.backend, "get_session", lambda: Session(keras), raising=False)


@falsifies(spec.test_tensorflow_traces_a_cut_model, on=OLD)
def traces_in_tensorflow_1(keras, patch):
    """TensorFlow 1 has the `tf.function` of TensorFlow 2."""
    import tensorflow as tf

    def traced(model):
        return lambda batch: SimpleNamespace(numpy=lambda: model.predict(keras.backend.get_session().run(batch)))

    patch.setattr(tf, "function", traced, raising=False)
