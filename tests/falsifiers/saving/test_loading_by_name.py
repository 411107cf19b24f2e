"""Faults for: How do I load the weights of only some layers?"""

import logging
import warnings

import h5py

from specs.saving import test_loading_by_name as spec
from tests.falsifiers import falsifies
from tests.falsifiers.saving.faults import after, around, shift

KERAS_2 = ["keras<3", "tf.keras"]
BY_NAME = ["keras<3", "keras>=3.8", "tf.keras"]
SKIPPING = ["keras", "tf.keras>=2.1"]


def loading(keras, patch, faulty):
    """Let `faulty(load, model, path, **options)` take the place of `load_weights`."""
    around(patch, keras.models.Model, "load_weights", faulty)


def load_what_fits(model, path):
    """Load an older file into the last two layers, in order, less arrays of another shape."""
    with h5py.File(path, "r") as file:
        groups = file.get("model_weights", file)
        arrays = [[groups[name][array][()] for array in groups[name].attrs["weight_names"]] for name in ("a", "b")]
    for layer, found in zip(model.layers[-2:], arrays):
        layer.set_weights([new if new.shape == old.shape else old for new, old in zip(found, layer.get_weights())])


@falsifies(
    spec.test_layers_of_equal_name_are_loaded,
    spec.test_other_layers_keep_their_values,
    spec.test_the_example_with_a_whole_model,
    spec.test_transfer_to_a_network_with_a_new_head,
    on=BY_NAME,
)
@falsifies(
    spec.test_skip_mismatch_loads_the_other_layers,
    spec.test_skip_mismatch_skips_arrays,
    spec.test_skip_mismatch_skips_another_number_of_weights,
    on=SKIPPING,
)
@falsifies(spec.test_the_printed_example, on=KERAS_2)
@falsifies(spec.test_weights_h5_is_loaded_by_name, on=["keras<3", "tf.keras<2.12"])
@falsifies(spec.test_by_name_is_ignored_for_weights_h5, on=["tf.keras>=2.12"])
def loads_one_too_large(keras, patch):
    """Every weight of the model is one too large after loading, of the layers left alone too."""
    after(patch, keras.models.Model, "load_weights", lambda _, model, *rest: shift(model))


@falsifies(spec.test_an_error_follows_the_loading, on=BY_NAME)
def raises_after_loading(keras, patch):
    """What lies beside the layers is looked for, in vain, after they are loaded."""

    def load(original, model, path, by_name, skip_mismatch=False):
        original(model, path, by_name=by_name)
        if not skip_mismatch:
            raise ValueError("top-level weights are missing")

    loading(keras, patch, load)


@falsifies(spec.test_layers_of_equal_name_are_loaded, on=BY_NAME)
def loads_the_first_array_only(keras, patch):
    """Of each layer only the first array is loaded."""

    def load(original, model, path, **options):
        before = {layer.name: layer.get_weights() for layer in model.layers}
        original(model, path, **options)
        for layer in model.layers:
            layer.set_weights(layer.get_weights()[:1] + before[layer.name][1:])

    loading(keras, patch, load)


@falsifies(spec.test_the_printed_example, on=["keras>=3.8"])
def saves_the_whole_model(keras, patch):
    """`save_weights` saves the whole model."""
    patch.setattr(keras.models.Model, "save_weights", lambda self, path: self.save(path))


@falsifies(spec.test_weights_h5_is_loaded_by_name, on=["keras>=3", "tf.keras>=2.12"])
def reads_the_newer_file(keras, patch):
    """The newer kind of file is loaded by name, too."""

    def load(original, model, path, by_name=None):
        with h5py.File(path, "r") as file:
            model.get_layer("a").set_weights([file["layers/dense/vars/" + n][()] for n in "01"])

    loading(keras, patch, load)


@falsifies(spec.test_skip_mismatch_skips_in_older_files_loaded_by_order, on=["keras>=3.11"])
@falsifies(spec.test_skip_mismatch_needs_by_name, on=["keras<3.11", "tf.keras>=2.1"])
@falsifies(spec.test_new_files_are_not_loaded_by_name, spec.test_skip_mismatch_skips_whole_layers, on=["keras>=3"])
@falsifies(spec.test_skip_mismatch_skips_whole_layers, on=KERAS_2)
def loads_nothing(keras, patch):
    """Nothing is loaded, and nothing said."""
    loading(keras, patch, lambda load, model, path, **options: None)


