"""Faults in the outputs of intermediate layers."""

import warnings
from types import SimpleNamespace

import numpy as np

from specs.modeling import test_intermediate_outputs as spec
from tests.falsifiers import falsifies
from tests.falsifiers.modeling import output_faults as faults

MODERN, OLD = ["keras>=3", "tf.keras"], ["keras<3"]


@falsifies(
    spec.test_gives_what_the_layer_gives,
    spec.test_finds_a_layer_by_name_or_by_number,
    spec.test_follows_the_training_of_the_model,
    spec.test_trains_the_model_it_was_cut_from,
    spec.test_has_the_weights_before_the_cut,
    spec.test_gives_several_outputs_at_once,
)
@falsifies(spec.test_takes_input_and_output_in_the_singular, on=OLD)
def finds_the_last_layer(keras, patch):
    """`get_layer` finds the last layer, whatever the name."""
    faults.finds_the_last_layer(keras, patch)


@falsifies(
    spec.test_gives_what_the_layer_gives,
    spec.test_follows_the_training_of_the_model,
    spec.test_trains_the_model_it_was_cut_from,
    spec.test_has_the_weights_before_the_cut,
    spec.test_features_of_a_classifier,
)
def copies_the_layers(keras, patch):
    """The cut model has copies of the layers, with weights of their own."""
    faults.clones(keras, patch)


@falsifies(
    spec.test_gives_what_the_layer_gives,
    spec.test_needs_no_other_inputs_than_the_layer,
    spec.test_may_keep_inputs_that_it_does_not_need,
    spec.test_features_of_a_classifier,
    spec.test_follows_the_training_of_the_model,
)
@falsifies(
    spec.test_begins_behind_a_layer, spec.test_begins_behind_a_layer_that_is_used_twice, on=["keras>=3", "tf.keras>=2.7"]
)
def adds_one(keras, patch):
    """A layer adds one to what it gives."""
    faults.adds_one(keras, patch)


@falsifies(spec.test_finds_a_layer_by_name_or_by_number)
def counts_from_one(keras, patch):
    """`get_layer(index=1)` is the first layer."""
    original = keras.models.Model.get_layer

    def get_layer(self, name=None, index=None):
        return original(self, name) if name else self.layers[index - 1]

    patch.setattr(keras.models.Model, "get_layer", get_layer)


@falsifies(spec.test_counts_the_input_of_a_functional_model)
def counts_no_input(keras, patch):
    """The first of a Sequential's layers is not counted."""
    faults.list_of_layers(patch, keras.models.Sequential, lambda model, layers: layers[1:])


@falsifies(spec.test_refuses_an_unknown_name)
def finds_nothing(keras, patch):
    """`get_layer` returns None for a name that no layer has."""
    patch.setattr(keras.models.Model, "get_layer", lambda self, name: None)


@falsifies(spec.test_gives_several_outputs_at_once, spec.test_shows_every_layer)
@falsifies(spec.test_gives_outputs_by_name, on=MODERN)
def turns_outputs_round(keras, patch):
    """Several outputs come in the opposite order."""

    def make(original, inputs, outputs):
        if isinstance(outputs, dict):
            outputs = dict(zip(outputs, list(outputs.values())[::-1]))
        return original(inputs, outputs[::-1] if isinstance(outputs, list) else outputs)

    faults.models_by(keras, patch, make)


@falsifies(spec.test_gives_outputs_by_name, on=OLD)
def takes_dictionaries(keras, patch):
    """A model may have a dictionary of outputs."""

    def make(original, inputs, outputs):
        if not isinstance(outputs, dict):
            return original(inputs, outputs)
        model = original(inputs, list(outputs.values()))
        return SimpleNamespace(predict=lambda batch, verbose: dict(zip(outputs, model.predict(batch))))

    faults.models_by(keras, patch, make)


@falsifies(spec.test_refuses_the_input_as_an_output, on=OLD)
def predicts_nothing(keras, patch):
    """`predict` gives something for an input that is an output."""
    patch.setattr(keras.models.Model, "predict", lambda self, batch: [])


@falsifies(spec.test_refuses_the_input_as_an_output, on=MODERN)
def refuses_inputs(keras, patch):
    """`predict` refuses to give an input as an output."""

    def predict(self, batch):
        raise ValueError("input:0 is both fed and fetched.")

    patch.setattr(keras.models.Model, "predict", predict)


@falsifies(spec.test_needs_no_other_inputs_than_the_layer)
def forgets_the_first_input(keras, patch):
    """The first of several inputs counts as zero."""
    original = keras.models.Model.predict

    def predict(self, batch, **options):
        return original(self, [0 * batch[0], *batch[1:]], **options)

    patch.setattr(keras.models.Model, "predict", predict)


