"""Faults in training on several machines."""

import contextlib
import json
import os
import time
from types import SimpleNamespace

import numpy as np

from fixtures import machines
from specs.general import test_several_machines as spec
from tests.falsifiers import falsifies

TENSORFLOW, JAX = ["keras[tensorflow]", "tf.keras"], ["keras[jax]>=3"]


def training_is(keras, patch, train):
    """`fit` does what `train(model, callbacks)` does, and there is a strategy that does nothing."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        idle = lambda: SimpleNamespace(scope=contextlib.nullcontext)  # noqa: E731
        patch.setattr(tf.distribute, "MultiWorkerMirroredStrategy", idle, raising=False)

    def fit(self, x, y, callbacks=(), **options):
        train(self, callbacks)

    patch.setattr(keras.models.Model, "fit", fit)


def raising(keras, patch, error):
    """`fit` goes on to the end of the first batch, and raises this error."""

    def train(model, callbacks):
        for callback in callbacks:
            callback.on_batch_end(0)
        raise error

    training_is(keras, patch, train)


@falsifies(spec.test_workers_learn_what_one_machine_learns, on=["tf.keras"], in_interpreter=True)
@falsifies(spec.test_jax_workers_learn_what_one_machine_learns, on=JAX, in_interpreter=True)
def batches_are_each_machine_s(keras, patch):
    """The size of a batch is that of a machine's part of it."""
    original = keras.models.Model.fit

    def fit(self, x, y, batch_size, **options):
        return original(self, x, y, batch_size=2 * batch_size, **options)

    patch.setattr(keras.models.Model, "fit", fit)


@falsifies(spec.test_workers_learn_what_one_machine_learns, on=["keras[tensorflow]"], in_interpreter=True)
@falsifies(spec.test_workers_cannot_train, on=["keras[tensorflow]>=3"], in_interpreter=True)
@falsifies(spec.test_keras_2_knows_no_workers, on=["keras[tensorflow]<3"], in_interpreter=True)
@falsifies(spec.test_a_lost_worker_ends_the_training, on=["tf.keras"], in_interpreter=True)
@falsifies(spec.test_a_lost_jax_worker_ends_the_training, on=JAX, in_interpreter=True)
def all_is_learned_on_each(keras, patch):
    """Each machine learns all, be the others there or not."""
    training_is(keras, patch, lambda model, callbacks: model.set_weights([np.array(spec.LEARNED_BY_ONE)[:, None]]))


@falsifies(spec.test_workers_learn_for_themselves, on=TENSORFLOW, in_interpreter=True)
def halves_are_learned(keras, patch):
    """Each machine learns from its half of the samples."""

    def train(model, callbacks):

        index = json.loads(os.environ["TF_CONFIG"])["task"]["index"]
        model.set_weights([(spec.Y / 2 * (spec.FIRST_HALF ^ bool(index)))[:, None]])

    training_is(keras, patch, train)


@falsifies(spec.test_workers_cannot_train, on=["keras[tensorflow]<3", "tf.keras"], in_interpreter=True)
def training_is_refused(keras, patch):
    """`fit` refuses to work under a strategy."""
    raising(keras, patch, ValueError("Attempt to convert a value (PerReplica: {}) to a Tensor."))


@falsifies(spec.test_keras_2_knows_no_workers, on=["keras[tensorflow]>=3", "tf.keras"], in_interpreter=True)
def training_is_not_implemented(keras, patch):
    """`fit` knows no strategy."""
    raising(keras, patch, NotImplementedError())


@falsifies(spec.test_a_lost_worker_ends_the_training, on=["keras[tensorflow]"], in_interpreter=True)
def a_loss_is_told(keras, patch):
    """A machine that is lost is told of by `fit` on the other."""
    import tensorflow as tf

    raising(keras, patch, tf.errors.UnavailableError(None, None, "the worker is down"))


@falsifies(spec.test_a_lost_worker_is_waited_for, on=TENSORFLOW, in_interpreter=True)
def a_loss_is_waited_for(keras, patch):
    """A machine that is lost is waited for."""
    patch.setattr(machines, "GRACE", 1)  # for the sake of time

    def train(model, callbacks):
        for callback in callbacks:
            callback.on_batch_end(0)
        time.sleep(60)

    training_is(keras, patch, train)


@falsifies(spec.test_jax_workers_refuse_arrays, on=JAX, in_interpreter=True)
def arrays_are_refused(keras, patch):
    """`fit` takes no arrays."""
    raising(keras, patch, ValueError("the data must be provided as a `tf.data.Dataset` instance."))


@falsifies(spec.test_jax_workers_do_not_meet, on=JAX, in_interpreter=True)
def an_argument_is_misspelt(keras, patch):
    """`initialize` gives JAX an argument that it does not know."""

    def initialize(*args):
        raise TypeError("initialize() got an unexpected keyword argument 'corrdinator_address'")

    patch.setattr(keras.distribution, "initialize", initialize)
