"""Which random draws does `set_random_seed` reach?"""

import numpy as np

from fixtures.claims import claim
from fixtures.interpreter import JobError, run_in_each
from fixtures.models import input_layer, logbook, sequential
from fixtures.probes import noted
from fixtures.seeds import FIRST, OTHER_SEED, SECOND, SEED
from fixtures.stacks import as_array

SEEDS_ALL = ["keras>=3", "tf.keras>=2.7"]
INITIALIZERS = ["RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Orthogonal"]
INITIALIZERS += [size + shape for size in ("Glorot", "He", "Lecun") for shape in ("Normal", "Uniform")]
NUMBERS = np.arange(1.0, 17)[:, None]


def draws(keras, seed):
    """A job. What initializers, dropouts and noise without a seed of their own draw after `set_random_seed(seed)`."""
    keras.utils.set_random_seed(seed)
    k, x = keras.layers, input_layer(keras, (4,))
    layers = [k.Dense(4, kernel_initializer=getattr(keras.initializers, kind)()) for kind in INITIALIZERS]
    keras.models.Model(x, [layer(x) for layer in layers])
    drawn = {kind: layer.get_weights()[0].tolist() for kind, layer in zip(INITIALIZERS, layers)}
    ones, rates = np.ones((8, 2, 8), "float32"), {"dropout": 0.5, "recurrent_dropout": 0.5, "kernel_initializer": "ones"}
    noisy = [kind(0.5) for kind in (k.Dropout, k.SpatialDropout1D, k.GaussianDropout, k.AlphaDropout, k.GaussianNoise)]
    noisy += [kind(2, recurrent_initializer="ones", unroll=True, **rates) for kind in (k.SimpleRNN, k.LSTM, k.GRU)]
    for layer in noisy:
        model = sequential(keras, (2, 8), layer)
        drawn[type(layer).__name__] = as_array(keras, model(ones / 8, training=True)).tolist()
    return drawn


def orders(keras, seed):
    """A job. The order in which `fit` takes samples after `set_random_seed(seed)`, with each kind of shuffling."""
    keras.utils.set_random_seed(seed)
    book, taken = logbook(keras), {}
    for shuffle in (True, "batch"):
        book.fit(NUMBERS, NUMBERS, batch_size=8, epochs=2, shuffle=shuffle, verbose=0)
        taken[str(shuffle)] = noted(book)
        book = logbook(keras)
    return taken


for interpreter in (FIRST, SECOND):
    for job in (draws, orders):
        interpreter.prepare(job, SEED)


def unlike(one, other):
    """The names under which two jobs have drawn otherwise."""
    return [name for name in one if one[name] != other[name]]


@claim(SEEDS_ALL, (AssertionError, JobError), "test_a_seed_reaches_no_kind_before_there_is_one", answers=["19.3"])
def test_a_seed_reaches_every_kind_of_draw(keras):
    """After `set_random_seed(s)` every kind of initializer, of dropout and of noise draws the same in any process.

    With another seed each draws otherwise.
    """
    first, second = run_in_each([FIRST, SECOND], draws, SEED)
    assert unlike(first, second) == []
    assert unlike(first, FIRST.run(draws, OTHER_SEED)) == list(first)


@claim(SEEDS_ALL, (AssertionError, JobError), "test_a_seed_reaches_no_kind_before_there_is_one", answers=["19.3"])
def test_a_seed_reaches_every_kind_of_shuffling(keras):
    """After `set_random_seed(s)` `fit` takes the samples in the same order in any process, also with `shuffle="batch"`."""
    first, second = run_in_each([FIRST, SECOND], orders, SEED)
    assert unlike(first, second) == []
    assert unlike(first, FIRST.run(orders, OTHER_SEED)) == list(first)


@claim(["keras<3", "tf.keras<2.7"], AssertionError, "test_a_seed_reaches_every_kind_of_draw", answers=["19.3"])
def test_a_seed_reaches_no_kind_before_there_is_one(keras):
    """There is no `keras.utils.set_random_seed`: set the seeds of Python, NumPy and the backend each."""
    assert not hasattr(keras.utils, "set_random_seed")
