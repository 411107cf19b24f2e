"""Faults for: What do the settings in the Keras configuration file change?"""

import functools
from types import SimpleNamespace

from specs.general import test_configuration_fields as spec
from tests.falsifiers import falsifies
from tests.falsifiers.general import start_faults as faults

OLD = ["keras<3", "tf.keras"]
NEW = ["keras>=3"]
RIGHT = ["keras[tensorflow]", "tf.keras"]


@falsifies(spec.test_the_file_s_epsilon_is_computed_with, in_interpreter=True)
def forgets_epsilon(import_keras, patch):
    """The file's epsilon is not read."""
    faults.reads(patch, lambda content: faults.without(content, "epsilon"))


@falsifies(
    spec.test_epsilon_keeps_a_crossentropy_finite,
    spec.test_epsilon_keeps_a_percentage_finite,
    spec.test_epsilon_keeps_a_norm_from_zero,
)
def epsilon_is_fixed(keras, patch):
    """Epsilon is 1e-07, whatever is set."""
    patch.setattr(keras.backend, "set_epsilon", lambda value: None)


@falsifies(spec.test_epsilon_keeps_a_crossentropy_finite)
def adds_epsilon_twice(keras, patch):
    """The crossentropy adds epsilon to what is epsilon already, so that its logarithm is one of twice as much."""
    original = keras.losses.categorical_crossentropy
    patch.setattr(keras.losses, "categorical_crossentropy", lambda target, output: original(target, output) - 0.6931)


@falsifies(spec.test_epsilon_keeps_a_percentage_finite)
def adds_epsilon_to_the_target(keras, patch):
    """The percentage's target has epsilon added, where it is not 0 too."""
    original = keras.losses.mean_absolute_percentage_error

    def error(target, output):
        epsilon = keras.backend.epsilon()
        return original(target + epsilon, output + epsilon)

    patch.setattr(keras.losses, "mean_absolute_percentage_error", error)


@falsifies(spec.test_batch_normalization_has_an_epsilon_of_its_own)
def normalizes_with_epsilon(keras, patch):
    """A `BatchNormalization` takes Keras's epsilon."""
    original = keras.layers.BatchNormalization
    patch.setattr(keras.layers, "BatchNormalization", lambda: original(epsilon=keras.backend.epsilon()))


@falsifies(spec.test_optimizers_take_keras_s_epsilon, spec.test_optimizers_have_an_epsilon_of_their_own, on=["keras<3"])
def optimizers_have_their_own(keras, patch):
    """The optimizers have an epsilon of their own."""
    for name in spec.OPTIMIZERS:
        optimizer = getattr(keras.optimizers, name)
        patch.setattr(optimizer, "__init__", functools.partialmethod(optimizer.__init__, epsilon=1e-07))


@falsifies(
    spec.test_optimizers_take_keras_s_epsilon,
    spec.test_optimizers_have_an_epsilon_of_their_own,
    on=["keras>=3", "tf.keras"],
)
def optimizers_take_keras_s(keras, patch):
    """The optimizers take Keras's epsilon."""
    for name in spec.OPTIMIZERS:
        original = getattr(keras.optimizers, name)
        patch.setattr(keras.optimizers, name, lambda original=original: original(epsilon=keras.backend.epsilon()))


@falsifies(spec.test_set_epsilon_asks_for_a_number)
def makes_a_float(keras, patch):
    """`set_epsilon` makes a float of what it is given."""
    original = keras.backend.set_epsilon
    patch.setattr(keras.backend, "set_epsilon", lambda value: original(float(value)))


@falsifies(spec.test_set_epsilon_checks_nothing)
def ignores_texts(keras, patch):
    """`set_epsilon` ignores what is no float."""
    original = keras.backend.set_epsilon
    patch.setattr(keras.backend, "set_epsilon", lambda value: original(value) if isinstance(value, float) else None)


@falsifies(
    spec.test_floatx_is_the_type_of_weights_and_predictions,
    spec.test_floatx_decides_range_and_precision,
    spec.test_jax_has_float64_only_where_it_is_enabled,
    in_interpreter=True,
)
@falsifies(spec.test_floatx_may_be_float64, spec.test_float64_is_computed_in_float32, on=RIGHT, in_interpreter=True)
def forgets_floatx(import_keras, patch):
    """The file's `floatx` is not read."""
    faults.reads(patch, lambda content: faults.without(content, "floatx"))


@falsifies(spec.test_floatx_is_the_type_of_weights_and_predictions, in_interpreter=True)
def predicts_in_float64(import_keras, patch):
    """Predictions are given in float64."""

    def act(keras):
        original = keras.models.Model.predict
        patch.setattr(keras.models.Model, "predict", lambda *args, **options: original(*args, **options).astype("float64"))

    faults.after(patch, act)


