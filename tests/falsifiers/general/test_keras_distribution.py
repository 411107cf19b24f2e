"""Faults in `keras.distribution`, on JAX."""

import contextlib
import re
from types import SimpleNamespace

from specs.general import test_keras_distribution as spec
from tests.falsifiers import falsifies

JAX, TRAINS = ["keras[jax]>=3"], spec.TRAINS


@falsifies(spec.test_every_device_has_all_weights, on=JAX, in_interpreter=True)
def data_parallel_splits_kernels(keras, patch):
    """`DataParallel` splits kernels over the devices, like batches."""
    kind, original = keras.distribution.DataParallel, keras.distribution.DataParallel.get_variable_layout

    def get_variable_layout(self, variable):
        if len(variable.shape) < 2:
            return original(self, variable)
        return keras.distribution.TensorLayout(["batch", None], self.device_mesh)

    patch.setattr(kind, "get_variable_layout", get_variable_layout)


def training_becomes(keras, patch, change):
    """`fit` works with what `change` makes of `(y, batch_size)`."""
    original = keras.models.Model.fit

    def fit(self, x, y, batch_size, **options):
        y, batch_size = change(y, batch_size)
        return original(self, x, y, batch_size=batch_size, **options)

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(
    spec.test_data_parallel_learns_what_one_learns,
    spec.test_model_parallel_learns_what_one_learns,
    spec.test_fit_reports_the_loss_of_whole_batches,
    spec.test_training_went_astray,
    on=TRAINS,
    in_interpreter=True,
)
@falsifies(spec.test_the_scope_may_be_left, on=["keras[jax]>=3.12"], in_interpreter=True)
def adds_up_what_devices_learn(keras, patch):
    """The gradients of two devices are added where their mean is to be taken."""
    training_becomes(keras, patch, lambda y, batch_size: (2 * y, batch_size))


@falsifies(spec.test_normalizes_the_whole_batch, on=JAX, in_interpreter=True)
def halves_are_normalized_apart(keras, patch):
    """Each half of a batch is normalized for itself."""
    training_becomes(keras, patch, lambda y, batch_size: (y, batch_size // 2))


@falsifies(spec.test_evaluate_reports_on_all_samples, spec.test_evaluation_went_astray, on=TRAINS, in_interpreter=True)
def the_first_samples_report_alone(keras, patch):
    """`evaluate` looks at the first eight samples."""
    original = keras.models.Model.evaluate

    def evaluate(self, x, y, sample_weight, **options):
        return original(self, x[:8], y[:8], sample_weight=sample_weight[:8], **options)

    patch.setattr(keras.models.Model, "evaluate", evaluate)


@falsifies(spec.test_a_model_from_outside_is_refused, on=JAX, in_interpreter=True)
def distributions_are_not_heeded(keras, patch):
    """The scope of a distribution changes nothing."""
    patch.setattr(keras.distribution, "DataParallel", lambda devices: SimpleNamespace(scope=contextlib.nullcontext))


@falsifies(spec.test_the_scope_must_not_be_left, on=["keras[jax]>=3.12"], in_interpreter=True)
def the_scope_is_needed(keras, patch):
    """`fit` fails outside of the scope that the model was made in."""

    def fit(self, *args, **options):
        raise ValueError("incompatible devices")

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_the_scope_must_not_be_left, on=["keras[jax]<3.12"], in_interpreter=True)
def the_scope_is_not_needed(keras, patch):
    """`fit` does nothing outside of the scope that the model was made in."""
    patch.setattr(keras.models.Model, "fit", lambda self, *args, **options: SimpleNamespace(history={"loss": [0]}))


@falsifies(
    spec.test_a_kernel_is_split_as_its_layout_says,
    spec.test_layouts_are_found_by_regular_expressions,
    spec.test_wrong_layouts_are_refused,
    on=JAX,
    in_interpreter=True,
)
@falsifies(
    spec.test_the_optimizer_s_averages_are_split_likewise,
    spec.test_the_optimizer_s_averages_are_whole,
    on=["keras[jax]>=3.10"],
    in_interpreter=True,
)
def layouts_are_not_found(keras, patch):
    """No variable has a layout."""
    patch.setattr(keras.distribution.LayoutMap, "__getitem__", lambda self, path: None)


@falsifies(spec.test_the_whole_path_has_to_match, spec.test_a_part_of_the_path_is_enough, on=["keras[jax]>=3.14"],
           in_interpreter=True)  # fmt: skip
def a_part_of_the_path_will_do(keras, patch):
    """A layout's regular expression is searched for in the path."""

    def find(self, path):
        return next((layout for pattern, layout in self.items() if re.search(pattern, path)), None)

    original = keras.distribution.LayoutMap.__getitem__
    patch.setattr(keras.distribution.LayoutMap, "__getitem__", lambda self, path: original(self, path) or find(self, path))


@falsifies(spec.test_a_split_kernel_predicts_what_a_whole_one_predicts, on=JAX, in_interpreter=True)
def predictions_are_added_up(keras, patch):
    """The outputs of two devices are added where each has some."""
    original = keras.models.Model.predict
    patch.setattr(keras.models.Model, "predict", lambda self, x, **options: 2 * original(self, x, **options))
