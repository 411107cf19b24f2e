"""What does each of the seeds decide?"""

import functools
import random
import sys

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.interpreter import JobError, run_in_each
from fixtures.models import input_layer, sequential, sgd
from fixtures.probes import weights_after_batches
from fixtures.seeds import FIRST, OTHER_SEED, SECOND, SEED, THE_THREE, seed_backend, seed_numpy, seed_python
from fixtures.sources import NUMBERS, fit_from, sequence, single, zeroed

SAMPLES, EPOCHS = 8, 3
SEEDS_ALL, THE_SEEDS = ["keras>=3", "tf.keras>=2.7"], "test_random_seed_starts_python_s_generator_over"
KINDS = ["RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Orthogonal"]
KINDS += [size + shape for size in ("glorot_", "he_", "lecun_") for shape in ("normal", "uniform")]
NAMES = ["glorot_uniform", "glorot_normal", "he_normal", "lecun_uniform", "random_normal", "orthogonal"]


def random_parts(keras, seeders):
    """What chance decides: the initial weights, the order of the samples in each epoch, the units that dropout keeps.

    Each batch is one sample. Its gradient, the negative of what enters the last layers, tells which and what was kept.
    """
    for seeder in seeders:
        seeder(SEED)
    weights = sequential(keras, (4,), keras.layers.Dense(4)).get_weights()[0]
    samples = input_layer(keras, (SAMPLES,))
    options = {"kernel_initializer": "zeros", "use_bias": False}
    order = keras.layers.Dense(1, **options)(samples)
    kept = keras.layers.Dense(2, **options)(keras.layers.Dropout(0.5)(samples))
    model, batches = keras.models.Model(samples, [order, kept]), weights_after_batches(keras)
    model.compile(optimizer=sgd(keras), loss=lambda target, output: -target * output)
    targets = [np.ones((SAMPLES, 1)), np.ones((SAMPLES, 2))]
    model.fit(np.eye(SAMPLES) + 1, targets, batch_size=1, epochs=EPOCHS, verbose=0, callbacks=[batches])
    seen = np.array([np.zeros((2, SAMPLES))] + [[w[:, 0] for w in sorted(ws, key=np.size)] for ws in batches.weights])
    order, kept = np.diff(seen, axis=0).transpose(1, 0, 2)
    orders = order.argmax(axis=1).reshape(EPOCHS, SAMPLES)
    return {"weights": weights.tolist(), "order": orders.tolist(), "dropout": (kept > 0).tolist()}


for interpreter in (FIRST, SECOND):
    for seeders in [(seed_python,), (seed_numpy,), (seed_backend,)]:
        interpreter.prepare(random_parts, seeders)


def fixed_by(*seeders):
    """The random parts that are equal in two fresh interpreters when these generators are seeded, and no other."""
    first, second = run_in_each([FIRST, SECOND], random_parts, seeders)
    return {part for part in first if first[part] == second[part]}


def kept_units(keras, layer_seeds, seedings):
    """Which units Dropout layers with these seeds keep in one training batch after each seeding, `[batch][layer][unit]`."""
    units = input_layer(keras, (32,))
    dropouts = [keras.layers.Dropout(0.5, seed=seed)(units) for seed in layer_seeds]
    outputs = [
        keras.layers.Dense(1 + n, kernel_initializer="zeros", use_bias=False)(dropout) for n, dropout in enumerate(dropouts)
    ]
    model, batches = keras.models.Model(units, outputs), []
    model.compile(optimizer=sgd(keras), loss=lambda target, output: -target * output)
    targets = [np.ones((1, 1 + n)) for n in range(len(outputs))]
    for seeders in seedings:
        for seeder in seeders:
            seeder(SEED)
        model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
        model.train_on_batch(np.ones((1, 32)), targets if len(targets) > 1 else targets[0])
        batches.append([(weight[:, 0] > 0).tolist() for weight in sorted(model.get_weights(), key=np.size)])
    return batches


