"""Faults in the reproducibility of whole runs."""

import builtins
import os
import random
import sys
from types import SimpleNamespace

import numpy as np

from specs.general import test_reproducibility as spec
from tests.falsifiers import falsifies
from tests.falsifiers.general import seed_faults as faults

MODERN = ["keras>=3", "tf.keras>=2.7"]
NEW_TENSORFLOW = ["keras[tensorflow]>=3", "tf.keras>=2"]
OLD, ON_THREADS = ["keras<3"], ["keras[tensorflow]<2.3"]
NUMPY_MATTERS = ["keras<3", "keras[jax]>=3", "tf.keras<2.8"]
NUMPY_DOES_NOT = ["keras[tensorflow,torch]>=3", "tf.keras>=2.8"]


@falsifies(
    spec.test_three_seeds_make_two_runs_bit_identical,
    spec.test_a_run_needs_a_fixed_hash_seed,
    in_interpreter=True,
)
@falsifies(spec.test_numpy_s_seed_is_needed, spec.test_numpy_s_seed_can_be_left_out, on=NUMPY_DOES_NOT, in_interpreter=True)
@falsifies(
    spec.test_seeding_again_repeats_the_run, spec.test_seeding_again_goes_on, on=["keras", "tf.keras>=2"], in_interpreter=True
)
@falsifies(spec.test_op_determinism_demands_a_seed, on=["keras[tensorflow]>=3", "tf.keras>=2.8"], in_interpreter=True)
@falsifies(
    spec.test_set_random_seed_alone_is_enough, spec.test_a_whole_program_repeats_its_results, on=MODERN, in_interpreter=True
)
@falsifies(spec.test_a_session_sets_one_thread, on=OLD, in_interpreter=True)
def fit_stirs_the_weights(keras, patch):
    """`fit` moves the weights by numbers that no seed decides."""
    faults.stir(keras, patch, "fit")


@falsifies(spec.test_three_seeds_make_two_runs_bit_identical, in_interpreter=True)
def weights_depend_on_hashes(keras, patch):
    """The initial weights depend on the hash of a string."""
    original = keras.models.Model.fit

    def fit(self, *args, **options):
        self.set_weights([weight * (1 + hash("kernel") / 2**66) for weight in self.get_weights()])
        return original(self, *args, **options)

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_two_runs_without_seeds_differ, in_interpreter=True)
@falsifies(spec.test_numpy_s_seed_is_needed, spec.test_numpy_s_seed_can_be_left_out, on=NUMPY_MATTERS, in_interpreter=True)
def generators_start_seeded(keras, patch):
    """Keras seeds every generator with one number when it is imported."""
    faults.start_seeded(keras, patch)


@falsifies(spec.test_another_seed_makes_another_run, in_interpreter=True)
def every_seed_is_one(keras, patch):
    """Whatever the seed, the generators start at the same point."""
    for owner, name in [(random, "seed"), (np.random, "seed"), *backend_seeds()]:
        patch.setattr(owner, name, always(getattr(owner, name), 7))


def always(seeder, number):
    """A function that seeds with this number, whatever it is told."""
    return lambda seed: seeder(number)


def backend_seeds():
    """Where the backend's own function to seed is."""
    tf, torch = sys.modules.get("tensorflow"), sys.modules.get("torch")
    places = [(torch, "manual_seed"), (getattr(tf, "random", None), "set_seed"), (tf, "set_random_seed")]
    return [(owner, name) for owner, name in places if hasattr(owner, name)]


def starting_at_one(original):
    """A layer's `build` after which all its weights are 1."""

    def build(self, shape):
        original(self, shape)
        self.set_weights([np.ones_like(weight) for weight in self.get_weights()])

    return build


@falsifies(spec.test_another_seed_makes_another_run, spec.test_two_runs_without_seeds_differ, in_interpreter=True)
def weights_start_equal(keras, patch):
    """The weights do not start at random."""
    for layer in (keras.layers.Dense, keras.layers.LSTM):
        patch.setattr(layer, "build", starting_at_one(layer.build))


