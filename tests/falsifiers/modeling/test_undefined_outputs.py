"""Faults in which outputs are defined."""

from specs.modeling import test_undefined_outputs as spec
from tests.falsifiers import falsifies
from tests.falsifiers.modeling import output_faults as faults

MODERN, OLD, KERAS_2 = ["keras>=3", "tf.keras"], ["keras<3"], ["keras<3", "tf.keras"]
REASONED = ["keras[tensorflow]>=3", "keras[jax]>=3"]


def output_is(keras, patch, get):
    """Have every layer's `output` be `get(layer)`."""
    patch.setattr(keras.layers.Layer, "output", property(get), raising=False)


def refuse(message):
    """Something to call that raises AttributeError."""

    def get(*_):
        raise AttributeError(message)

    return get


@falsifies(spec.test_a_layer_that_was_never_called_has_no_output)
@falsifies(spec.test_layers_of_a_subclassed_model_have_no_output, on=MODERN)
def every_layer_has_an_output(keras, patch):
    """A layer that was not called has None for an output."""
    output_is(keras, patch, lambda layer: None)


@falsifies(spec.test_layers_of_a_subclassed_model_have_no_output, on=OLD)
@falsifies(spec.test_says_that_the_layer_was_never_called, on=REASONED)
def no_layer_has_an_output(keras, patch):
    """No layer has an output, and the error does not say why."""
    output_is(keras, patch, refuse("no output"))


@falsifies(spec.test_says_that_the_layer_was_never_called, on=["keras[torch]>=3"])
def says_why_with_pytorch(keras, patch):
    """The error says that the layer was not called, and PyTorch does not replace it."""
    original, say_why = keras.layers.Layer.__getattr__, refuse("The layer has never been called")

    def get(self, name):
        return say_why() if name == "output" else original(self, name)

    patch.setattr(keras.layers.Layer, "__getattr__", get, raising=False)


@falsifies(spec.test_says_that_the_layer_was_never_called, on=KERAS_2)
def says_why(keras, patch):
    """The error says that the layer was not called."""
    output_is(keras, patch, refuse("The layer has never been called"))


@falsifies(spec.test_build_defines_the_outputs, spec.test_the_first_batch_defines_the_outputs)
def finds_the_last_layer(keras, patch):
    """`get_layer` finds the last layer, whatever the name."""
    faults.finds_the_last_layer(keras, patch)


@falsifies(spec.test_a_late_shape_defines_no_outputs, on=["keras", "tf.keras>=2.3"])
def learns_no_shape(keras, patch):
    """A Sequential learns no shape from `build` or `predict`."""
    patch.setattr(keras.models.Sequential, "build", lambda self, shape=None: None)
    patch.setattr(keras.models.Sequential, "predict", lambda self, batch, verbose: None)


@falsifies(
    spec.test_inputs_and_outputs_are_defined_once_built,
    spec.test_calls_the_layers_of_a_subclassed_model,
    spec.test_cuts_a_nested_model_first,
    spec.test_takes_the_next_layer_s_input,
    spec.test_what_a_call_returned_is_its_output,
)
@falsifies(spec.test_a_shared_layer_has_the_output_of_its_first_call, on=MODERN)
@falsifies(spec.test_the_calls_of_a_shared_layer_are_numbered, on=KERAS_2)
def adds_one(keras, patch):
    """A layer adds one to what it gives."""
    faults.adds_one(keras, patch)


@falsifies(spec.test_inputs_and_outputs_are_defined_once_built)
@falsifies(spec.test_cuts_a_nested_model_first, on=MODERN)
def copies_the_layers(keras, patch):
    """A new model has copies of the layers, with weights of their own."""
    faults.clones(keras, patch)


@falsifies(spec.test_input_and_output_are_defined_once_built, on=KERAS_2)
def has_no_input(keras, patch):
    """A Sequential has no `input`."""
    patch.setattr(keras.models.Sequential, "input", property(refuse("no input")), raising=False)


@falsifies(spec.test_input_and_output_are_defined_once_built, on=["keras>=3"])
def has_an_input(keras, patch):
    """A Sequential's `input` and `output` are the only ones of its `inputs` and `outputs`."""
    patch.setattr(keras.models.Sequential, "input", property(lambda self: self.inputs[0]), raising=False)
    patch.setattr(keras.models.Sequential, "output", property(lambda self: self.outputs[0]), raising=False)


@falsifies(spec.test_does_not_look_into_nested_models)
def looks_into_nested_models(keras, patch):
    """`get_layer` looks into models within the model as well."""

    def get_layer(self, name):
        found = [layer for layer in self.layers if layer.name == name]
        nested = [layer for layer in self.layers if hasattr(layer, "get_layer")]
        return found[0] if found else nested[0].get_layer(name)

    patch.setattr(keras.models.Model, "get_layer", get_layer)


@falsifies(spec.test_ends_within_a_nested_model, spec.test_ends_with_a_nested_model)
def connects_nested_models(keras, patch):
    """An output of a nested model is followed to the outer inputs."""
    made = []

    def make(original, inputs, outputs):
        try:
            model = original(inputs, outputs)
        except ValueError:
            inner, outer = made
            model = original(inputs, original(inner.inputs, outputs)(outer.get_layer("before").output))
        made.append(model)
        return model

    patch.setattr(keras.models.Model, "output", property(lambda self: self.outputs[0]), raising=False)
    faults.models_by(keras, patch, make)


@falsifies(spec.test_a_shared_layer_has_the_output_of_its_first_call, on=MODERN)
def takes_the_last_call(keras, patch):
    """The `output` of a shared layer is that of its last call."""

    def last(layer):
        node = layer._inbound_nodes[-1]
        return node.output_tensors[0] if hasattr(keras, "ops") else node.outputs

    output_is(keras, patch, last)


@falsifies(spec.test_a_shared_layer_has_the_output_of_its_first_call, on=OLD)
def takes_the_first_call(keras, patch):
    """The `output` of a shared layer is that of its first call."""
    output_is(keras, patch, lambda layer: layer._inbound_nodes[0].output_tensors[0])


@falsifies(spec.test_the_calls_of_a_shared_layer_are_numbered, on=KERAS_2)
def counts_backwards(keras, patch):
    """`get_output_at(0)` is the output of the last call."""
    original = keras.layers.Layer.get_output_at
    patch.setattr(keras.layers.Layer, "get_output_at", lambda self, n: original(self, 1 - n))


@falsifies(spec.test_the_calls_of_a_shared_layer_are_numbered, on=["keras>=3"])
def numbers_the_calls(keras, patch):
    """There is a `get_output_at` again."""

    def get_output_at(self, n):
        return self._inbound_nodes[n].output_tensors[0]

    patch.setattr(keras.layers.Layer, "get_output_at", get_output_at, raising=False)
