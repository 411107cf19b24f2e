"""Faults for: How do I save only the architecture, or only the weights?"""

import json
import re
from types import SimpleNamespace

import h5py
import numpy as np

from fixtures.models import sgd
from specs.saving import test_saving_parts as spec
from tests.falsifiers import falsifies
from tests.falsifiers.saving.faults import after, around, shift, subtract_alike

KERAS_2 = ["keras<3", "tf.keras"]
OLD_WEIGHTS, NEW_WEIGHTS = ["keras<3", "tf.keras<2.12"], ["keras>=3", "tf.keras>=2.12"]  # which layout `.weights.h5` files have


def reading(keras, patch, change):
    """Let JSON be read as `change` makes it."""
    around(patch, keras.models, "model_from_json", lambda read, text, **options: read(change(text), **options))


@falsifies(spec.test_layers_that_are_used_in_turn_come_back, on=["keras<3", "keras>=3.7", "tf.keras"])
@falsifies(spec.test_json_rebuilds_the_architecture, spec.test_json_and_weights_rebuild_the_model)
def reads_another_activation(keras, patch):
    """Activations are not read from the JSON."""
    reading(keras, patch, lambda text: text.replace('"tanh"', '"linear"'))


@falsifies(spec.test_json_rebuilds_the_architecture, spec.test_json_gives_a_shared_layer_one_input)
def reads_one_input(keras, patch):
    """Subtraction is given its first input twice."""
    around(patch, keras.models, "model_from_json", lambda read, text, **options: subtract_alike(keras, read(text, **options)))


@falsifies(spec.test_the_json_can_be_edited)
def reads_another_size(keras, patch):
    """Sizes are not read from the JSON."""
    reading(keras, patch, lambda text: re.sub(r'"units": \d+', '"units": 2', text))


@falsifies(spec.test_json_holds_no_weights)
def rebuilds_with_other_weights(keras, patch):
    """A rebuilt model does not have the weights that its initializers draw."""
    after(patch, keras.models, "model_from_json", shift)


@falsifies(spec.test_a_model_from_json_is_not_compiled, spec.test_json_holds_the_training_configuration, on=KERAS_2)
def compiles_what_it_rebuilds(keras, patch):
    """A rebuilt model is compiled."""
    compiled = lambda model, *_: model.compile(optimizer=sgd(keras, 0.125), loss="mean_absolute_error")  # noqa: E731
    after(patch, keras.models, "model_from_json", compiled)


@falsifies(spec.test_a_model_from_json_is_not_compiled, on=["keras>=3"])
def leaves_the_training_out(keras, patch):
    """The JSON holds nothing of how the model was compiled."""
    reading(keras, patch, lambda text: json.dumps({**json.loads(text), "compile_config": None}))


@falsifies(spec.test_json_holds_the_training_configuration, on=["keras>=3"])
def writes_another_loss(keras, patch):
    """The JSON holds another loss."""
    reading(keras, patch, lambda text: text.replace("mean_absolute_error", "mean_squared_error"))


@falsifies(spec.test_to_yaml_writes_the_architecture, on=["keras<3", "tf.keras<2.3"])
def writes_json(keras, patch):
    """`to_yaml` writes JSON."""
    patch.setattr(keras.models.Model, "to_yaml", lambda self: self.to_json())


@falsifies(spec.test_to_yaml_writes_the_architecture, on=["keras>=3", "tf.keras>=2.3"])
def writes_yaml(keras, patch):
    """`to_yaml` works."""
    patch.setattr(keras.models.Model, "to_yaml", lambda self: "name: dense\nunits: 2\n", raising=False)


@falsifies(spec.test_model_from_yaml_rebuilds_the_architecture, spec.test_yaml_is_refused)
def reads_yaml(keras, patch):
    """`to_yaml` and `model_from_yaml` work."""
    patch.setattr(keras.models.Model, "to_yaml", lambda self: self.to_json(), raising=False)
    read = keras.models.model_from_json
    patch.setattr(keras.models, "model_from_yaml", lambda text: read(text) if text[0] == "{" else None, raising=False)


def loads_one_too_large(_, model, *rest):
    """Add 1 to what was loaded."""
    shift(model)


@falsifies(spec.test_weights_go_into_the_same_architecture, spec.test_json_and_weights_rebuild_the_model)
@falsifies(spec.test_the_printed_file_name_is_accepted, on=KERAS_2)
@falsifies(spec.test_layers_that_are_missing_go_unnoticed, on=NEW_WEIGHTS)
@falsifies(spec.test_layers_of_other_sizes_take_those_of_the_file, on=["keras>=2.3,<3", "tf.keras<2"])
def loads_other_weights(keras, patch):
    """Every weight is loaded one too large."""
    after(patch, keras.models.Model, "load_weights", loads_one_too_large)