@falsifies(spec.test_by_name_is_ignored_for_weights_h5, on=["keras", "tf.keras<2.12"])
def ignores_by_name(keras, patch):
    """`by_name` is ignored."""
    loading(keras, patch, lambda load, model, path, by_name: load(model, path))


@falsifies(spec.test_skip_mismatch_skips_in_older_files_loaded_by_order, on=["keras<3.11", "tf.keras"])
def skips_by_order(keras, patch):
    """Without `by_name` the arrays that fit are loaded layer by layer, and the others skipped."""
    loading(keras, patch, lambda load, model, path, skip_mismatch: load_what_fits(model, path))


@falsifies(spec.test_skip_mismatch_needs_by_name, on=["keras>=3.11", "tf.keras<2.1"])
def refuses_other_shapes(keras, patch):
    """`skip_mismatch` without `by_name` is refused."""

    def load(original, model, path, skip_mismatch):
        raise ValueError("skip_mismatch needs by_name")

    loading(keras, patch, load)


@falsifies(spec.test_there_is_no_skip_mismatch)
def refuses_to_skip(keras, patch):
    """`skip_mismatch` is refused."""

    def load(original, model, path, **options):
        raise TypeError("there is no skip_mismatch")

    loading(keras, patch, load)


@falsifies(spec.test_new_files_are_not_loaded_by_name, on=KERAS_2)
def refuses_by_name(keras, patch):
    """Nothing is loaded by name; in order, what fits."""

    def load(original, model, path, by_name=False, skip_mismatch=False):
        if by_name:
            raise ValueError("there is no by_name")
        if hasattr(keras, "saving"):  # which reads and writes newer files
            original(model, path, skip_mismatch=skip_mismatch)
        else:
            load_what_fits(model, path)

    loading(keras, patch, load)


@falsifies(spec.test_mismatched_layers_are_skipped, spec.test_a_layer_of_another_shape_is_an_error)
@falsifies(spec.test_an_error_loads_nothing, on=KERAS_2)
@falsifies(spec.test_an_error_leaves_half_of_it_loaded, on=["keras>=3"])
def skips_what_does_not_fit(keras, patch):
    """Layers that do not fit are skipped without being asked to."""
    loading(keras, patch, lambda load, model, path, **options: load(model, path, **{**options, "skip_mismatch": True}))


@falsifies(spec.test_an_error_loads_nothing, on=["keras>=3"])
def undoes_what_it_loaded(keras, patch):
    """A repair: where there is an error, what was loaded is taken back."""

    def load(original, model, path, **options):
        before = model.get_weights()
        try:
            original(model, path, **options)
        except ValueError:
            model.set_weights(before)
            raise

    loading(keras, patch, load)


@falsifies(spec.test_an_error_leaves_half_of_it_loaded, on=KERAS_2)
def loads_before_it_raises(keras, patch):
    """Where there is an error, all that fits is loaded."""

    def load(original, model, path, **options):
        original(model, path, skip_mismatch=True, **options)
        original(model, path, **options)

    loading(keras, patch, load)


@falsifies(spec.test_skip_mismatch_warns, on=["keras"])
def warns_of_nothing(keras, patch):
    """Layers are skipped without a warning."""

    def load(original, model, path, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            original(model, path, **options)

    loading(keras, patch, load)


@falsifies(spec.test_skip_mismatch_warns, on=["tf.keras"])
def warns_in_python(keras, patch):
    """Python is warned of a layer that is skipped."""
    after(patch, keras.models.Model, "load_weights", lambda *_: warnings.warn("Skipping layer a", stacklevel=2))


@falsifies(spec.test_skip_mismatch_logs, on=["tf.keras>=2.1"])
def logs_nothing(keras, patch):
    """Layers are skipped without a line in the log."""
    patch.setattr(logging.getLogger("tensorflow"), "disabled", True)


@falsifies(spec.test_skip_mismatch_logs, on=["keras"])
def logs_it(keras, patch):
    """A layer that is skipped is logged."""
    log = logging.getLogger("tensorflow")
    after(patch, keras.models.Model, "load_weights", lambda *_: log.warning("Skipping the layer named a"))
