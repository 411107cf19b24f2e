"""Faults for: How do I save a whole model?"""

import json
import sys

import h5py
import numpy as np

from fixtures.models import sgd
from specs.saving import test_saving as spec
from tests.falsifiers import falsifies
from tests.falsifiers.saving.faults import after, around, recompile, shift, subtract_alike

KERAS_2 = ["keras<3", "tf.keras"]
BOTH_EXCEPT_2_2 = ["keras>=2.3", "tf.keras"]


def tampered(keras, patch, change):
    """Let `change` go over each HDF5 file that `Model.save` writes."""

    def tamper(_, model, path, *rest):
        if h5py.is_hdf5(path):
            with h5py.File(path, "r+") as file:
                change(file)

    after(patch, keras.models.Model, "save", tamper)


def zeroed(group):
    """Make every array below a group zero."""
    group.visititems(lambda _, node: node.write_direct(np.zeros_like(node[()])) if isinstance(node, h5py.Dataset) else None)


@falsifies(spec.test_h5_holds_the_architecture)
def forgets_the_activation(keras, patch):
    """The configuration of a dense layer names another activation and size."""
    after(patch, keras.layers.Dense, "get_config", lambda config, *_: config.update(activation="elu", units=9))


@falsifies(spec.test_h5_holds_the_weights, spec.test_load_model_gives_identical_outputs, spec.test_the_printed_example)
def writes_zeros(keras, patch):
    """Zeros are written instead of the weights."""
    tampered(keras, patch, lambda file: zeroed(file["model_weights"]))


@falsifies(spec.test_h5_holds_the_state_of_the_optimizer)
def writes_an_empty_state(keras, patch):
    """Zeros are written instead of the state of the optimizer."""
    tampered(keras, patch, lambda file: zeroed(file["optimizer_weights"]))


@falsifies(spec.test_h5_holds_the_training_configuration)
def forgets_the_metrics(keras, patch):
    """The training configuration is written without the metrics."""

    def change(file):
        configuration = json.loads(file.attrs["training_config"])
        configuration["metrics"] = []
        file.attrs["training_config"] = json.dumps(configuration)

    tampered(keras, patch, change)


@falsifies(spec.test_include_optimizer_false_leaves_the_training_out)
def always_includes_the_optimizer(keras, patch):
    """`include_optimizer` is not heeded."""
    around(patch, keras.models.Model, "save", lambda save, model, path, include_optimizer=True: save(model, path))


@falsifies(spec.test_load_model_gives_identical_outputs, spec.test_the_printed_example)
def loads_other_weights(keras, patch):
    """Every weight is loaded one too large."""
    after(patch, keras.models, "load_model", shift)


@falsifies(spec.test_a_shared_layer_comes_back_on_one_input)
def loads_one_input(keras, patch):
    """Subtraction is given its first input twice."""
    around(patch, keras.models, "load_model", lambda load, *args, **options: subtract_alike(keras, load(*args, **options)))


@falsifies(spec.test_load_model_compiles)
def compiles_with_another_loss(keras, patch):
    """The loaded model is compiled with another loss, and without the metrics."""
    after(patch, keras.models, "load_model", recompile(keras, "mean_absolute_error"))


@falsifies(spec.test_h5_is_compiled_in_any_case)
def never_heeds_compile(keras, patch):
    """`compile` is not heeded."""
    around(patch, keras.models, "load_model", lambda load, path, **options: load(path))


@falsifies(spec.test_load_model_leaves_uncompiled)
def always_compiles(keras, patch):
    """The loaded model is compiled, whatever was saved or asked for."""
    units = lambda loaded, *_: loaded.compile(optimizer="rmsprop", loss=lambda y, z: z[:, :1])  # noqa: E731
    after(patch, keras.models, "load_model", units)


@falsifies(spec.test_short_name_of_a_loss, on=KERAS_2)
def reads_another_loss(keras, patch):
    """A short name stands for another loss."""
    after(patch, keras.models, "load_model", recompile(keras, "mean_absolute_error"))


@falsifies(spec.test_short_name_of_a_loss, on=["keras>=3"])
def knows_the_short_name(keras, patch):
    """A repair: the short name of a loss is read as its full name."""
    utilities = sys.modules["keras.src.legacy.saving.saving_utils"]
    patch.setattr(utilities.losses, "deserialize", lambda name: "mean_squared_error")


