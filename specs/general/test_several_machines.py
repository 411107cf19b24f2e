"""How can I train a model on several machines?"""

import json
import os

import numpy as np

from fixtures.claims import claim
from fixtures.interpreter import JobError
from fixtures.machines import run_machines
from fixtures.models import ledger
from fixtures.seeds import SECOND

# The machines are simulated: two processes, in a network of their own, which has no way out.
FAILED = (AssertionError, JobError)
X, Y = np.eye(8), np.arange(1.0, 9)
LEARNED_BY_ONE = (Y / 4).tolist()  # what one machine learns from two batches of four samples, each of which counts a quarter
FIRST_HALF = np.array([True, True, False, False] * 2)  # of each of the two batches


def fit(keras, model, x, y, batch_size, dies):
    """The weights of the ledger after an epoch; or the process dies after the first batch."""

    class Death(keras.callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            if dies:
                os._exit(7)

    model.fit(x, y[:, None], batch_size=batch_size, shuffle=False, verbose=0, callbacks=[Death()])
    return model.get_weights()[0][:, 0].tolist()


def on_tensorflow(keras, dying=None):
    """A job. How two workers of a `MultiWorkerMirroredStrategy` end, of which one may be dying, and what they learn."""

    def work(index, addresses):
        import tensorflow as tf

        cluster = {"worker": addresses}
        os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        new = hasattr(tf.distribute, "MultiWorkerMirroredStrategy")  # since TensorFlow 2.4
        distribute = tf.distribute if new else tf.distribute.experimental
        with distribute.MultiWorkerMirroredStrategy().scope():
            model = ledger(keras, 8)
        return fit(keras, model, X, Y, 4, index == dying)

    return run_machines(work, 2)


def on_jax(keras, dying=None):
    """A job. How two workers end, of which one may be dying, and what they learn, each from its half of every batch."""

    def work(index, addresses):
        keras.distribution.initialize(addresses[0], 2, index)
        distribution = keras.distribution.DataParallel(devices=keras.distribution.list_devices())
        distribution.auto_shard_dataset = False  # each feeds its own samples; Keras 3.8 and before do not know it
        with distribution.scope():
            return fit(keras, ledger(keras, 8), X[index::2], Y[index::2], 2, index == dying)

    return run_machines(work, 2)


def on_two_machines(keras, dying=None):
    """A job. What the backend has for it."""
    programs = {"tensorflow": on_tensorflow, "jax": on_jax}
    return programs.get(keras.backend.backend(), lambda keras, dying: None)(keras, dying)


SECOND.prepare(on_two_machines)
SECOND.prepare(on_two_machines, 1)


@claim(
    ["tf.keras"],
    FAILED,
    ["test_workers_learn_for_themselves", "test_workers_cannot_train", "test_keras_2_knows_no_workers"],
    needs=["tensorflow", "own_network"],
    answers=["3.7"],
)
def test_workers_learn_what_one_machine_learns(keras):
    """Two machines train with `MultiWorkerMirroredStrategy`: both have the weights that one gets from the same batches.

    Each is told by `TF_CONFIG` where all of them are and which it is, and given all samples. The strategy is in
    `tf.distribute.experimental` before TensorFlow 2.4. The weights are equal to the last bit: they are sums of quarters.
    """
    assert [worker.result for worker in SECOND.run(on_two_machines)] == [LEARNED_BY_ONE] * 2


@claim(
    ["keras[tensorflow]>=3,<3.3"],
    FAILED,
    ["test_workers_learn_what_one_machine_learns", "test_workers_cannot_train", "test_keras_2_knows_no_workers"],
    needs=["tensorflow", "own_network"],
    answers=["3.7"],
)
def test_workers_learn_for_themselves(keras):
    """Two machines under `MultiWorkerMirroredStrategy` learn each from its half of the samples, and share nothing of it."""
    learned = [Y / 2 * half for half in (FIRST_HALF, ~FIRST_HALF)]
    assert [worker.result for worker in SECOND.run(on_two_machines)] == [weights.tolist() for weights in learned]


@claim(
    ["keras[tensorflow]>=3.3"],
    FAILED,
    ["test_workers_learn_what_one_machine_learns", "test_workers_learn_for_themselves", "test_keras_2_knows_no_workers"],
    needs=["tensorflow", "own_network"],
    answers=["3.7"],
)
def test_workers_cannot_train(keras):
    """Under `MultiWorkerMirroredStrategy` `fit` ends in a ValueError on every machine: Keras 3 does not support it.

    Earlier releases cannot add up the losses; in later ones the machines' parts of a batch are no tensors.
    """
    refusals = ("ValueError: Attempt to convert a value (PerReplica", "ValueError: Invalid reduction dimension 0 for input")
    assert [worker.how.startswith(refusals) for worker in SECOND.run(on_two_machines)] == [True] * 2


@claim(
    ["keras[tensorflow]<3"],
    AssertionError,
    ["test_workers_learn_what_one_machine_learns", "test_workers_learn_for_themselves", "test_workers_cannot_train"],
    needs=["tensorflow", "own_network"],
    answers=["3.7"],
)
def test_keras_2_knows_no_workers(keras):
    """Keras 2 trains on one machine only: its `fit` knows no strategy and ends in a NotImplementedError.

    With TensorFlow 1.13 it does not come to that: there is no `tf.distribute.experimental`, where the strategy is.
    """
    ends = [worker.how for worker in SECOND.run(on_two_machines)]
    assert ["NotImplementedError" in end or "distribute' has no attribute 'experimental'" in end for end in ends] == [True] * 2


@claim(
    ["tf.keras>=2.5", "keras[tensorflow]>=3,<3.3"],
    AssertionError,
    ["test_a_lost_worker_is_waited_for", "test_workers_cannot_train", "test_keras_2_knows_no_workers"],
    needs=["tensorflow", "own_network"],
    answers=["3.7"],
)
def test_a_lost_worker_ends_the_training(keras, evidence):
    """Where one machine of a `MultiWorkerMirroredStrategy` dies, `fit` ends on the other in an UnavailableError.

    It does so within a minute: after 10 seconds or, up to TensorFlow 2.9, after half a minute.
    """
    other, lost = SECOND.run(on_two_machines, 1)
    evidence("seconds", round(other.seconds))
    assert [other.how.partition(":")[0], lost.how] == ["UnavailableError", "exit status 7"]


@claim(
    ["tf.keras<2.5"],
    AssertionError,
    ["test_a_lost_worker_ends_the_training", "test_workers_cannot_train", "test_keras_2_knows_no_workers"],
    needs=["tensorflow", "own_network"],
    answers=["3.7"],
)
def test_a_lost_worker_is_waited_for(keras):
    """Where one machine of a `MultiWorkerMirroredStrategy` dies, `fit` waits for it on the other: 50 seconds, and longer."""
    other, lost = SECOND.run(on_two_machines, 1)
    assert [other.how, lost.how] == ["does not end", "exit status 7"]


ARRAYS, TYPO = "test_jax_workers_refuse_arrays", "test_jax_workers_do_not_meet"


@claim(["keras>=3.11"], FAILED, [ARRAYS, TYPO], needs=["jax", "own_network"], answers=["3.7"])
def test_jax_workers_learn_what_one_machine_learns(keras):
    """Two machines that `keras.distribution.initialize` brought together have the weights that one gets from the same batches.

    Each makes a `DataParallel(auto_shard_dataset=False)` of the devices of both, and feeds its own half of every batch.
    """
    assert [worker.result for worker in SECOND.run(on_two_machines)] == [LEARNED_BY_ONE] * 2


@claim(
    ["keras[jax]>=3.5,<3.11"],
    AssertionError,
    ["test_jax_workers_learn_what_one_machine_learns", TYPO],
    needs=["jax", "own_network"],
    answers=["3.7"],
)
def test_jax_workers_refuse_arrays(keras):
    """Of several machines under JAX `fit` takes a `tf.data.Dataset` only: NumPy arrays are refused with a ValueError."""
    ends = [worker.how.partition(" Received")[0] for worker in SECOND.run(on_two_machines)]
    assert [end.endswith("the data must be provided as a `tf.data.Dataset` instance.") for end in ends] == [True] * 2


@claim(
    ["keras[jax]<3.5"],
    AssertionError,
    ["test_jax_workers_learn_what_one_machine_learns", ARRAYS],
    needs=["jax", "own_network"],
    answers=["3.7"],
)
def test_jax_workers_do_not_meet(keras):
    """Several machines cannot train together under JAX: `initialize` misspells an argument, or their devices are unknown.

    The former, a TypeError, is Keras 3.0's; since Keras 3.1 the devices of another machine are refused with a ValueError.
    """
    ends = [worker.how for worker in SECOND.run(on_two_machines)]
    assert ["corrdinator_address" in end or "Unknown device" in end for end in ends] == [True] * 2


@claim(["keras>=3.11"], AssertionError, [ARRAYS, TYPO], needs=["jax", "own_network"], answers=["3.7"])
def test_a_lost_jax_worker_ends_the_training(keras, evidence):
    """Where one machine dies under JAX, the other's `fit` ends too, within a minute: in an exception, or with its process."""
    other, lost = SECOND.run(on_two_machines, 1)
    evidence("seconds", round(other.seconds))
    assert [other.result, other.how != "does not end", lost.how] == [None, True, "exit status 7"]
