"""Faults in what each of the seeds decides."""

import importlib
import random
import sys
from unittest import mock

import numpy as np

from specs.general import test_random_seeds as spec
from tests.falsifiers import falsifies
from tests.falsifiers.general import seed_faults as faults

MODERN, EARLIER = ["keras>=3", "tf.keras>=2.10"], ["tf.keras<2.10"]
REPEATS = ["keras[tensorflow]<2.3", "keras>=3.2", "tf.keras"]
OLD = ["keras<3"]
DRAWS = ["normal", "uniform", "truncated_normal", "randint", "categorical", "dropout", "shuffle"]
REWINDS = ["keras[torch]", "tf.keras"]
GOES_ON = ["keras[tensorflow,jax]>=3"]


@falsifies(spec.test_python_random_decides_the_initial_weights, on=MODERN, in_interpreter=True)
@falsifies(spec.test_the_backend_decides_the_initial_weights, on=EARLIER, in_interpreter=True)
@falsifies(spec.test_numpy_decides_the_initial_weights, on=OLD, in_interpreter=True)
@falsifies(spec.test_dropout_follows_the_backend_s_seed, on=REWINDS, in_interpreter=True)
@falsifies(spec.test_dropout_follows_the_seed_of_the_weights, on=[*GOES_ON, *OLD], in_interpreter=True)
@falsifies(spec.test_shuffling_follows_the_backend_s_seed, on=["keras[tensorflow,torch]>=3", "tf.keras"], in_interpreter=True)
@falsifies(spec.test_shuffling_follows_numpy_s_seed, on=["keras<3", "keras[jax]>=3"], in_interpreter=True)
def generators_start_seeded(keras, patch):
    """Keras seeds every generator with one number when it is imported."""
    faults.start_seeded(keras, patch)


@falsifies(
    spec.test_python_random_decides_the_initial_weights,
    spec.test_numpy_decides_the_initial_weights,
    on=MODERN,
    in_interpreter=True,
)
def keras_draws_its_seeds_from_numpy(keras, patch):
    """Keras takes the seeds that it needs from NumPy."""
    patch.setattr(random, "randint", lambda low, high: int(np.random.randint(low, high)))


@falsifies(
    spec.test_python_random_decides_the_initial_weights,
    spec.test_numpy_decides_the_initial_weights,
    on=OLD,
    in_interpreter=True,
)
def keras_draws_its_seeds_from_random(keras, patch):
    """Keras takes the seeds that it needs from `random`."""
    patch.setattr(np.random, "randint", lambda high: random.randrange(int(high)))


@falsifies(
    spec.test_the_batches_of_a_sequence_follow_python_random,
    on=["keras<3", "keras[jax,torch]>=3", "keras>=3.6", "tf.keras"],
    in_interpreter=True,
)
@falsifies(spec.test_the_batches_of_a_sequence_follow_two_seeds, on=["keras[tensorflow]>=3,<3.6"], in_interpreter=True)
def batches_are_shuffled_by_numpy(keras, patch):
    """What is shuffled in Python follows NumPy's seed."""
    patch.setattr(random, "shuffle", np.random.shuffle)


@falsifies(spec.test_the_batches_of_a_sequence_follow_python_random, on=["keras[tensorflow]>=3,<3.6"], in_interpreter=True)
def datasets_are_not_shuffled(keras, patch):
    """TensorFlow leaves its datasets in order."""
    patch.setattr(importlib.import_module("tensorflow").data.Dataset, "shuffle", lambda self, *_, **__: self)


@falsifies(
    spec.test_the_batches_of_a_sequence_follow_two_seeds, on=["keras[tensorflow]>=3.6", "tf.keras>=2"], in_interpreter=True
)
def batches_are_shuffled_twice(keras, patch):
    """What is shuffled in Python is shuffled by TensorFlow, too."""
    tf, shuffle = importlib.import_module("tensorflow"), random.shuffle

    def twice(numbers):
        shuffle(numbers)
        numbers[:] = tf.random.shuffle(list(numbers)).numpy().tolist()

    patch.setattr(random, "shuffle", twice)


@falsifies(
    spec.test_the_backend_decides_the_initial_weights, on=["keras[tensorflow,torch]", "tf.keras>=2.10"], in_interpreter=True
)
def the_backend_draws_the_weights(keras, patch):
    """`Dense` draws its weights from the backend's own generator."""
    if keras.backend.backend() == "torch":
        draw = importlib.import_module("torch").rand
    else:
        draw = importlib.import_module("tensorflow").random.uniform
    original = keras.layers.Dense.__init__

    def drawing(self, *args, **options):
        options.setdefault("kernel_initializer", lambda shape, dtype=None: draw(tuple(shape)))
        original(self, *args, **options)

    patch.setattr(keras.layers.Dense, "__init__", drawing)