def seeded_noise(keras):
    """What the other layers of Keras 3 that take a seed give for ones in training mode, twice."""
    k, rates = keras.layers, {"dropout": 0.5, "recurrent_dropout": 0.5, "unroll": True, "seed": 5}
    rates.update(kernel_initializer="ones", recurrent_initializer="ones")
    layers = [kind(0.5, seed=5) for kind in (k.SpatialDropout1D, k.GaussianDropout, k.AlphaDropout, k.GaussianNoise)]
    layers += [kind(2, **rates) for kind in (k.SimpleRNN, k.LSTM, k.GRU)]
    steps, images = keras.ops.ones((8, 2, 8)) / 8, np.arange(256.0).reshape((64, 2, 2, 1)).astype("float32")
    pairs = [*((layer, steps) for layer in layers), (k.RandomFlip(seed=5), images)]
    return [[keras.ops.convert_to_numpy(layer(x, training=True)).tolist() for layer, x in pairs] for _ in range(2)]


def first_weights(keras, *initializers):
    """The first weights of layers with these initializers, a layer for each."""
    x = input_layer(keras, (3,))
    layers = [keras.layers.Dense(4, kernel_initializer=initializer) for initializer in initializers]
    keras.models.Model(x, [layer(x) for layer in layers])
    return [layer.get_weights()[0].tolist() for layer in layers]


@claim(
    ["keras>=3", "tf.keras>=2.10"],
    AssertionError,
    ["test_numpy_decides_the_initial_weights", "test_the_backend_decides_the_initial_weights"],
    answers=["19.3", "19.R2"],
)
def test_python_random_decides_the_initial_weights(keras):
    """The initial weights follow the seed of Python's `random`, and neither NumPy's nor the backend's."""
    assert "weights" in fixed_by(seed_python)
    assert "weights" not in fixed_by(seed_numpy) | fixed_by(seed_backend)


@claim(
    ["keras<3"],
    AssertionError,
    ["test_python_random_decides_the_initial_weights", "test_the_backend_decides_the_initial_weights"],
    answers=["19.3", "19.R2"],
)
def test_numpy_decides_the_initial_weights(keras):
    """The initial weights follow NumPy's seed, and neither the seed of Python's `random` nor the backend's."""
    assert "weights" in fixed_by(seed_numpy)
    assert "weights" not in fixed_by(seed_python) | fixed_by(seed_backend)


@claim(
    ["tf.keras<2.10"],
    AssertionError,
    ["test_python_random_decides_the_initial_weights", "test_numpy_decides_the_initial_weights"],
    answers=["19.3", "19.R2"],
)
def test_the_backend_decides_the_initial_weights(keras):
    """The initial weights follow the backend's seed, and neither NumPy's nor the seed of Python's `random`."""
    assert "weights" in fixed_by(seed_backend)
    assert "weights" not in fixed_by(seed_python) | fixed_by(seed_numpy)


@claim(["keras[torch]>=3", "tf.keras"], AssertionError, "test_dropout_follows_the_seed_of_the_weights", answers=["19.3"])
def test_dropout_follows_the_backend_s_seed(keras):
    """Dropout follows the backend's seed, whatever the initial weights follow."""
    assert "dropout" in fixed_by(seed_backend)
    assert "dropout" not in fixed_by(seed_python) | fixed_by(seed_numpy)


@claim(["keras<3", "keras[tensorflow,jax]>=3"], AssertionError, "test_dropout_follows_the_backend_s_seed", answers=["19.3"])
def test_dropout_follows_the_seed_of_the_weights(keras):
    """Dropout follows the seed that the initial weights follow, and the backend's seed leaves it alone."""
    decisive = [seeder for seeder in (seed_python, seed_numpy) if "weights" in fixed_by(seeder)]
    assert decisive == [seeder for seeder in THE_THREE if "dropout" in fixed_by(seeder)]


@claim(["keras[tensorflow,torch]>=3", "tf.keras>=2"], AssertionError, "test_shuffling_follows_numpy_s_seed", answers=["19.3"])
def test_shuffling_follows_the_backend_s_seed(keras):
    """The order in which `fit` shuffles the samples follows the backend's seed, and no other."""
    assert "order" in fixed_by(seed_backend)
    assert "order" not in fixed_by(seed_python) | fixed_by(seed_numpy)


