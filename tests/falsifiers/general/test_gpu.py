"""Faults for: How can I run Keras on a GPU?"""

import importlib
from types import SimpleNamespace

from specs.general import test_gpu as spec
from tests.falsifiers import falsifies
from tests.falsifiers.general import start_faults as faults

OLD = ["keras<3", "tf.keras"]
NEW = ["keras>=3"]
ON_GPU = SimpleNamespace(device="/job:localhost/replica:0/task:0/device:GPU:0")


@falsifies(spec.test_no_gpu_is_needed, in_interpreter=True)
def computes_inexactly(import_keras, patch):
    """Without a GPU the last bits of a prediction are others."""

    def act(keras):
        original = keras.models.Model.predict
        patch.setattr(keras.models.Model, "predict", lambda *args, **options: original(*args, **options) * (1 + 2e-7))

    faults.after(patch, act)


@falsifies(spec.test_no_gpu_is_needed, in_interpreter=True)
def trains_twice(import_keras, patch):
    """Without a GPU a batch is trained on twice."""

    def act(keras):
        original = keras.models.Model.train_on_batch

        def train_on_batch(*args):
            original(*args)
            return original(*args)

        patch.setattr(keras.models.Model, "train_on_batch", train_on_batch)

    faults.after(patch, act)


@falsifies(spec.test_all_is_on_the_cpu_where_no_gpu_is_visible, on=["keras>=3", "tf.keras"], in_interpreter=True)
def uses_hidden_gpus(import_keras, patch):
    """The first layer's results are on a GPU that is hidden."""

    def act(keras):
        original, results = keras.layers.Dense.__call__, [ON_GPU]

        def call(self, *args, **options):
            result = original(self, *args, **options)
            return results.pop() if results else result

        patch.setattr(keras.layers.Dense, "__call__", call)

    faults.after(patch, act)


@falsifies(spec.test_all_is_on_the_cpu_where_no_gpu_is_visible, on=["keras[tensorflow]<3"], in_interpreter=True)
def computes_on_hidden_gpus(import_keras, patch):
    """TensorFlow's session computes on a GPU that is hidden."""

    def act(keras):
        session = importlib.import_module("tensorflow").Session
        original = session.run

        def run(self, *args, run_metadata=None, **options):
            results = original(self, *args, run_metadata=run_metadata, **options)
            for stats in run_metadata.step_stats.dev_stats if run_metadata else ():
                stats.device = stats.device.replace("CPU", "GPU")
            return results

        patch.setattr(session, "run", run)

    faults.after(patch, act)


@falsifies(spec.test_variables_and_results_are_on_the_gpu)
def uses_the_cpu(keras, patch):
    """A layer's results are on the CPU."""
    original = keras.layers.Dense.__call__

    def call(self, inputs):
        original(self, inputs)
        return SimpleNamespace(device="/job:localhost/replica:0/task:0/device:CPU:0")

    patch.setattr(keras.layers.Dense, "__call__", call)


@falsifies(spec.test_a_gpu_gives_the_right_numbers)
def computes_inexactly_on_a_gpu(keras, patch):
    """On a GPU the last bits of a prediction are others."""
    original = keras.models.Model.predict
    patch.setattr(keras.models.Model, "predict", lambda *args, **options: original(*args, **options) * (1 + 2e-7))


@falsifies(spec.test_the_refusal_names_the_choices, in_interpreter=True)
def names_the_choices(import_keras, patch):
    """The refusal names the backends there are."""
    faults.obey_backend(patch, "Unable to import backend : {}; there are tensorflow, jax and torch")


@falsifies(spec.test_an_unknown_backend_is_never_used, in_interpreter=True)
def calls_it_so(import_keras, patch):
    """Keras starts, and says that the unknown backend is in use."""
    faults.ignore_backend(patch, lambda named: named)


@falsifies(spec.test_an_unknown_backend_is_refused, on=["keras"], in_interpreter=True)
@falsifies(spec.test_tf_keras_has_one_backend, on=["keras"], in_interpreter=True)
@falsifies(spec.test_theano_is_an_unknown_backend, spec.test_keras_2_knows_theano, on=NEW, in_interpreter=True)
def is_tensorflow(import_keras, patch):
    """Keras starts on the backend that is there, and calls it TensorFlow."""
    faults.ignore_backend(patch, lambda named: "tensorflow")


@falsifies(spec.test_an_unknown_backend_is_refused, spec.test_tf_keras_has_one_backend, on=["tf.keras"], in_interpreter=True)
@falsifies(spec.test_theano_is_an_unknown_backend, spec.test_keras_2_knows_theano, on=OLD, in_interpreter=True)
def refuses_all_but_tensorflow(import_keras, patch):
    """Any backend but TensorFlow is unknown."""
    faults.obey_backend(patch)


@falsifies(spec.test_three_ways_set_theano_s_float_type)
def theano_is_not_told(keras, patch):
    """Theano's float type is set in none of the ways."""
    patch.setattr(spec, "on_theano", lambda way: ["float32"] * 3)


@falsifies(spec.test_keras_follows_theano_s_float_type, spec.test_keras_sets_theano_s_float_type)
def keras_follows(keras, patch):
    """Keras takes Theano's float type."""
    patch.setattr(spec, "on_theano", lambda way: ["float64"] * 3)