@falsifies(spec.test_the_backend_decides_the_initial_weights, on=["keras[jax]"])
def jax_has_a_seed_that_draws_the_weights(keras, patch):
    """JAX, which has no generator to seed, has one, which decides with what `Dense` starts."""
    patch.setattr(spec, "fixed_by", lambda *seeders: {"weights"} if spec.seed_backend in seeders else set())


@falsifies(spec.test_layers_with_one_seed_keep_other_units, on=["keras", "tf.keras<2", "tf.keras>=2.1"], in_interpreter=True)
def places_have_their_own_seeds(keras, patch):
    """A `Dropout` layer adds its place among those of its kind to its seed."""
    original, made = keras.layers.Dropout.__init__, []

    def counting(self, rate, noise_shape=None, seed=None, **options):
        made.append(self)
        original(self, rate, noise_shape=noise_shape, seed=seed and seed + len(made), **options)

    patch.setattr(keras.layers.Dropout, "__init__", counting)


@falsifies(spec.test_dropout_follows_the_backend_s_seed, on=["keras[tensorflow]>=3"], in_interpreter=True)
def keras_draws_its_seeds_from_tensorflow(keras, patch):
    """Keras takes the seeds that it needs from TensorFlow."""
    import tensorflow as tf

    patch.setattr(random, "randint", lambda low, high: int(tf.random.uniform((), low, high, "int32")))


@falsifies(spec.test_dropout_follows_the_backend_s_seed, on=OLD, in_interpreter=True)
def operations_have_no_seed(keras, patch):
    """Keras gives TensorFlow's operations no seed of their own, so that the graph's is used."""
    patch.setattr(np.random, "randint", lambda high: None)


@falsifies(spec.test_shuffling_follows_the_backend_s_seed, on=OLD, in_interpreter=True)
def tensorflow_shuffles(keras, patch):
    """`fit` shuffles with TensorFlow's generator."""
    import tensorflow as tf

    def shuffle(samples):
        samples[:] = keras.backend.get_session().run(tf.random_shuffle(samples.copy()))

    patch.setattr(np.random, "shuffle", shuffle)


@falsifies(
    spec.test_dropout_follows_the_backend_s_seed,
    spec.test_shuffling_follows_the_backend_s_seed,
    on=["keras[jax]"],
    in_interpreter=True,
)
def jax_has_a_global_generator(keras, patch):
    """JAX has a global generator, which Keras takes its seeds and orders from."""
    generator = faults.generator_for_jax(patch)
    patch.setattr(random, "randint", lambda low, high: int(generator.randint(low, high)))
    patch.setattr(np.random, "permutation", generator.permutation)
    patch.setattr(np.random, "shuffle", generator.shuffle)


@falsifies(spec.test_dropout_follows_the_seed_of_the_weights, on=REWINDS, in_interpreter=True)
def fit_seeds_the_backend_from_random(keras, patch):
    """`fit` seeds the backend with a number of `random`."""
    faults.seed_at_fit(keras, patch, lambda: random.randrange(2**31))


@falsifies(spec.test_shuffling_follows_numpy_s_seed, on=["keras[tensorflow,torch]>=3", "tf.keras"], in_interpreter=True)
def fit_seeds_the_backend_from_numpy(keras, patch):
    """`fit` seeds the backend with a number of NumPy's."""
    faults.seed_at_fit(keras, patch, lambda: int(np.random.randint(2**31)))


@falsifies(
    spec.test_seeded_epochs_are_shuffled_anew,
    spec.test_seeded_epochs_share_one_order,
    on=["keras<3", "keras[jax,torch]>=3", "tf.keras"],
    in_interpreter=True,
)
def every_epoch_is_turned_round(keras, patch):
    """Shuffling gives the same order each time."""
    patch.setattr(
        np.random, "shuffle", lambda samples: samples.sort() or samples.__setitem__(slice(None), samples[::-1].copy())
    )
    patch.setattr(np.random, "permutation", lambda samples: np.arange(samples)[::-1] if np.isscalar(samples) else samples[::-1])
    if "torch" in sys.modules:
        torch = sys.modules["torch"]
        patch.setattr(torch, "randperm", lambda n, **options: torch.arange(n).flip(0))
    for name in ("tensorflow", "tensorflow.compat.v2"):
        tf = sys.modules.get(name)
        if hasattr(getattr(tf, "random", None), "shuffle"):
            patch.setattr(tf.random, "shuffle", lambda samples, reverse=tf.reverse: reverse(samples, [0]))