@claim(
    ["keras<3", "keras[jax]>=3", "tf.keras<2"], AssertionError, "test_shuffling_follows_the_backend_s_seed", answers=["19.3"]
)
def test_shuffling_follows_numpy_s_seed(keras):
    """The order in which `fit` shuffles the samples follows NumPy's seed, and no other."""
    assert "order" in fixed_by(seed_numpy)
    assert "order" not in fixed_by(seed_python) | fixed_by(seed_backend)


def order_of_batches(keras, seeders, workers=1):
    """The order in which `fit` takes the batches of a `Sequence`, these generators having been seeded."""
    model, batches = zeroed(keras), weights_after_batches(keras)
    for seeder in seeders:
        seeder(SEED)
    fit_from(keras, model, sequence(keras, NUMBERS, single, workers=workers), callbacks=[batches])
    weights = [np.zeros(NUMBERS)] + [weights[0][:NUMBERS, 0] for weights in batches.weights]
    return np.diff(weights, axis=0).argmax(axis=1).tolist()


def orders_of_batches(keras, *seeders):
    """The same with one worker, and, which only Keras 3 asks the `Sequence` for, with two."""
    return [order_of_batches(keras, seeders, workers) for workers in ((1, 2) if hasattr(keras, "ops") else (1,))]


def repeated(*seeders):
    """Whether two interpreters take the batches in the same order, these generators having been seeded in both."""
    pairs = list(zip(*run_in_each([FIRST, SECOND], orders_of_batches, *seeders)))
    assert all(sorted(first) == list(range(NUMBERS)) for first, _ in pairs)
    return {first == second for first, second in pairs}


@claim(
    ["keras<3", "keras[jax,torch]>=3", "keras>=3.6", "tf.keras"],
    AssertionError,
    "test_the_batches_of_a_sequence_follow_two_seeds",
    answers=["11.5", "19.3"],
)
def test_the_batches_of_a_sequence_follow_python_random():
    """The order in which `fit` takes the batches of a `Sequence` follows the seed of Python's `random`, and no other.

    False alarm: that two orders of sixteen batches are equal by chance, 4 / 16!, 2e-13.
    """
    assert {seeder: repeated(seeder) for seeder in THE_THREE} == {
        seed_python: {True},
        seed_numpy: {False},
        seed_backend: {False},
    }


@claim(
    ["keras[tensorflow]>=3,<3.6"],
    AssertionError,
    "test_the_batches_of_a_sequence_follow_python_random",
    answers=["11.5", "19.3"],
)
def test_the_batches_of_a_sequence_follow_two_seeds():
    """The order in which `fit` takes the batches of a `Sequence` is fixed by the seeds of Python and TensorFlow together.

    They are shuffled twice: neither seed alone fixes the order.
    """
    assert repeated(seed_python) == repeated(seed_backend) == {False}
    assert repeated(seed_python, seed_backend) == {True}


@claim(["keras<3", "keras[jax,torch]>=3", "tf.keras"], AssertionError, "test_seeded_epochs_share_one_order", answers=["19.3"])
def test_seeded_epochs_are_shuffled_anew(keras):
    """A seeded run still shuffles the samples anew at each epoch."""
    orders = FIRST.run(random_parts, THE_THREE)["order"]
    assert len({tuple(order) for order in orders}) == EPOCHS


@claim(["keras[tensorflow]>=3"], AssertionError, "test_seeded_epochs_are_shuffled_anew", answers=["19.3"])
def test_seeded_epochs_share_one_order(keras, evidence):
    """A seeded run presents the samples in the same shuffled order at every epoch."""
    orders = FIRST.run(random_parts, THE_THREE)["order"]
    evidence("order of the samples in each epoch", orders)
    assert orders == [orders[0]] * EPOCHS
    assert orders[0] != sorted(orders[0])


@claim(["keras[torch]", "tf.keras>=2"], AssertionError, "test_a_built_model_s_dropout_goes_on", answers=["19.3"])
def test_seeding_again_rewinds_a_built_model_s_dropout(keras):
    """Seeding again makes the dropout of a model start over that is already built and was trained under that seed."""
    one, other, again = FIRST.run(kept_units, (None,), (THE_THREE, (), THE_THREE))
    assert one != other
    assert again == one


