"""Faults in what becomes of a model that was used before a layer is removed."""

import numpy as np

from fixtures.models import sgd
from specs.modeling import test_using_shortened_models as spec
from tests.falsifiers import falsifies
from tests.falsifiers.modeling import output_faults as faults

TENSORFLOW_3, JAX, TORCH = "keras[tensorflow]>=3", "keras[jax]>=3", "keras[torch]>=3"


@falsifies(spec.test_needs_no_compile_before_the_first_use, spec.test_compile_puts_the_removal_into_effect)
@falsifies(
    spec.test_predict_notices_the_removal,
    spec.test_predict_goes_on_with_the_removed_layer,
    on=[JAX, TORCH, "tf.keras<2.2"],
)
@falsifies(
    spec.test_predict_notices_a_removed_activation,
    spec.test_predict_goes_on_with_a_removed_activation,
    on=[TORCH, "tf.keras<2.2"],
)
@falsifies(
    spec.test_evaluation_notices_a_removed_activation,
    spec.test_evaluation_goes_on_with_a_removed_activation,
    spec.test_training_notices_a_removed_activation,
    spec.test_training_goes_on_with_a_removed_activation,
    on=[TORCH, "keras<3", "tf.keras<2.2"],
)
@falsifies(spec.test_trains_the_removed_layer_on, on=[JAX, TORCH, "keras<3", "tf.keras<2.2"])
def removes_nothing(keras, patch):
    """What is removed is computed and trained on."""
    faults.pops_nothing(keras, patch)


@falsifies(
    spec.test_predict_notices_the_removal,
    spec.test_predict_goes_on_with_the_removed_layer,
    on=[TENSORFLOW_3, "keras<3", "tf.keras>=2.2"],
)
@falsifies(
    spec.test_predict_notices_a_removed_activation,
    spec.test_predict_goes_on_with_a_removed_activation,
    on=[TENSORFLOW_3, JAX, "keras<3", "tf.keras>=2.2"],
)
@falsifies(
    spec.test_evaluation_notices_a_removed_activation,
    spec.test_evaluation_goes_on_with_a_removed_activation,
    spec.test_training_notices_a_removed_activation,
    spec.test_training_goes_on_with_a_removed_activation,
    on=[TENSORFLOW_3, JAX, "tf.keras>=2.3"],
)
def forgets_functions(keras, patch):
    """`pop` makes the model's next use notice that a layer is gone."""
    faults.forgets_functions(keras, patch)


def compiles(keras, patch):
    """`pop` compiles the model anew, if it was compiled."""

    def react(model, layer, returned):
        model.compile(optimizer=sgd(keras, spec.RATE), loss="mse")
        return returned

    faults.after_pop(keras, patch, react)


@falsifies(spec.test_jax_refuses_to_train_on, on=[JAX])
@falsifies(spec.test_trains_the_removed_layer_on, on=[TENSORFLOW_3, "tf.keras>=2.3"])
def pop_compiles(keras, patch):
    """`pop` compiles the model anew."""
    compiles(keras, patch)


@falsifies(spec.test_jax_refuses_to_train_on, on=[TENSORFLOW_3, TORCH, "keras<3", "tf.keras"])
def refuses_to_train_on(keras, patch):
    """A model that lost a layer refuses to be trained."""

    def train_on_batch(self, *data):
        raise ValueError("Argument `optimizer_variables` must be a list of tensors")

    def react(model, layer, returned):
        patch.setattr(keras.models.Model, "train_on_batch", train_on_batch)
        patch.setattr(keras.models.Sequential, "train_on_batch", train_on_batch)

    faults.after_pop(keras, patch, react)


@falsifies(spec.test_undoes_compile, on=["keras", "tf.keras<2.2", "tf.keras>=2.3"])
def pop_undoes_compile(keras, patch):
    """A model that lost a layer counts as not compiled."""

    def refuse(self, *data, **options):
        raise RuntimeError("You must compile your model before training/testing.")

    def react(model, layer, returned):
        for kind in (keras.models.Model, keras.models.Sequential):
            patch.setattr(kind, "evaluate", refuse)
            patch.setattr(kind, "train_on_batch", refuse)

    faults.after_pop(keras, patch, react)


def after_compile(keras, patch, react):
    """Have `compile` done, then `react(model)`."""
    original = keras.models.Model.compile

    def compile_and_react(self, *arguments, **options):
        original(self, *arguments, **options)
        react(self)

    for kind in (keras.models.Model, keras.models.Sequential):
        patch.setattr(kind, "compile", compile_and_react)


@falsifies(spec.test_compile_keeps_the_weights, spec.test_compile_puts_the_removal_into_effect)
def compile_clears_the_weights(keras, patch):
    """`compile` makes every weight zero."""
    after_compile(keras, patch, lambda model: model.set_weights([np.zeros_like(weight) for weight in model.get_weights()]))


@falsifies(spec.test_compiles_for_a_new_head)
def learns_nothing(keras, patch):
    """`compile` makes a model that does not learn."""
    original = keras.models.Model.compile

    def compile_without_a_rate(self, optimizer, loss):
        original(self, optimizer=sgd(keras, 0.0), loss=loss)

    for kind in (keras.models.Model, keras.models.Sequential):
        patch.setattr(kind, "compile", compile_without_a_rate)