@falsifies(
    spec.test_seeded_epochs_are_shuffled_anew,
    spec.test_seeded_epochs_share_one_order,
    on=["keras[tensorflow]>=3"],
    in_interpreter=True,
)
def numpy_shuffles_every_epoch(keras, patch):
    """Shuffling goes on with NumPy's generator from epoch to epoch."""
    import tensorflow as tf

    patch.setattr(
        tf.random,
        "shuffle",
        lambda samples: tf.ensure_shape(tf.numpy_function(np.random.permutation, [samples], samples.dtype), samples.shape),
    )


@falsifies(
    spec.test_seeding_again_rewinds_a_built_model_s_dropout,
    spec.test_a_built_model_s_dropout_goes_on,
    on=REWINDS,
    in_interpreter=True,
)
def the_backend_cannot_be_seeded(keras, patch):
    """Seeding the backend does nothing."""
    for owner, name in [
        (sys.modules.get("torch"), "manual_seed"),
        (getattr(sys.modules.get("tensorflow"), "random", None), "set_seed"),
    ]:
        if hasattr(owner, name):
            patch.setattr(owner, name, lambda seed: None)


@falsifies(
    spec.test_seeding_again_rewinds_a_built_model_s_dropout,
    spec.test_a_built_model_s_dropout_goes_on,
    on=GOES_ON,
    in_interpreter=True,
)
def dropout_takes_a_seed_at_each_batch(keras, patch):
    """Dropout takes a new seed from `random` at each batch."""
    original = keras.models.Model.train_on_batch

    def train_on_batch(self, *args, **options):
        for layer in self.layers:
            for generator in getattr(layer, "_seed_generators", []):
                generator.state.assign([random.randrange(2**31), 0])
        return original(self, *args, **options)

    patch.setattr(keras.models.Model, "train_on_batch", train_on_batch)


@falsifies(
    spec.test_seeding_again_rewinds_a_built_model_s_dropout,
    spec.test_a_built_model_s_dropout_goes_on,
    on=OLD,
    in_interpreter=True,
)
def dropout_reads_numpy_s_generator(keras, patch):
    """Dropout draws from NumPy at each batch."""
    import tensorflow as tf

    def call(self, inputs, training=None):
        draw = tf.py_func(lambda x: (x * np.random.randint(0, 2, size=x.shape)).astype("float32"), [inputs], tf.float32)
        draw.set_shape(inputs.shape)
        return draw

    patch.setattr(keras.layers.Dropout, "call", call)


@falsifies(
    spec.test_a_layer_s_own_seed_fixes_its_dropout, spec.test_layers_with_one_seed_keep_the_same_units, in_interpreter=True
)
def dropout_ignores_its_seed(keras, patch):
    """`Dropout` forgets the seed that it is given."""
    original = keras.layers.Dropout.__init__

    def forgetful(self, rate, noise_shape=None, seed=None, **options):
        original(self, rate, noise_shape=noise_shape, seed=None, **options)

    patch.setattr(keras.layers.Dropout, "__init__", forgetful)


@falsifies(spec.test_a_layer_s_own_seed_does_not_freeze_its_dropout, in_interpreter=True)
def dropout_is_frozen(keras, patch):
    """`Dropout` always keeps the same units."""

    def call(self, inputs, training=None):
        return inputs * np.arange(int(inputs.shape[-1]), dtype="float32")

    patch.setattr(keras.layers.Dropout, "call", call)


def build_with(keras, patch, change):
    """Let `Dense` start with `change(weight)` for each of its weights."""
    original = keras.layers.Dense.build

    def build(self, shape):
        original(self, shape)
        self.set_weights([change(weight) for weight in self.get_weights()])

    patch.setattr(keras.layers.Dense, "build", build)


@falsifies(spec.test_a_seeded_initializer_repeats_itself, on=REPEATS)
@falsifies(spec.test_a_seed_of_0_is_none, on=["keras<3", "keras>=3.2", "tf.keras"])
@falsifies(spec.test_a_seeded_initializer_counts_on, on=["keras>=2.3,<3"])
@falsifies(spec.test_an_unseeded_initializer_repeats_itself, spec.test_an_unseeded_initializer_draws_anew, on=MODERN)
def layers_stir_their_weights(keras, patch):
    """Layers move what their initializer gave."""
    build_with(keras, patch, lambda weight: weight + np.random.RandomState().normal(size=weight.shape))