@claim(
    ["keras[tensorflow,jax,theano]", "tf.keras<2"],
    AssertionError,
    "test_seeding_again_rewinds_a_built_model_s_dropout",
    answers=["19.3"],
)
def test_a_built_model_s_dropout_goes_on(keras):
    """Seeding again does not make the dropout of a model already built start over: seed first, then build the model."""
    one, other, again = FIRST.run(kept_units, (None,), (THE_THREE, (), THE_THREE))
    assert again != one
    assert again != other


@claim(answers=["19.3"])
def test_a_layer_s_own_seed_fixes_its_dropout(keras):
    """`Dropout(rate, seed=s)` keeps the same units in the same batches of every run, even where nothing else is seeded.

    So do, in Keras 3, the other dropouts, `GaussianNoise`, `RandomFlip`, and recurrent layers with dropouts.
    """
    first, second = run_in_each([FIRST, SECOND], kept_units, (5, 5, None), ((), ()))
    assert [batch[:2] for batch in first] == [batch[:2] for batch in second]
    assert [batch[2] for batch in first] != [batch[2] for batch in second]
    if hasattr(keras, "ops"):
        first, second = run_in_each([FIRST, SECOND], seeded_noise)
        assert first == second
        assert [one != other for one, other in zip(*first)] == [True] * 8  # not by always giving the same


@claim(answers=["19.3"])
def test_a_layer_s_own_seed_does_not_freeze_its_dropout(keras):
    """A `Dropout` layer with a seed of its own still keeps other units in each batch."""
    one, other = FIRST.run(kept_units, (5, 5, None), ((), ()))
    assert one[0] != other[0]


@claim(["keras", "tf.keras<2", "tf.keras>=2.1"], AssertionError, "test_layers_with_one_seed_keep_other_units", answers=["19.3"])
def test_layers_with_one_seed_keep_the_same_units(keras):
    """Two `Dropout` layers with the same seed keep the same units in every batch of training."""
    batches = FIRST.run(kept_units, (5, 5, None), ((), ()))
    assert [batch[0] for batch in batches] == [batch[1] for batch in batches]


@claim(["tf.keras>=2,<2.1"], AssertionError, "test_layers_with_one_seed_keep_the_same_units", answers=["19.3"])
def test_layers_with_one_seed_keep_other_units(keras):
    """Two `Dropout` layers with the same seed keep other units than each other, the same ones in each run."""
    first, second = run_in_each([FIRST, SECOND], kept_units, (5, 5, None), ((), ()))
    assert all(batch[0] != batch[1] for batch in first)
    assert [batch[:2] for batch in first] == [batch[:2] for batch in second]


@claim(
    ["keras[tensorflow]<2.3", "keras>=3.2", "tf.keras<2.7", "tf.keras>=2.10"],
    (AssertionError, ValueError),
    ["test_a_seeded_initializer_counts_on", "test_a_seed_of_0_is_none", "test_theano_refuses_a_seed_of_0"],
    answers=["19.3"],
    examples=3,
)
@given(seed=st.integers(0, 2**31 - 1))
@example(seed=0)
def test_a_seeded_initializer_repeats_itself(keras, seed):
    """An initializer with a seed gives the same weights each time: to two layers that share it, and in its copies.

    keras#15586, tensorflow#62577. To give two layers unlike weights, give each an initializer with a seed of its own.
    """
    shared, copies = ([getattr(keras.initializers, kind)(seed=seed) for kind in KINDS] for _ in range(2))
    weights = first_weights(keras, *shared)
    assert first_weights(keras, *shared) == weights
    assert first_weights(keras, *copies) == weights


@claim(
    ["keras>=2.3,<3"],
    AssertionError,
    ["test_a_seeded_initializer_repeats_itself", "test_a_seed_of_0_is_none", "test_theano_refuses_a_seed_of_0"],
    answers=["19.3"],
)
def test_a_seeded_initializer_counts_on(keras):
    """An initializer with a seed gives each layer that shares it other weights, and its copies the same ones in turn."""
    shared, copies = ([getattr(keras.initializers, kind)(seed=SEED) for kind in KINDS] for _ in range(2))
    first, second = first_weights(keras, *shared), first_weights(keras, *shared)
    assert all(one != other for one, other in zip(first, second))
    assert [first_weights(keras, *copies), first_weights(keras, *copies)] == [first, second]