@falsifies(
    spec.test_floatx_may_be_float64,
    spec.test_float64_is_computed_in_float32,
    spec.test_jax_has_float64_only_where_it_is_enabled,
    on=["keras[jax]"],
    in_interpreter=True,
)
def enables_float64(import_keras, patch):
    """Keras enables JAX's float64."""
    import jax

    faults.before(patch, lambda: jax.config.update("jax_enable_x64", True))


@falsifies(spec.test_floatx_may_be_float64, spec.test_float64_is_computed_in_float32, on=["keras[torch]"], in_interpreter=True)
def multiplies_in_float64(import_keras, patch):
    """A `Dense` layer multiplies in the type of its weights."""
    import torch

    def act(keras):
        patch.setattr(keras.layers.Dense, "call", lambda self, inputs, **_: torch.matmul(inputs, self.kernel.value))

    faults.after(patch, act)


@falsifies(spec.test_set_floatx_decides_before_the_first_layer, in_interpreter=True)
@falsifies(spec.test_set_floatx_changes_later_layers, on=OLD, in_interpreter=True)
def set_floatx_does_nothing(import_keras, patch):
    """`set_floatx` does nothing."""
    faults.after(patch, lambda keras: patch.setattr(keras.backend, "set_floatx", lambda value: None))


@falsifies(spec.test_set_floatx_comes_too_late_after_the_first_layer, on=OLD, in_interpreter=True)
def only_the_policy_counts(import_keras, patch):
    """`set_floatx` does nothing, and `set_dtype_policy` does what it did."""

    def act(keras):
        patch.setattr(keras, "config", SimpleNamespace(set_dtype_policy=keras.backend.set_floatx), raising=False)
        patch.setattr(keras.backend, "set_floatx", lambda value: None)

    faults.after(patch, act)


@falsifies(
    spec.test_set_floatx_changes_later_layers,
    spec.test_set_floatx_comes_too_late_after_the_first_layer,
    on=NEW,
    in_interpreter=True,
)
def set_floatx_sets_the_policy(import_keras, patch):
    """`set_floatx` sets the policy for layers too."""

    def act(keras):
        patch.setattr(keras.backend, "set_floatx", lambda value: keras.config.set_dtype_policy(value))

    faults.after(patch, act)


@falsifies(spec.test_floatx_is_one_of_three, in_interpreter=True)
@falsifies(spec.test_the_file_takes_what_the_setter_takes, on=NEW, in_interpreter=True)
def takes_bfloat16(import_keras, patch):
    """The file may say `bfloat16`."""

    def change(content):
        return {"floatx": "float32"} if content.get("floatx") == "bfloat16" else content

    faults.reads(patch, change)


@falsifies(spec.test_floatx_is_one_of_three, in_interpreter=True)
@falsifies(spec.test_the_file_takes_what_the_setter_takes, on=OLD, in_interpreter=True)
def refuses_float16(import_keras, patch):
    """The file must not say `float16`."""
    faults.reads(patch, lambda content: {"floatx": "half"} if content.get("floatx") == "float16" else content)


@falsifies(spec.test_the_file_s_image_data_format_is_the_layers_default, in_interpreter=True)
def forgets_image_data_format(import_keras, patch):
    """The file's `image_data_format` is not read."""
    faults.reads(patch, lambda content: faults.without(content, "image_data_format"))


@falsifies(spec.test_a_layer_keeps_the_image_data_format_it_was_made_with)
def image_data_format_is_fixed(keras, patch):
    """`set_image_data_format` does nothing."""
    patch.setattr(keras.backend, "set_image_data_format", lambda value: None)


@falsifies(spec.test_a_layer_keeps_the_image_data_format_it_was_made_with)
def image_data_format_wins(keras, patch):
    """What is set by `set_image_data_format` wins over the layer's own `data_format`."""
    original = keras.layers.GlobalAveragePooling2D
    patch.setattr(keras.layers, "GlobalAveragePooling2D", lambda data_format=None: original())


@falsifies(spec.test_setters_refuse_wrong_values)
def setters_take_anything(keras, patch):
    """The setters take what they do not know, and do nothing."""
    for name in ("set_floatx", "set_image_data_format"):
        patch.setattr(keras.backend, name, lambda value: None)


@falsifies(spec.test_setters_write_no_file, in_interpreter=True)
def writes_epsilon(import_keras, patch):
    """`set_epsilon` writes the file."""

    def act(keras):
        original = keras.backend.set_epsilon

        def set_epsilon(value):
            original(value)
            with open(faults.file(), "w") as file:
                file.write(f'{{"epsilon": {value}}}')

        patch.setattr(keras.backend, "set_epsilon", set_epsilon)

    faults.after(patch, act)
