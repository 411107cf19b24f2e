"""Faults in what seeds do, put into a fork of a fresh interpreter or passed to it by name."""

import random
import sys
from types import SimpleNamespace

import numpy as np

from fixtures.seeds import SEED, THE_THREE, seed_backend


def stir(keras, patch, method):
    """After `method` of a model has been called, move its weights by numbers of the system's entropy."""
    original = getattr(keras.models.Model, method)

    def stirring(self, *args, **options):
        self.set_weights([weight + np.random.RandomState().normal(size=weight.shape) for weight in self.get_weights()])
        return original(self, *args, **options)

    patch.setattr(keras.models.Model, method, stirring)


def start_seeded(keras, patch):
    """Every generator starts at the same point in every interpreter."""
    for seeder in THE_THREE:
        seeder(SEED)


def seed_at_fit(keras, patch, draw):
    """`fit` seeds the backend itself, with `draw()`."""
    original = keras.models.Model.fit

    def fit(self, *args, **options):
        seed_backend(draw())
        return original(self, *args, **options)

    patch.setattr(keras.models.Model, "fit", fit)


def set_random_seed(seed):
    """What `keras.utils.set_random_seed` does, for a Keras that has none."""
    if type(seed) is not int:
        raise ValueError("the seed must be an integer")
    for seeder in THE_THREE:
        seeder(seed)
    _START_OVER.append(True)


def set_random_seed_but_python(seed):
    """`keras.utils.set_random_seed` forgets Python's generator."""
    for seeder in THE_THREE[1:]:
        seeder(seed)


def set_random_seed_but_numpy(seed):
    """`keras.utils.set_random_seed` forgets NumPy."""
    for seeder in THE_THREE[::2]:
        seeder(seed)


def set_random_seed_but_backend(seed):
    """`keras.utils.set_random_seed` forgets the backend."""
    for seeder in THE_THREE[:2]:
        seeder(seed)


def normal(shape):
    """What `keras.random.normal` does, for a Keras that has none: its generator is Keras's own, made when first used."""
    if _START_OVER:
        _START_OVER.clear()
        _OWN.seed(random.getrandbits(32))
    return _OWN.normal(size=shape)


_START_OVER = [True]
_OWN = np.random.RandomState()


def session(graph, config):
    """What `tf.Session` does, for a TensorFlow that has none: nothing."""


def config(**options):
    """What `tf.ConfigProto` does, for a TensorFlow that has none: nothing."""


def default_graph():
    """What `tf.get_default_graph` does, for a TensorFlow that has none: nothing."""


def set_session(session):
    """What `keras.backend.set_session` does, for a Keras that has none: nothing."""


def set_no_threads(threads):
    """Setting the number of threads is ignored."""


def set_thread(threads):
    """What `tf.config.threading` does, for a Keras on TensorFlow 1: it refuses once there is a session."""
    if sys.modules["keras.backend.tensorflow_backend"]._SESSION is not None:
        raise RuntimeError("too late")


def one():
    """The number of threads that is left then."""
    return 1


_STATE = {}


def enable_op_determinism():
    """What TensorFlow's function does, for a TensorFlow that has none: an unseeded draw is an error."""
    draw, seed = np.random.randint, np.random.seed
    _STATE.pop("seeded", None)

    def checked(*args, **options):
        if "seeded" not in _STATE:
            raise RuntimeError("set a seed first")
        return draw(*args, **options)

    def noted(number):
        _STATE["seeded"] = True
        seed(number)

    np.random.randint, np.random.seed = checked, noted


def enable_nothing():
    """`enable_op_determinism` does nothing."""


def generator_for_jax(patch):
    """Give JAX a global generator, found where PyTorch's would be, and return it."""
    generator = np.random.RandomState()
    patch.setitem(sys.modules, "torch", SimpleNamespace(manual_seed=generator.seed))
    return generator
