"""How can I get reproducible results while developing with Keras?"""

import hashlib
import os
import random
import subprocess
import sys

import numpy as np
import pytest

from fixtures.claims import claim
from fixtures.interpreter import JobError, run_in_each
from fixtures.models import sequential, sgd
from fixtures.probes import weights_after_batches
from fixtures.seeds import FIRST, OTHER_SEED, SECOND, SEED, THE_THREE, seed_backend, seed_python

SAMPLES, EPOCHS = 8, 3
RACES = ["keras[tensorflow]>=2.2.5,<2.3"]  # a step of Adam with the counter of its steps, on TensorFlow 1.15
WORDS = ["a", "batch", "epoch", "fit", "keras", "layer", "loss", "model", "sample", "seed", "step", "weight"]


def fingerprint(weights):
    """A short text that is another one where any bit of the weights is."""
    return hashlib.sha256(b"".join(weight.tobytes() for weight in weights)).hexdigest()[:16]


def one_run(keras):
    """A training with dropout, noise, shuffling and Adam: fingerprints of weights, first and after each batch, and losses."""
    dense, dropout, noise = keras.layers.Dense(8), keras.layers.Dropout(0.5), keras.layers.GaussianNoise(0.5)
    recurrent = keras.layers.LSTM(4, dropout=0.5, recurrent_dropout=0.5, unroll=True)
    model = sequential(keras, (3,), dense, dropout, keras.layers.Reshape((2, 4)), recurrent, noise, keras.layers.Dense(1))
    model.compile(optimizer="adam", loss="mse")
    start, batches = fingerprint(model.get_weights()), weights_after_batches(keras)
    x = np.arange(3.0 * SAMPLES).reshape(SAMPLES, 3)
    losses = model.fit(x, x[:, :1], batch_size=2, epochs=EPOCHS, shuffle=True, verbose=0, callbacks=[batches]).history["loss"]
    return [start, [fingerprint(weights) for weights in batches.weights], losses]


def train(keras, seeders, *seeds):
    """A training for each seed, one after another; on a single thread where TensorFlow is 1."""
    if hasattr(sys.modules.get("tensorflow"), "ConfigProto"):
        use_threads(keras, 1)
    runs = []
    for seed in seeds:
        for seeder in seeders:
            seeder(seed)
        runs.append(one_run(keras))
    return runs


def outcomes_on_threads(keras, threads):
    """Fingerprints of the weights after the same steps of training, 8 times over, on so many threads."""
    use_threads(keras, threads)
    model = sequential(keras, (512,), keras.layers.Dense(512), keras.layers.Dense(1))
    model.compile(optimizer=sgd(keras, 0.01), loss="mse")
    numbers = np.random.RandomState(SEED)
    start = [numbers.normal(size=weight.shape, scale=0.05) for weight in model.get_weights()]
    x, outcomes = numbers.normal(size=(512, 512)), []
    for _ in range(8):
        model.set_weights(start)
        for _ in range(2):
            model.train_on_batch(x, x[:, :1])
        outcomes.append(fingerprint(model.get_weights()))
    return outcomes