@falsifies(spec.test_training_goes_on_from_a_keras_file, spec.test_a_learning_rate_changed_before_saving_comes_back)
def starts_a_fresh_optimizer(keras, patch):
    """The loaded model starts with a fresh optimizer."""
    after(patch, keras.models, "load_model", recompile(keras))


@falsifies(spec.test_training_goes_on_with_adam, on=BOTH_EXCEPT_2_2)
@falsifies(spec.test_training_goes_on_from_an_h5_file, on=KERAS_2)
def starts_another_optimizer(keras, patch):
    """The loaded model starts with a fresh optimizer of another kind."""
    after(patch, keras.models, "load_model", recompile(keras))


@falsifies(spec.test_training_goes_on_from_an_h5_file, spec.test_h5_must_be_compiled_anew, on=["keras>=3"])
def prepares_the_optimizer(keras, patch):
    """A repair: the loaded optimizer is prepared for the weights of the model."""
    utilities = sys.modules["keras.src.legacy.saving.saving_utils"]
    prepare = lambda _, model: model.optimizer.build(model.trainable_variables)  # noqa: E731
    after(patch, utilities, "try_build_compiled_arguments", prepare)


@falsifies(spec.test_h5_must_be_compiled_anew, on=KERAS_2)
def refuses_to_train(keras, patch):
    """A loaded model refuses to train until it is compiled again."""

    def refuse(model, *_):
        def step(*_):
            raise ValueError("the optimizer is not prepared")

        train, compile_ = model.train_on_batch, model.compile
        model.compile = lambda **options: (compile_(**options), setattr(model, "train_on_batch", train))
        model.train_on_batch = step

    after(patch, keras.models, "load_model", refuse)


@falsifies(spec.test_moving_averages_go_on, on=BOTH_EXCEPT_2_2)
def forgets_the_moving_averages(keras, patch):
    """The moving averages are loaded one too large."""
    after(patch, keras.models, "load_model", shift)


@falsifies(spec.test_moving_averages_go_on, spec.test_moving_averages_start_afresh, on=["keras<2.3"])
def averages_plainly(keras, patch):
    """The moving average is not corrected for the number of batches seen."""
    average = lambda x, value, momentum: keras.backend.update(x, x * momentum + value * (1 - momentum))  # noqa: E731
    patch.setattr(keras.backend, "moving_average_update", average)


@falsifies(spec.test_moving_averages_start_afresh, on=BOTH_EXCEPT_2_2)
def averages_nothing(keras, patch):
    """The loaded normalization takes the last batch for the average."""
    after(patch, keras.models, "load_model", lambda model, *_: setattr(model.layers[-1], "momentum", 0.0))


@falsifies(spec.test_h5_leaves_the_model_as_it_was, spec.test_h5_takes_the_optimizer_out_of_the_model, on=KERAS_2)
def compiles_after_saving(keras, patch):
    """Saving compiles the model again, with RMSprop."""
    after(patch, keras.models.Model, "save", lambda _, model, *path: recompile(keras)(model))


@falsifies(spec.test_h5_leaves_the_model_as_it_was, spec.test_h5_takes_the_optimizer_out_of_the_model, on=["keras>=3"])
def leaves_the_configuration_alone(keras, patch):
    """A repair: saving as `.h5` gives the optimizer back to the model's configuration."""

    def metadata(original, model, *options):
        kept = dict(model._compile_config.config)
        result = original(model, *options)
        model._compile_config.config.update(kept)
        return result

    around(patch, sys.modules["keras.src.legacy.saving.saving_utils"], "model_metadata", metadata)


@falsifies(spec.test_the_state_of_the_optimizer_multiplies_the_file)
@falsifies(spec.test_plain_sgd_adds_nothing, spec.test_plain_sgd_is_saved_like_momentum, on=KERAS_2)
def forgets_the_state(keras, patch):
    """A model is saved with a fresh optimizer that has no state."""

    def save(original, model, path):
        model.compile(optimizer=sgd(keras, 0.25), loss="mean_squared_error")
        original(model, path)

    around(patch, keras.models.Model, "save", save)


@falsifies(spec.test_plain_sgd_adds_nothing, spec.test_plain_sgd_is_saved_like_momentum, on=["keras>=3"])
def always_has_momentum(keras, patch):
    """A model is saved as if its optimizer had momentum."""

    def save(original, model, path):
        model.compile(optimizer=sgd(keras, 0.25, momentum=0.5), loss="mean_squared_error")
        model.optimizer.build(model.trainable_variables)
        original(model, path)

    around(patch, keras.models.Model, "save", save)