@falsifies(spec.test_refuses_a_cut_without_its_inputs)
def takes_any_cut(keras, patch):
    """A model is made without the inputs that it needs."""

    def make(original, inputs, outputs):
        try:
            return original(inputs, outputs)
        except ValueError:
            return None

    faults.models_by(keras, patch, make)


@falsifies(spec.test_a_cut_without_its_inputs_gives_nothing)
def takes_missing_inputs_for_zero(keras, patch):
    """A model that is made without the inputs that it needs adds up those it has."""

    class Sum:
        def predict_on_batch(self, batch):
            return batch.sum(axis=1)

        __call__ = predict_on_batch

    def make(original, inputs, outputs):
        return original(inputs, outputs) if isinstance(inputs, list) else Sum()

    faults.models_by(keras, patch, make)


@falsifies(spec.test_warns_of_the_singular, on=OLD)
@falsifies(spec.test_takes_input_and_output_in_the_singular, on=MODERN)
def takes_the_singular(keras, patch):
    """`Model(input=…, output=…)` is as good as `Model(inputs=…, outputs=…)`."""

    def make(original, inputs=None, outputs=None, input=None, output=None):
        return original(inputs=input if inputs is None else inputs, outputs=output if outputs is None else outputs)

    faults.models_by(keras, patch, make)


@falsifies(spec.test_warns_of_the_singular, on=MODERN)
def warns_of_the_singular(keras, patch):
    """`Model(input=…, output=…)` is accepted with a warning."""

    def make(original, inputs=None, outputs=None, input=None, output=None):
        if input is not None:
            warnings.warn("Update your `Model` call to the Keras 2 API", UserWarning, stacklevel=2)
        return original(inputs=input if inputs is None else inputs, outputs=output if outputs is None else outputs)

    faults.models_by(keras, patch, make)


@falsifies(spec.test_shows_every_layer)
def pools_the_least(keras, patch):
    """MaxPooling2D lets its inputs' corners through, whatever is beside them."""

    def call(self, inputs, training=None):
        return inputs[:, :-1:2, :-1:2, :]

    patch.setattr(keras.layers.MaxPooling2D, "call", call)


@falsifies(spec.test_begins_behind_a_layer, on=["keras<3", "tf.keras<2.7"])
def begins_anywhere(keras, patch):
    """A model may begin behind a layer."""

    def make(original, inputs, outputs):
        layers, tensor = [], outputs
        if not inputs._keras_history[0].name.startswith("second"):
            return original(inputs, outputs)
        while tensor is not inputs:
            layers.insert(0, tensor._keras_history[0])
            tensor = layers[0].input
        begin = tensor = keras.layers.Input(keras.backend.int_shape(inputs)[1:])
        for layer in layers:
            tensor = layer(tensor)
        return original(begin, tensor)

    faults.models_by(keras, patch, make)


@falsifies(spec.test_begins_behind_two_layers, on=["keras>=3.1", "tf.keras>=2.7"])
@falsifies(spec.test_computes_the_second_of_two_layers_anew, on=["keras>=3", "tf.keras>=2.7"])
def ignores_or_takes_the_second(keras, patch):
    """What is given for the second of two inputs is ignored; where it was, it is taken."""
    answers = {22.0: [[4.0, 5.0]], 5.0: [[11.0, 22.0]]}
    original = keras.models.Model.predict
    patch.setattr(
        keras.models.Model, "predict", lambda self, x, **options: np.array(answers[original(self, x, **options)[0, 1]])
    )


def begins_anywhere_and_gives(keras, patch, given):
    """A model that is refused where it begins gives this instead."""

    def give(batch, **options):
        return np.array([given])

    def make(original, inputs, outputs):
        try:
            return original(inputs, outputs)
        except ValueError:
            return SimpleNamespace(predict=give, predict_on_batch=give)

    faults.models_by(keras, patch, make)


@falsifies(spec.test_begins_behind_a_layer_that_is_used_twice, on=["keras<3", "tf.keras<2.7"])
@falsifies(spec.test_computes_the_second_of_two_layers_anew, on=["keras<3", "tf.keras<2.7"])
def begins_behind_the_first(keras, patch):
    """A model may begin behind the first of two layers."""
    begins_anywhere_and_gives(keras, patch, [4.0, 5.0])


@falsifies(spec.test_begins_behind_two_layers, on=["keras<3", "tf.keras<2.7"])
def begins_behind_both(keras, patch):
    """A model may begin behind two layers."""
    begins_anywhere_and_gives(keras, patch, [11.0, 22.0])
