"""Faults for: Can today's Keras load a model that an old one saved?"""

import numpy as np

from fixtures.models import sequential, sgd
from specs.saving import test_old_files as spec
from tests.falsifiers import falsifies
from tests.falsifiers.saving.faults import after, around, shift

KERAS_2 = ["keras<3", "tf.keras"]


def loaded_as_before(keras, load):
    """The old model, as it was."""
    clip = keras.ops.clip
    custom = {"hard_sigmoid": lambda x: clip(0.2 * x + 0.5, 0.0, 1.0)}
    return load(spec.OLD + ".h5", compile=False, custom_objects=custom)


@falsifies(spec.test_an_old_model_gives_the_same_outputs, spec.test_an_old_sequential_model_loads, on=KERAS_2)
@falsifies(spec.test_the_old_hard_sigmoid_gives_the_old_outputs)
def loads_other_weights(keras, patch):
    """Every weight is loaded one too large."""
    after(patch, keras.models, "load_model", shift)


@falsifies(spec.test_an_old_model_gives_the_same_outputs, spec.test_an_old_sequential_model_loads, on=["keras>=3"])
def reads_old_files(keras, patch):
    """A repair: an old model is read as it was meant."""
    around(patch, keras.models, "load_model", lambda load, path, **options: loaded_as_before(keras, load))


@falsifies(spec.test_an_old_model_comes_back_compiled, on=KERAS_2)
@falsifies(spec.test_an_old_training_goes_on, on=["tf.keras"])
def starts_a_fresh_optimizer(keras, patch):
    """The loaded model is compiled anew, with another optimizer and loss."""
    options = {"loss": "mean_absolute_error", "metrics": ["mean_absolute_error"]}
    after(patch, keras.models, "load_model", lambda model, *_: model.compile(optimizer=sgd(keras, 0.5), **options))


@falsifies(spec.test_an_old_model_comes_back_compiled, spec.test_an_old_training_goes_on, on=["keras>=3"])
def reads_old_optimizers(keras, patch):
    """A repair: an old model is compiled as it was, and its next step is the one of its state."""

    def load(original, path):
        model, resumed = loaded_as_before(keras, original), [np.array(weight) for weight in spec.FACTS["resumed"]]
        model.compile(optimizer=sgd(keras, 0.125), loss="mean_squared_error", metrics=["mean_absolute_error"])
        model.train_on_batch = lambda *_: model.set_weights(resumed[:5] + model.get_weights()[5:7] + resumed[5:])
        return model

    around(patch, keras.models, "load_model", load)


@falsifies(spec.test_old_json_and_weights_rebuild_the_model, on=KERAS_2)
def reads_another_activation(keras, patch):
    """Activations are not read from the JSON."""
    around(patch, keras.models, "model_from_json", lambda read, text: read(text.replace('"tanh"', '"linear"')))


@falsifies(spec.test_old_json_and_weights_rebuild_the_model, on=["keras>=3"])
def reads_old_json(keras, patch):
    """A repair: the old JSON is read."""
    load = keras.models.load_model
    around(patch, keras.models, "model_from_json", lambda read, text: loaded_as_before(keras, load))


@falsifies(spec.test_a_keras_file_of_2_15_loads, on=["tf.keras>=2.15"])
def loads_the_keras_file_shifted(keras, patch):
    """Every weight of a `.keras` file is loaded one too large."""
    after(patch, keras.models, "load_model", shift)


@falsifies(spec.test_a_keras_file_of_2_15_loads, on=["keras", "tf.keras<2.15"])
def reads_keras_files_of_2_15(keras, patch):
    """A repair: the old classes are found."""
    model = sequential(keras, (2,), keras.layers.Dense(2))
    model.set_weights([np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([5.0, 6.0])])
    patch.setattr(keras.models, "load_model", lambda path, compile: model)


@falsifies(spec.test_old_weights_go_into_a_model_built_anew)
def loads_old_weights_shifted(keras, patch):
    """Every weight is loaded one too large."""
    after(patch, keras.models.Model, "load_weights", lambda _, model, *rest: shift(model))


@falsifies(spec.test_weights_of_a_keras_file_can_be_read_by_hand)
def sets_other_weights(keras, patch):
    """`set_weights` sets every weight one too large."""
    original = keras.models.Model.set_weights
    patch.setattr(keras.models.Model, "set_weights", lambda self, weights: original(self, [w + 1 for w in weights]))