@claim(
    ["keras>=3,<3.2", "tf.keras>=2.7,<2.10"],
    (AssertionError, ValueError),
    ["test_a_seeded_initializer_repeats_itself", "test_a_seeded_initializer_counts_on", "test_theano_refuses_a_seed_of_0"],
    answers=["19.3"],
)
def test_a_seed_of_0_is_none(keras):
    """An initializer takes a seed of 0 for none: its copies give other weights. Those with any other seed repeat them."""
    first, copies = (first_weights(keras, *[getattr(keras.initializers, kind)(seed=0) for kind in KINDS]) for _ in range(2))
    assert all(one != other for one, other in zip(first, copies))


@claim(needs=["theano"], answers=["19.3"])
def test_theano_refuses_a_seed_of_0(keras):
    """On Theano no layer can be made with an initializer whose seed is 0: a ValueError; any other seed repeats its weights."""
    one, other = first_weights(keras, *[keras.initializers.RandomNormal(seed=SEED) for _ in range(2)])
    assert one == other
    with pytest.raises(ValueError, match="seed should not be 0"):
        first_weights(keras, keras.initializers.RandomNormal(seed=0))


@claim(["keras>=3", "tf.keras>=2.10"], AssertionError, "test_an_unseeded_initializer_draws_anew", answers=["19.3"])
def test_an_unseeded_initializer_repeats_itself(keras):
    """Two layers that share one initializer without a seed start with equal weights. keras#15755"""
    shared = [getattr(keras.initializers, kind)() for kind in KINDS]
    assert first_weights(keras, *shared) == first_weights(keras, *shared)


@claim(["keras<3", "tf.keras<2.10"], AssertionError, "test_an_unseeded_initializer_repeats_itself", answers=["19.3"])
def test_an_unseeded_initializer_draws_anew(keras):
    """Two layers that share one initializer without a seed start with different weights."""
    shared = [getattr(keras.initializers, kind)() for kind in KINDS]
    pairs = zip(first_weights(keras, *shared), first_weights(keras, *shared))
    assert all(one != other for one, other in pairs)


@claim(answers=["19.3"])
def test_layers_that_name_their_initializer_start_apart(keras):
    """Layers that name their initializer, `kernel_initializer="glorot_uniform"`, start with different weights."""
    pairs = zip(first_weights(keras, *NAMES), first_weights(keras, *NAMES))
    assert all(one != other for one, other in pairs)


def weights_before_and_after_clearing(keras):
    """The initial weights of two layers, seeded, with `clear_session` between them."""
    for seeder in THE_THREE:
        seeder(SEED)
    before = first_weights(keras, "glorot_uniform")
    keras.backend.clear_session()
    return before, first_weights(keras, "glorot_uniform")


@claim(
    ["keras[tensorflow]<3", "keras[tensorflow,jax,torch]>=3", "tf.keras"],
    JobError,
    "test_numpy_decides_the_initial_weights",
    answers=["19.3"],
)
def test_clear_session_does_not_seed_again(keras):
    """`clear_session` does not make the seeds start over: the weights of the next model are new. keras#12247

    On Theano there is no `clear_session`.
    """
    before, after = FIRST.run(weights_before_and_after_clearing)
    assert before != after


def numbers_drawn(keras, seeders, seeds):
    """The next number of `random`, of NumPy and of the backend, after seeding each time."""
    numbers = []
    for seed in seeds:
        for seeder in seeders:
            seeder(seed)
        numbers.append([random.random(), np.random.random(), *backend_number(keras)])
    return numbers


def backend_number(keras):
    """The next number of the backend's global generator, in a list: empty on JAX, which has none."""
    if keras.backend.backend() == "torch":
        return [float(sys.modules["torch"].rand(1))]
    if keras.backend.backend() == "tensorflow":
        return [float(getattr(keras.backend, "eval", float)(sys.modules["tensorflow"].random.uniform(())))]
    return []


