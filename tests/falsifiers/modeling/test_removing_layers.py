"""Faults in removing layers."""

import numpy as np

from fixtures.models import sequential
from specs.modeling import test_removing_layers as spec
from tests.falsifiers import falsifies
from tests.falsifiers.modeling import output_faults as faults

SHAPED, SHAPELESS = ["keras", "tf.keras>=2.3"], ["tf.keras<2.3"]  # by `build`
KERAS_2, KERAS_3, OLD, MODERN = ["keras<3", "tf.keras"], ["keras>=3"], ["keras<3"], ["keras>=3", "tf.keras"]


@falsifies(
    spec.test_two_layers_less_one,
    spec.test_removes_the_last_layers,
    spec.test_gives_what_the_last_remaining_layer_gives,
    spec.test_keeps_the_weights_of_the_others,
    spec.test_the_output_changes_shape_with_the_layers,
    spec.test_saves_the_shorter_model,
    spec.test_shortens_a_model_that_is_not_built,
    spec.test_removes_every_layer,
)
@falsifies(spec.test_leaves_the_input_that_it_began_with, on=MODERN)
@falsifies(spec.test_keeps_the_shape_that_it_was_built_with, on=SHAPED)
@falsifies(spec.test_removes_the_only_layer, on=KERAS_2)
@falsifies(spec.test_fails_after_removing_the_only_layer, spec.test_returns_the_layer, on=KERAS_3)
def pops_nothing(keras, patch):
    """`pop` removes nothing."""
    faults.pops_nothing(keras, patch)


@falsifies(spec.test_leaves_the_input_that_it_began_with, on=OLD)
def takes_the_layer_of_an_input(keras, patch):
    """A Sequential takes an input for the layer that it comes from."""
    original = keras.models.Sequential.add

    def add(self, layer):
        return original(self, getattr(layer, "_keras_history", [layer])[0])

    patch.setattr(keras.models.Sequential, "add", add)


@falsifies(
    spec.test_removes_the_last_layers,
    spec.test_gives_what_the_last_remaining_layer_gives,
    spec.test_keeps_the_weights_of_the_others,
    spec.test_the_output_changes_shape_with_the_layers,
)
def pops_only_once(keras, patch):
    """`pop` removes a layer of a model once."""
    original, popped = keras.models.Sequential.pop, set()

    def pop(self):
        if id(self) not in popped:
            popped.add(id(self))
            return original(self)
        return None

    patch.setattr(keras.models.Sequential, "pop", pop)


@falsifies(
    spec.test_gives_what_the_last_remaining_layer_gives,
    spec.test_keeps_the_weights_of_the_others,
    spec.test_takes_the_layers_back_with_their_weights,
    spec.test_adds_a_new_layer_instead,
)
def pop_changes_the_others(keras, patch):
    """`pop` gives the layers that remain other weights."""

    def react(model, layer, returned):
        model.set_weights([weight + 1 for weight in model.get_weights()])
        return returned

    faults.after_pop(keras, patch, react)


@falsifies(spec.test_takes_the_layers_back_with_their_weights, spec.test_leaves_the_removed_layer_usable)
def pop_clears_the_layer(keras, patch):
    """`pop` takes the layer's weights away."""

    def react(model, layer, returned):
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])
        return returned

    faults.after_pop(keras, patch, react)


@falsifies(spec.test_takes_the_layers_back_with_their_weights, spec.test_adds_a_new_layer_instead)
def add_clears_the_layer(keras, patch):
    """`add` gives a layer that has weights new ones."""
    original = keras.models.Sequential.add

    def add(self, layer):
        original(self, layer)
        layer.set_weights([np.zeros_like(weight) for weight in layer.get_weights()])

    patch.setattr(keras.models.Sequential, "add", add)


@falsifies(
    spec.test_two_layers_less_one,
    spec.test_the_output_changes_shape_with_the_layers,
    spec.test_gives_what_the_last_remaining_layer_gives,
)
@falsifies(spec.test_an_emptied_model_starts_anew, on=KERAS_3)
@falsifies(spec.test_forgets_the_output_shape_of_an_emptied_model, on=KERAS_3)
def keeps_the_output_shape(keras, patch):
    """A model keeps the shape of output that it had first."""
    original, shapes = keras.models.Sequential.pop, {}

    def pop(self):
        shapes.setdefault(id(self), self.output_shape)
        return original(self)

    shape = keras.models.Sequential.output_shape.fget
    patch.setattr(keras.models.Sequential, "pop", pop)
    patch.setattr(
        keras.models.Sequential, "output_shape", property(lambda self: shapes[id(self)] if id(self) in shapes else shape(self))
    )


@falsifies(spec.test_forgets_the_output_shape_of_an_emptied_model, spec.test_an_emptied_model_starts_anew, on=KERAS_2)
def knows_the_output_shape(keras, patch):
    """A model that was emptied knows the shape of the layer that was added."""
    patch.setattr(keras.models.Sequential, "output_shape", property(lambda self: (None, self.layers[-1].units)))


@falsifies(spec.test_an_emptied_model_takes_no_layer, on=["keras", "tf.keras>=2.3"])
def takes_no_layer(keras, patch):
    """Once a model was emptied, `add` fails."""

    def add(self, layer):
        raise AttributeError("'NoneType' object has no attribute 'op'")

    def react(model, layer, returned):
        if not model.layers:
            patch.setattr(keras.models.Sequential, "add", add)
        return returned

    faults.after_pop(keras, patch, react)


@falsifies(spec.test_returns_the_layer, spec.test_returns_nothing, on=KERAS_2)
def returns_the_layer(keras, patch):
    """`pop` returns the layer."""
    faults.after_pop(keras, patch, lambda model, layer, returned: layer)


