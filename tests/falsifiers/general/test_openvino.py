"""Faults in Keras on OpenVINO."""

import numpy as np

from specs.general import test_openvino as spec
from tests.falsifiers import falsifies

ON = ["keras[openvino]"]


@falsifies(spec.test_training_is_refused, on=ON)
def trains_in_silence(keras, patch):
    """`fit` does nothing and says nothing."""
    patch.setattr(keras.models.Model, "fit", lambda *args, **options: None)


@falsifies(spec.test_predictions_stay_with_the_first_weights, on=ON)
def new_weights_are_compiled(keras, patch):
    """`set_weights` lets `predict` compile again."""
    original = keras.models.Model.set_weights

    def set_weights(self, weights):
        original(self, weights)
        self.ov_compiled_model = None

    patch.setattr(keras.models.Model, "set_weights", set_weights)


@falsifies(spec.test_predicts_in_bfloat16_where_the_processor_has_it, on=ON)
def predicts_in_less(keras, patch):
    """`predict` rounds to sixteenths."""
    patch.setattr(keras.models.Model, "predict", lambda self, x, **options: np.round(x * 16) / 16)


@falsifies(spec.test_no_state_is_carried, on=ON)
def a_state_is_carried(keras, patch):
    """Each call of `predict` goes on from where the last one ended."""
    original, calls = keras.models.Model.predict, []

    def predict(self, x, **options):
        calls.append(x)
        return original(self, x, **options) * len(calls)

    patch.setattr(keras.models.Model, "predict", predict)


@falsifies(spec.test_the_first_draw_comes_twice, on=ON)
def the_second_call_draws_anew(keras, patch):
    """Each call draws from a seed that was never used."""
    original, calls = keras.layers.Dropout.call, []

    def call(self, inputs, training=False):
        calls.append(inputs)
        self.seed_generator.state.assign([len(calls), 7])
        return original(self, inputs, training=training)

    patch.setattr(keras.layers.Dropout, "call", call)