@claim(SEEDS_ALL, AttributeError, THE_SEEDS, answers=["19.6"], examples=1)
@given(seeds=st.lists(st.integers(0, 2**32 - 1), min_size=10, max_size=10))
@example(seeds=[0, 1, 2**31 - 1, 2**31, 2**32 - 1])
def test_set_random_seed_seeds_all_three(keras, seeds):
    """`keras.utils.set_random_seed(s)` is `random.seed(s)`, `numpy.random.seed(s)` and the backend's seed in one call."""
    drawn = FIRST.run(numbers_drawn, (keras.utils.set_random_seed,), seeds)
    assert [numbers[0] for numbers in drawn] == [random.Random(seed).random() for seed in seeds]
    assert [numbers[1] for numbers in drawn] == [np.random.RandomState(seed).random_sample() for seed in seeds]
    assert drawn == SECOND.run(numbers_drawn, THE_THREE, seeds)


@claim(SEEDS_ALL, AttributeError, THE_SEEDS, answers=["19.6"], examples=5)
@given(seed=st.floats() | st.none() | st.text() | st.integers(0, 2**32 - 1).map(np.int64))
@example(seed=np.int64(1))
@example(seed=1.0)
def test_set_random_seed_takes_a_python_int(keras, seed):
    """`keras.utils.set_random_seed` refuses, with ValueError, a seed that is not a Python int, NumPy's integers too."""
    set_random_seed = keras.utils.set_random_seed
    with pytest.raises(ValueError, match="integer"):
        set_random_seed(seed)


def normals(keras, seeders, draw):
    """What Keras's own random function gives, with no seed of its own: two draws after each of two seedings."""
    drawn = []
    for _ in range(2):
        for seeder in seeders:
            seeder(SEED)
        drawn.append([np.asarray(draw((3,))).tolist() for _ in range(2)])
    return drawn


@claim(["keras>=3.13"], (AttributeError, AssertionError), "test_random_seed_starts_python_s_generator_over", answers=["19.6"])
def test_set_random_seed_resets_keras_s_own_generator(keras):
    """After `set_random_seed`, the functions of `keras.random` start over, in this interpreter and in any other.

    Their generator belongs to Keras and is made at its first use: the three seeds alone do not make it start over.
    Since Keras 3.13 `set_random_seed` does so (keras#21874).
    """
    first, second = run_in_each([FIRST, SECOND], normals, (keras.utils.set_random_seed,), keras.random.normal)
    assert first == second
    assert first[0] == first[1]
    assert first[0][0] != first[0][1]
    by_hand = FIRST.run(normals, THE_THREE, keras.random.normal)
    assert by_hand[0] != by_hand[1]


@claim(["keras>=3"], AttributeError, THE_SEEDS, answers=["19.6"])
def test_a_seed_repeats_a_random_function(keras):
    """With a `seed` of its own a function of `keras.random` gives the same numbers each time, and other ones with another."""
    functions, numbers = keras.random, keras.random.uniform((32,), seed=SEED)
    draws = [
        *[functools.partial(draw, (32,)) for draw in (functions.normal, functions.uniform, functions.truncated_normal)],
        functools.partial(functions.randint, (32,), 0, 1000),
        functools.partial(functions.gamma, (32,), 2.0),
        functools.partial(functions.categorical, numbers[None], 32),
        functools.partial(functions.dropout, numbers, 0.5),
        functools.partial(functions.shuffle, numbers),
    ]
    for draw in draws:
        first, again, other = (np.asarray(draw(seed=seed)).tolist() for seed in (SEED, SEED, OTHER_SEED))
        assert first == again
        assert first != other


def python_numbers(keras, seed):
    """Three numbers of Python's generator after `random.seed`, and three after a second one, with others between."""
    numbers = []
    for _ in range(2):
        random.seed(seed)
        numbers.append([random.random(), random.randrange(100), random.choice("abc")])
        random.shuffle(list(range(10)))
    return numbers


@claim(answers=["19.R2"], examples=3)
@given(seed=st.integers() | st.text())
def test_random_seed_starts_python_s_generator_over(keras, seed):
    """`random.seed(s)` starts Python's own generator at a point that `s` fixes: the same numbers follow, in any interpreter.

    It leaves the generators of NumPy and of the backend alone, as they leave it.
    """
    first, second = run_in_each([FIRST, SECOND], python_numbers, seed)
    assert first == second
    assert first[0] == first[1]