@falsifies(spec.test_another_architecture_is_refused)
@falsifies(spec.test_an_architecture_with_fewer_layers_is_refused, on=OLD_WEIGHTS)
def loads_what_fits(keras, patch):
    """Weights that do not fit are passed over."""

    def load(original, model, path):
        try:
            original(model, path)
        except ValueError:
            return

    around(patch, keras.models.Model, "load_weights", load)


@falsifies(spec.test_an_architecture_with_fewer_layers_is_refused, on=NEW_WEIGHTS)
def counts_the_layers(keras, patch):
    """The number of layers is compared."""

    def load(original, model, path):
        raise ValueError("the number of layers differs")

    around(patch, keras.models.Model, "load_weights", load)


@falsifies(spec.test_layers_of_other_sizes_take_those_of_the_file, on=["keras<2.3", "keras>=3", "tf.keras>=2"])
def takes_other_sizes(keras, patch):
    """A model takes the weights of a file whatever their shapes."""
    given = []
    after(patch, keras.models.Model, "save_weights", lambda _, model, path: given.extend(model.get_weights()))

    def load(original, model, path):
        model.get_weights = lambda: given

    around(patch, keras.models.Model, "load_weights", load)


@falsifies(spec.test_layers_that_are_missing_go_unnoticed, on=OLD_WEIGHTS)
def loads_the_first_layers(keras, patch):
    """Only as many layers are read from the file as the model has."""

    def load(original, model, path):
        with h5py.File(path, "r") as file:
            group = file[file.attrs["layer_names"][1]]
            model.set_weights([group[name][()] for name in group.attrs["weight_names"]])

    around(patch, keras.models.Model, "load_weights", load)


@falsifies(spec.test_the_printed_file_name_is_accepted, spec.test_only_weights_h5_is_accepted, on=["keras>=3"])
def saves_the_whole_model(keras, patch):
    """`save_weights` saves the whole model, under the names that `save` accepts."""
    patch.setattr(keras.models.Model, "save_weights", lambda self, path: self.save(path))


@falsifies(spec.test_only_weights_h5_is_accepted, on=KERAS_2)
def refuses_every_name(keras, patch):
    """`save_weights` refuses file names."""

    def save(original, model, path):
        raise ValueError("a name must end in `.weights.h5`")

    around(patch, keras.models.Model, "save_weights", save)


@falsifies(spec.test_weights_files_hold_weights_only, on=OLD_WEIGHTS)
@falsifies(spec.test_weights_files_hold_the_optimizer, on=OLD_WEIGHTS)
def saves_a_state_too(keras, patch):
    """The file of weights holds as many numbers of another kind."""

    def add(_, model, path):
        with h5py.File(path, "r+") as file:
            file.create_dataset("state", data=np.ones(model.count_params()))

    after(patch, keras.models.Model, "save_weights", add)


@falsifies(spec.test_weights_files_hold_weights_only, spec.test_weights_files_hold_the_optimizer, on=NEW_WEIGHTS)
def saves_weights_only(keras, patch):
    """The file of weights holds the weights only."""

    def save(original, model, path):
        with h5py.File(path, "w") as file:
            for n, weight in enumerate(model.get_weights()):
                file.create_dataset(str(n), data=weight)

    around(patch, keras.models.Model, "save_weights", save)


@falsifies(spec.test_custom_objects_do_not_reach_an_h5_file)
def ignores_custom_objects(keras, patch):
    """`custom_objects` are ignored."""

    def load(original, path, custom_objects):
        raise ValueError("Unknown layer: Scale")

    around(patch, keras.models, "load_model", load)


@falsifies(spec.test_a_custom_layer_must_be_named)
def knows_the_layer(keras, patch):
    """A layer of the reader's own is known by its name alone."""
    patch.setitem(keras.utils.get_custom_objects(), "Scale", spec.scale_layer(keras, False))


@falsifies(spec.test_custom_objects_name_the_custom_layer, on=["keras<3", "keras>=3.3", "tf.keras"])
@falsifies(spec.test_a_registered_layer_needs_no_custom_objects, on=["keras>=3", "tf.keras>=2.1"])
def forgets_the_arguments(keras, patch):
    """The arguments of a layer of the reader's own are not read."""

    def forget(model, *_):
        last = model.layers[-1]
        (last.layers[-1] if hasattr(last, "layers") else last).by = 0.0

    for name in ("load_model", "model_from_json"):
        after(patch, keras.models, name, forget)


@falsifies(spec.test_a_registered_layer_needs_no_custom_objects, on=["keras<3"])
def registers_layers(keras, patch):
    """There is a registry of layers."""

    def register(package):
        return lambda layer: patch.setitem(keras.utils.get_custom_objects(), layer.__name__, layer) or layer

    patch.setattr(keras, "saving", SimpleNamespace(register_keras_serializable=register), raising=False)