def use_threads(keras, threads):
    """Let the backend compute on so many threads. JAX is left alone: it offers no call for that."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(threads)
    tf = sys.modules.get("tensorflow")
    if hasattr(tf, "ConfigProto"):
        config = tf.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
        keras.backend.set_session(tf.Session(config=config))
    elif tf:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


for interpreter in (FIRST, SECOND):
    interpreter.prepare(train, (), SEED)
    interpreter.prepare(train, THE_THREE, SEED, OTHER_SEED, SEED)
    interpreter.prepare(outcomes_on_threads, 4)


@claim(answers=["19.1"])
def test_two_runs_without_seeds_differ(keras):
    """With no seeds, two runs of one program differ in their initial and in their final weights.

    The probability that 32 initial weights, of 24 random bits each, are equal by chance is less than 1e-200.
    """
    (first,), (second,) = run_in_each([FIRST, SECOND], train, (), SEED)
    assert first[0] != second[0]
    assert first[1][-1] != second[1][-1]


@claim(varies_on=RACES, answers=["19.3"])
def test_three_seeds_make_two_runs_bit_identical(keras, evidence):
    """Seeding `random`, NumPy and the backend makes two runs bit-identical: weights after every batch, and losses.

    Two fresh interpreters, with different hash seeds, train with dropout, shuffling and Adam (keras#2280, #12800, #7937).
    On TensorFlow 1 they do so on a single thread: on several, chance decides over the last bits. In Keras 2.2.5 it does so
    on one, too, where Adam's step races with the counter of its steps: six runs gave two outcomes, four times and twice.
    """
    first, second = run_in_each([FIRST, SECOND], train, THE_THREE, SEED, OTHER_SEED, SEED)
    evidence("final loss in both interpreters", [first[0][2][-1], second[0][2][-1]])
    assert first == second


@claim(answers=["19.3"])
def test_another_seed_makes_another_run(keras):
    """Another seed gives other initial weights and another training."""
    one, another, _ = FIRST.run(train, THE_THREE, SEED, OTHER_SEED, SEED)
    assert one[0] != another[0]
    assert one[2] != another[2]


@claim(["keras<2.2.5", "keras>=2.3", "tf.keras>=2"], AssertionError, "test_seeding_again_goes_on", answers=["19.3"])
def test_seeding_again_repeats_the_run(keras):
    """Seeding again in the same interpreter, and building the model anew, repeats the run to the last bit."""
    one, _, again = FIRST.run(train, THE_THREE, SEED, OTHER_SEED, SEED)
    assert again == one


@claim(["keras>=2.2.5,<2.3", "tf.keras<2"], AssertionError, "test_seeding_again_repeats_the_run", answers=["19.3"])
def test_seeding_again_goes_on(keras):
    """Seeding again in the same interpreter, and building the model anew, does not repeat the run.

    In TensorFlow 1's graph an operation's seed depends on how many operations there were before it. Keras 2.2.5 starts with
    the same weights and trains otherwise; tf.keras starts with others.
    """
    one, _, again = FIRST.run(train, THE_THREE, SEED, OTHER_SEED, SEED)
    assert again != one


@claim(["keras<3", "keras[jax]>=3", "tf.keras<2.8"], AssertionError, "test_numpy_s_seed_can_be_left_out", answers=["19.3"])
def test_numpy_s_seed_is_needed(keras):
    """Without NumPy's seed, the seeds of `random` and of the backend do not repeat the run.

    In tf.keras 2.0 to 2.7 it is the layers of noise and the dropout of recurrent layers that draw their seeds from NumPy.
    """
    without = FIRST.run(train, (seed_python, seed_backend), SEED)
    assert without[0] != SECOND.run(train, THE_THREE, SEED, OTHER_SEED, SEED)[0]


@claim(["keras[tensorflow,torch]>=3", "tf.keras>=2.8"], AssertionError, "test_numpy_s_seed_is_needed", answers=["19.3"])
def test_numpy_s_seed_can_be_left_out(keras):
    """The seeds of `random` and of the backend repeat the run without NumPy's, to the last bit."""
    without = FIRST.run(train, (seed_python, seed_backend), SEED)
    assert without[0] == SECOND.run(train, THE_THREE, SEED, OTHER_SEED, SEED)[0]


def hash_and_set_order(keras, words):
    """The hash of the words and the order of a set of them, and both again after setting `PYTHONHASHSEED` in here."""
    found = []
    for _ in range(2):
        found.append([hash(tuple(words)), list(set(words))])
        os.environ["PYTHONHASHSEED"] = "7"
    return found


@claim(answers=["19.2"])
def test_the_hash_seed_counts_only_before_the_start(keras):
    """Python reads `PYTHONHASHSEED` when it starts: set in a running program, by `os.environ`, it changes no hash."""
    (before, after), _ = run_in_each([FIRST, SECOND], hash_and_set_order, WORDS)
    assert after == before


@claim(answers=["19.2"])
def test_the_hash_seed_orders_sets_of_strings(keras):
    """Interpreters started with one `PYTHONHASHSEED` agree on the hash of a string and the order of a set; others do not.

    So a vocabulary numbered in a set's order hangs on it: number `sorted(words)` instead.
    """
    (first, _), (second, _) = run_in_each([FIRST, SECOND], hash_and_set_order, WORDS)
    program = f"words = {WORDS!r}; print([hash(tuple(words)), list(set(words))])"
    printed = subprocess.check_output([sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": "1"})
    assert printed.decode().strip() == str(first)
    assert first != second


@claim([], AssertionError, "test_three_seeds_make_two_runs_bit_identical", varies_on=RACES, answers=["19.2"])
def test_a_run_needs_a_fixed_hash_seed(keras):
    """Seeded runs agree only under one `PYTHONHASHSEED`, and differ under two.

    Nothing that Keras computes hangs on it.
    """
    first, second = run_in_each([FIRST, SECOND], train, THE_THREE, SEED, OTHER_SEED, SEED)
    assert first != second


@claim(["keras[tensorflow]<2.3"], AssertionError, "test_several_threads_are_bit_identical", answers=["19.4"])
def test_bit_identity_needs_one_thread(keras, evidence):
    """On several threads, the same training steps give unlike weights.

    Two matrix products of 512 x 512, 8 tries: TensorFlow 1 sums in the order in which its threads are done (keras#2280).
    """
    outcomes = FIRST.run(outcomes_on_threads, 4)
    evidence("different outcomes of 8 tries", len(set(outcomes)))
    assert len(set(outcomes)) > 1


@claim(answers=["19.4"])
def test_one_thread_is_bit_identical(keras):
    """On a single thread the same training steps give bit-identical weights."""
    assert len(set(FIRST.run(outcomes_on_threads, 1))) == 1


@claim(["keras>=2.3", "keras[theano]", "tf.keras"], AssertionError, "test_bit_identity_needs_one_thread", answers=["19.4"])
def test_several_threads_are_bit_identical(keras, evidence):
    """On four threads of a CPU, too, two dense layers trained by SGD get bit-identical weights, in any interpreter.

    JAX and Theano are left to the number of threads that they take themselves.
    """
    first, second = run_in_each([FIRST, SECOND], outcomes_on_threads, 4)
    evidence("different outcomes of 16 tries", len({*first, *second}))
    assert len({*first, *second}) == 1


def program_of_2018(keras, config, session, default_graph, set_seed, set_session):
    """A whole program with the settings that the FAQ printed in 2018, but for the hash seed."""
    np.random.seed(42)
    random.seed(12345)
    set_seed(1234)
    threads = config(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    set_session(session(graph=default_graph(), config=threads))
    return one_run(keras)


@claim(
    ["keras<3", "tf.keras<2"],
    AttributeError,
    "test_one_thread_is_set_before_tensorflow_starts",
    needs=["tensorflow"],
    answers=["19.5"],
    varies_on=RACES,
)
def test_a_session_sets_one_thread(keras):
    """`tf.ConfigProto`, `tf.Session` and `K.set_session` set one thread, and with `tf.set_random_seed` two runs are equal."""
    import tensorflow as tf

    names = tf.ConfigProto, tf.Session, tf.get_default_graph, tf.set_random_seed, keras.backend.set_session
    first, second = run_in_each([FIRST, SECOND], program_of_2018, *names)
    assert first == second


def threads_used(keras, late, setters, getters):
    """What the getters say when the setters have asked for one thread, before or after TensorFlow's first operation."""
    if late:
        sequential(keras, (1,), keras.layers.Dense(1)).predict(np.ones((1, 1)), verbose=0)
    for setter in setters:
        setter(1)
    sequential(keras, (1,), keras.layers.Dense(1)).predict(np.ones((1, 1)), verbose=0)
    return [getter() for getter in getters]


@claim(
    ["keras>=3", "tf.keras>=2"],
    (AttributeError, pytest.fail.Exception),
    "test_a_session_sets_one_thread",
    needs=["tensorflow"],
    answers=["19.4", "19.5"],
)
def test_one_thread_is_set_before_tensorflow_starts(keras):
    """`tf.config.threading` sets one thread, without a session, before TensorFlow's first operation; later it is an error."""
    import tensorflow as tf

    api = tf.config.threading
    setters = api.set_intra_op_parallelism_threads, api.set_inter_op_parallelism_threads
    getters = api.get_intra_op_parallelism_threads, api.get_inter_op_parallelism_threads
    assert FIRST.run(threads_used, False, setters, getters) == [1, 1]
    with pytest.raises(JobError, match="RuntimeError"):
        FIRST.run(threads_used, True, setters, getters)


@claim(["keras>=3", "tf.keras>=2.7"], AttributeError, "test_three_seeds_make_two_runs_bit_identical", answers=["19.6"])
def test_set_random_seed_alone_is_enough(keras):
    """One call of `keras.utils.set_random_seed(s)` gives the run that the three seeds `s` give, to the last bit."""
    alone = FIRST.run(train, (keras.utils.set_random_seed,), SEED)
    assert alone[0] == SECOND.run(train, THE_THREE, SEED, OTHER_SEED, SEED)[0]


def train_deterministically(keras, enable, seeders):
    """The same training, with TensorFlow's deterministic operations asked for."""
    enable()
    return train(keras, seeders, SEED)


@claim(
    ["keras>=3", "tf.keras>=2.8"],
    AttributeError,
    "test_three_seeds_make_two_runs_bit_identical",
    needs=["tensorflow"],
    answers=["19.6"],
)
def test_op_determinism_demands_a_seed(keras):
    """After `tf.config.experimental.enable_op_determinism()` a run with no seed is an error; with seeds it repeats."""
    import tensorflow as tf

    enable = tf.config.experimental.enable_op_determinism
    with pytest.raises(JobError, match=r"RuntimeError: .*seed"):
        FIRST.run(train_deterministically, enable, ())
    first, second = run_in_each([FIRST, SECOND], train_deterministically, enable, THE_THREE)
    assert first == second


def program(keras, set_random_seed):
    """A whole program that gives the same model whenever it runs: seed first, then make the data and the model."""
    set_random_seed(812)
    x = np.random.normal(size=(16, 4))
    y = x.sum(axis=1, keepdims=True)
    layers = keras.layers.Dense(8, activation="relu"), keras.layers.Dropout(0.2), keras.layers.Dense(1)
    model = sequential(keras, (4,), *layers)
    model.compile(optimizer="adam", loss="mse")
    history = model.fit(x, y, validation_split=0.25, batch_size=4, epochs=2, verbose=0).history
    return history["loss"], history["val_loss"], model.predict(x, batch_size=4, verbose=0).tolist()


@claim(["keras>=3", "tf.keras>=2.7"], AttributeError, "test_three_seeds_make_two_runs_bit_identical", answers=["19.R1", "19.6"])
def test_a_whole_program_repeats_its_results(keras, evidence):
    """A program that begins with `keras.utils.set_random_seed` gives the same data, losses and predictions each time."""
    first, second = run_in_each([FIRST, SECOND], program, keras.utils.set_random_seed)
    evidence("validation loss of each epoch", first[1])
    assert first == second