@falsifies(spec.test_returns_the_layer, spec.test_returns_nothing, on=KERAS_3)
def returns_nothing(keras, patch):
    """`pop` returns nothing."""
    faults.after_pop(keras, patch, lambda model, layer, returned: None)


@falsifies(spec.test_saves_the_shorter_model)
def saves_the_longer_model(keras, patch):
    """A model made from a configuration has a layer more."""
    original = keras.models.Sequential.from_config

    def from_config(config):
        model = original(config)
        model.add(keras.layers.Dense(4))
        return model

    patch.setattr(keras.models.Sequential, "from_config", from_config)


@falsifies(spec.test_refuses_a_layer_that_does_not_fit)
def takes_any_layer(keras, patch):
    """`add` takes a layer that does not fit."""
    original = keras.models.Sequential.add

    def add(self, layer):
        try:
            original(self, layer)
        except ValueError:
            return

    patch.setattr(keras.models.Sequential, "add", add)


def pop_errors_become(keras, patch, change):
    """Have what `pop` raises be `change(error)`; None is no error."""
    original = keras.models.Sequential.pop

    def pop(self):
        try:
            return original(self)
        except (TypeError, IndexError) as error:
            changed = change(error)
        if changed:
            raise changed
        return None

    patch.setattr(keras.models.Sequential, "pop", pop)


@falsifies(spec.test_removes_the_only_layer, spec.test_fails_after_removing_the_only_layer, on=KERAS_3)
@falsifies(spec.test_an_empty_model_raises_index_error, on=KERAS_3)
@falsifies(spec.test_an_empty_model_raises_type_error, on=KERAS_2)
def never_fails(keras, patch):
    """`pop` raises nothing."""
    pop_errors_become(keras, patch, lambda error: None)


@falsifies(spec.test_an_empty_model_raises_type_error, spec.test_an_empty_model_raises_index_error, on=KERAS_3)
def raises_type_error(keras, patch):
    """`pop` of an empty model raises TypeError."""
    pop_errors_become(keras, patch, lambda error: TypeError("There are no layers in the model."))


@falsifies(spec.test_an_empty_model_raises_type_error, spec.test_an_empty_model_raises_index_error, on=KERAS_2)
def raises_index_error(keras, patch):
    """`pop` of an empty model raises IndexError."""
    pop_errors_become(keras, patch, lambda error: IndexError("pop from empty list"))


@falsifies(spec.test_removes_the_only_layer, spec.test_fails_after_removing_the_only_layer, on=KERAS_2)
def fails_when_empty(keras, patch):
    """`pop` of the only layer raises IndexError."""

    def react(model, layer, returned):
        if not model.layers:
            raise IndexError("list index out of range")

    faults.after_pop(keras, patch, react)


@falsifies(spec.test_changes_no_model_by_its_list)
def the_list_of_a_sequential_is_its_own(keras, patch):
    """What is popped from a Sequential's `layers` is gone."""
    faults.list_of_layers(patch, keras.models.Sequential, faults.Popped().view)


@falsifies(spec.test_changes_no_functional_model_by_its_list, spec.test_the_list_loses_a_layer, on=MODERN)
def the_list_of_a_model_is_its_own(keras, patch):
    """What is popped from a model's `layers` is gone, with its weights, though it is computed still."""
    popped, original = faults.Popped(), keras.models.Model.get_weights
    faults.list_of_layers(patch, type(sequential(keras, (1,), keras.layers.Activation("relu"))), popped.view)
    patch.setattr(keras.models.Model, "get_weights", lambda self: original(self)[: 4 if popped.lost else None])


@falsifies(spec.test_changes_no_functional_model_by_its_list, spec.test_the_list_loses_a_layer, on=OLD)
def the_list_of_a_model_is_a_copy(keras, patch):
    """`layers` of a model is a copy of its list."""
    models = keras.models.Model.__getattribute__

    def get(self, name):
        value = models(self, name)
        return list(value) if name == "layers" else value

    patch.setattr(keras.models.Model, "__getattribute__", get)


@falsifies(spec.test_removes_the_last_layer_of_a_functional_model)
def functional_models_pop(keras, patch):
    """A functional model has a `pop`."""

    def pop(self):
        patch.setattr(type(self), "output_shape", property(lambda self: (None, 4)), raising=False)

    patch.setattr(keras.models.Model, "pop", pop, raising=False)


@falsifies(spec.test_cuts_a_functional_model)
@falsifies(spec.test_leaves_the_removed_layer_usable, spec.test_gives_what_the_last_remaining_layer_gives)
def adds_one(keras, patch):
    """A layer adds one to what it gives."""
    faults.adds_one(keras, patch)


@falsifies(spec.test_cuts_a_functional_model)
def copies_the_layers(keras, patch):
    """The shorter model has copies of the layers, with weights of their own."""
    faults.clones(keras, patch)


@falsifies(spec.test_forgets_the_shape_that_it_was_built_with, on=SHAPED)
def has_no_output_shape(keras, patch):
    """A Sequential has no `output_shape`."""

    def output_shape(self):
        raise AttributeError("output_shape")

    patch.setattr(keras.models.Sequential, "output_shape", property(output_shape), raising=False)


@falsifies(spec.test_keeps_the_shape_that_it_was_built_with, spec.test_forgets_the_shape_that_it_was_built_with, on=SHAPELESS)
def knows_its_output_shape(keras, patch):
    """The `output_shape` of a Sequential is as wide as its last layer."""
    patch.setattr(keras.models.Sequential, "output_shape", property(lambda self: (None, self.layers[-1].units)), raising=False)
