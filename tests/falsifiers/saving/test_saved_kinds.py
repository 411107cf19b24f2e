"""Faults in what comes back from a file."""

import numpy as np

from specs.saving import test_saved_kinds as spec
from tests.falsifiers import falsifies

OF_ANY_KERAS = [spec.test_training_of_many_layers_goes_on, spec.test_losses_by_the_names_of_outputs_come_back]


@falsifies(*OF_ANY_KERAS)
@falsifies(spec.test_weights_come_back_in_their_own_type, on=spec.FLOAT64)
@falsifies(spec.test_outputs_in_a_dictionary_come_back, on=spec.DICTIONARIES)
@falsifies(spec.test_a_way_back_of_its_own_comes_back, on=spec.OWN_WAY_BACK)
@falsifies(spec.test_a_bidirectional_layer_comes_back, on=spec.BOTH_WAYS)
def loads_other_weights(keras, patch):
    """The weights of a model that is loaded are twice as large."""
    usual = keras.models.load_model

    def load_model(*args, **options):
        model = usual(*args, **options)
        model.set_weights([2 * np.array(weight) for weight in model.get_weights()])
        return model

    patch.setattr(keras.models, "load_model", load_model)


@falsifies(spec.test_private_layers_are_saved, spec.test_layers_in_a_list_are_saved, on=["keras>=3", "tf.keras"])
@falsifies(spec.test_private_layers_are_not_saved, spec.test_layers_in_a_list_are_not_saved, on=["keras>=3", "tf.keras"])
def loads_nothing(keras, patch):
    """`load_weights` loads nothing."""
    patch.setattr(keras.models.Model, "load_weights", lambda self, path: None)


@falsifies(spec.test_an_adapted_normalization_comes_back, on=spec.NORMALIZATIONS)
@falsifies(spec.test_an_adapted_normalization_comes_back_without_effect, on=spec.NORMALIZATIONS)
def normalizes_nothing(keras, patch):
    """A normalization passes its inputs on."""
    patch.setattr(keras.layers.Normalization, "call", lambda self, inputs: inputs)


@falsifies(spec.test_there_is_no_normalization, on=["keras>=3", "tf.keras>=2.6"])
def loses_its_normalization(keras, patch):
    """There is no `Normalization`."""
    patch.delattr(keras.layers, "Normalization")


@falsifies(spec.test_no_layer_is_in_float64_alone, on=spec.FLOAT64)
def refuses_float64(keras, patch):
    """An `Embedding` is refused in float64."""

    def embedding(*sizes, **options):
        raise ValueError("no float64")

    patch.setattr(keras.layers, "Embedding", embedding)


@falsifies(spec.test_outputs_in_a_dictionary_are_refused, on=spec.DICTIONARIES)
def refuses_dictionaries(keras, patch):
    """Outputs of a model may be no dictionary."""

    def model(inputs, outputs):
        raise ValueError("Output tensors to a Model must be of a layer")

    patch.setattr(keras.models, "Model", model)


@falsifies(spec.test_outputs_in_a_dictionary_become_a_list, on=spec.DICTIONARIES)
def sorts_dictionaries(keras, patch):
    """Outputs in a dictionary are a list in the order of their names."""
    usual = keras.models.Model
    patch.setattr(keras.models, "Model", lambda inputs, outputs: usual(inputs, [outputs[name] for name in sorted(outputs)]))


@falsifies(spec.test_private_layers_are_saved, spec.test_layers_in_a_list_are_saved, on=["keras<3"])
@falsifies(spec.test_private_layers_are_not_saved, spec.test_layers_in_a_list_are_not_saved, on=["keras<3"])
def predicts_the_same(keras, patch):
    """A model's predictions are the same from the third on."""
    usual, counted = keras.models.Model.predict_on_batch, []

    def predict_on_batch(self, inputs):
        counted.append(usual(self, inputs))
        return counted[-1] if len(counted) < 3 else counted[0]

    patch.setattr(keras.models.Model, "predict_on_batch", predict_on_batch)


@falsifies(spec.test_a_way_back_of_its_own_comes_back, on=spec.OWN_WAY_BACK)
def forgets_the_way_back(keras, patch):
    """The configuration of a `Bidirectional` is without its way back."""
    usual = keras.layers.Bidirectional.get_config

    def get_config(self):
        return {name: value for name, value in usual(self).items() if name != "backward_layer"}

    patch.setattr(keras.layers.Bidirectional, "get_config", get_config)


@falsifies(spec.test_the_way_back_is_as_the_way_there, on=spec.OWN_WAY_BACK)
def refuses_a_way_back(keras, patch):
    """`Bidirectional` takes no way back."""

    def bidirectional(layer, **options):
        raise TypeError(f"unexpected arguments: {', '.join(options)}")

    patch.setattr(keras.layers, "Bidirectional", bidirectional)


@falsifies(spec.test_the_way_back_is_as_the_way_there, on=["keras<3"])
def ignores_the_way_back(keras, patch):
    """`Bidirectional` takes a way back and makes another."""
    usual = keras.layers.Bidirectional
    patch.setattr(keras.layers, "Bidirectional", lambda layer, backward_layer: usual(layer))


@falsifies(spec.test_a_bidirectional_layer_cannot_be_loaded, on=spec.BOTH_WAYS)
def loses_weights(keras, patch):
    """No model can be loaded, as weights are missing."""

    def load_model(path):
        raise ValueError("expected 3 variables, but received 0 variables")

    patch.setattr(keras.models, "load_model", load_model)