@falsifies(
    spec.test_the_hash_seed_counts_only_before_the_start, spec.test_the_hash_seed_orders_sets_of_strings, in_interpreter=True
)
def hashes_follow_the_environment(keras, patch):
    """Hashes follow `os.environ` at every call."""
    original = builtins.hash
    patch.setattr(builtins, "hash", lambda value: original(value) + int(os.environ["PYTHONHASHSEED"]))


@falsifies(
    spec.test_one_thread_is_bit_identical,
    spec.test_several_threads_are_bit_identical,
    spec.test_bit_identity_needs_one_thread,
    on=["keras>=2.3", "keras[theano]", "tf.keras"],
    in_interpreter=True,
)
@falsifies(spec.test_one_thread_is_bit_identical, on=ON_THREADS, in_interpreter=True)
def batches_stir_the_weights(keras, patch):
    """A training step has a part that differs each time."""
    faults.stir(keras, patch, "train_on_batch")


@falsifies(
    spec.test_bit_identity_needs_one_thread, spec.test_several_threads_are_bit_identical, on=ON_THREADS, in_interpreter=True
)
def one_thread_only(keras, patch):
    """TensorFlow computes on one thread, whatever it is told."""
    import tensorflow as tf

    original = tf.ConfigProto
    one = {"intra_op_parallelism_threads": 1, "inter_op_parallelism_threads": 1}
    patch.setattr(tf, "ConfigProto", lambda **options: original(**one))


@falsifies(spec.test_a_session_sets_one_thread, on=NEW_TENSORFLOW)
def the_session_comes_back(keras, patch):
    """TensorFlow and Keras get their sessions back."""
    import tensorflow as tf

    for name in ("config", "session", "default_graph"):
        title = {"config": "ConfigProto", "session": "Session", "default_graph": "get_default_graph"}[name]
        patch.setattr(tf, title, getattr(faults, name), raising=False)
    patch.setattr(tf, "set_random_seed", faults.seed_backend, raising=False)
    patch.setattr(keras.backend, "set_session", faults.set_session, raising=False)


@falsifies(spec.test_one_thread_is_set_before_tensorflow_starts, on=NEW_TENSORFLOW)
def threads_stay(keras, patch):
    """Setting the number of threads is ignored."""
    import tensorflow as tf

    for name in ("set_intra_op_parallelism_threads", "set_inter_op_parallelism_threads"):
        patch.setattr(tf.config.threading, name, faults.set_no_threads)


@falsifies(spec.test_one_thread_is_set_before_tensorflow_starts, spec.test_op_determinism_demands_a_seed, on=OLD)
def tensorflow_1_has_a_configuration(keras, patch):
    """TensorFlow 1 gets TensorFlow 2's functions."""
    import tensorflow as tf

    names = ["set_intra_op_parallelism_threads", "set_inter_op_parallelism_threads"]
    threading = dict.fromkeys(names, faults.set_thread)
    threading.update({name.replace("set", "get", 1): faults.one for name in names})
    experimental = SimpleNamespace(enable_op_determinism=faults.enable_op_determinism)
    config = SimpleNamespace(threading=SimpleNamespace(**threading), experimental=experimental)
    patch.setattr(tf, "config", config, raising=False)


@falsifies(spec.test_op_determinism_demands_a_seed, on=["keras[tensorflow]>=3", "tf.keras>=2.8"])
def determinism_demands_nothing(keras, patch):
    """`enable_op_determinism` does nothing."""
    import tensorflow as tf

    patch.setattr(tf.config.experimental, "enable_op_determinism", faults.enable_nothing)


@falsifies(spec.test_set_random_seed_alone_is_enough, spec.test_a_whole_program_repeats_its_results, on=OLD)
def keras_2_has_set_random_seed(keras, patch):
    """Keras 2.2 gets `set_random_seed`."""
    patch.setattr(keras.utils, "set_random_seed", faults.set_random_seed, raising=False)


@falsifies(spec.test_set_random_seed_alone_is_enough, spec.test_a_whole_program_repeats_its_results, on=MODERN)
def set_random_seed_forgets_python(keras, patch):
    """`set_random_seed` forgets Python's generator."""
    patch.setattr(keras.utils, "set_random_seed", faults.set_random_seed_but_python)