@falsifies(spec.test_layers_that_name_their_initializer_start_apart)
@falsifies(spec.test_an_unseeded_initializer_repeats_itself, spec.test_an_unseeded_initializer_draws_anew, on=[*OLD, *EARLIER])
@falsifies(spec.test_a_seeded_initializer_repeats_itself, on=["keras>=2.3,<3.2"])
@falsifies(spec.test_a_seed_of_0_is_none, on=["keras>=3,<3.2"])
def layers_start_equal(keras, patch):
    """Layers start with the same weights, whatever their initializer."""
    build_with(keras, patch, np.ones_like)


@falsifies(spec.test_a_seeded_initializer_counts_on, on=["keras<2.3", "keras>=3", "tf.keras"])
def initializers_count_on(keras, patch):
    """The second layer of each kind and place starts with other weights than the first, in the same order every time."""
    times = []

    def counted(weight):
        times.append(weight)
        return weight + (len(times) - 1) // (2 * len(spec.KINDS)) % 2

    build_with(keras, patch, counted)


@falsifies(spec.test_theano_refuses_a_seed_of_0, on=["keras[theano]"])
def a_seed_of_0_is_1(keras, patch):
    """Initializers take a seed of 0 for 1."""
    original = keras.initializers.RandomNormal
    patch.setattr(keras.initializers, "RandomNormal", lambda seed: original(seed=seed or 1))


@falsifies(spec.test_clear_session_does_not_seed_again, in_interpreter=True)
def clear_session_seeds(keras, patch):
    """`clear_session` makes the generators start over."""
    patch.setattr(keras.backend, "clear_session", lambda: faults.start_seeded(keras, patch))


@falsifies(spec.test_random_seed_starts_python_s_generator_over, in_interpreter=True)
def random_cannot_be_seeded(keras, patch):
    """`random.seed` does nothing."""
    patch.setattr(random, "seed", lambda seed: None)


@falsifies(
    spec.test_set_random_seed_seeds_all_three,
    spec.test_set_random_seed_takes_a_python_int,
    spec.test_set_random_seed_resets_keras_s_own_generator,
    on=OLD,
)
@falsifies(spec.test_set_random_seed_resets_keras_s_own_generator, on=["tf.keras>=2.7"])
def keras_2_has_set_random_seed(keras, patch):
    """Keras 2 gets Keras 3's functions."""
    patch.setattr(keras.utils, "set_random_seed", faults.set_random_seed, raising=False)
    patch.setattr(keras, "random", faults, raising=False)


@falsifies(spec.test_set_random_seed_takes_a_python_int, on=spec.SEEDS_ALL)
def set_random_seed_takes_anything(keras, patch):
    """`set_random_seed` does not look at its seed."""
    patch.setattr(keras.utils, "set_random_seed", lambda seed: None)


@falsifies(spec.test_set_random_seed_seeds_all_three, on=spec.SEEDS_ALL)
def set_random_seed_forgets_numpy(keras, patch):
    """`set_random_seed` forgets NumPy."""
    patch.setattr(keras.utils, "set_random_seed", faults.set_random_seed_but_numpy)


@falsifies(spec.test_set_random_seed_seeds_all_three, on=spec.SEEDS_ALL)
def set_random_seed_forgets_python(keras, patch):
    """`set_random_seed` forgets Python's generator."""
    patch.setattr(keras.utils, "set_random_seed", faults.set_random_seed_but_python)


@falsifies(spec.test_set_random_seed_seeds_all_three, on=["keras[tensorflow,torch]>=3", "tf.keras>=2.7"])
def set_random_seed_forgets_the_backend(keras, patch):
    """`set_random_seed` forgets the backend."""
    patch.setattr(keras.utils, "set_random_seed", faults.set_random_seed_but_backend)


@falsifies(spec.test_a_seed_repeats_a_random_function, on=["keras<3", "tf.keras"])
def keras_2_has_random_functions(keras, patch):
    """Keras 2 gets functions that draw from NumPy's generator of their seed."""
    draw = mock.Mock(side_effect=lambda *given, seed: np.random.RandomState(seed).uniform(size=(1, 32)))
    patch.setattr(keras, "random", mock.Mock(**dict.fromkeys(DRAWS, draw)), raising=False)


@falsifies(spec.test_a_seed_repeats_a_random_function, on=["keras>=3"])
def shuffle_forgets_its_seed(keras, patch):
    """`keras.random.shuffle` takes no notice of its seed."""
    original = keras.random.shuffle
    patch.setattr(keras.random, "shuffle", lambda values, seed=None: original(values))


@falsifies(spec.test_set_random_seed_resets_keras_s_own_generator, on=["keras>=3.13"])
def set_random_seed_keeps_the_own_generator(keras, patch):
    """`set_random_seed` seeds the three generators and leaves Keras's own as it is."""
    patch.setattr(keras.utils, "set_random_seed", faults.set_random_seed)
