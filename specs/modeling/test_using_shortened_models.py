"""Is `compile` needed again after a layer was removed?"""

import numpy as np
import pytest

from fixtures.claims import claim
from fixtures.freezing import loss_of_a_step
from fixtures.models import sgd
from fixtures.stacks import stack

TENSORFLOW_3, JAX, TORCH = "keras[tensorflow]>=3", "keras[jax]>=3", "keras[torch]>=3"
RATE = 0.125
ONE, ZERO = np.ones((1, 1)), np.zeros((1, 1))


def halving(keras, removable, uses=()):
    """A factor of -2 and the layer to remove, compiled with these weights and then used so for inputs and targets of 0 or 1.

    Whatever is used before trains nothing: the inputs are zeros.
    """
    factor = keras.layers.Dense(1, use_bias=False)
    model = stack(keras, (1,), factor, removable)
    factor.set_weights([np.array([[-2.0]])])
    model.compile(optimizer=sgd(keras, RATE), loss="mse")
    for use in uses:
        USES[use](model, ZERO)
    model.pop()
    return model


USES = {
    "predict": lambda model, inputs: model.predict(inputs, verbose=0)[0].tolist(),
    "evaluate": lambda model, inputs: model.evaluate(inputs, ZERO, verbose=0),
    "train_on_batch": lambda model, inputs: loss_of_a_step(model, inputs, ZERO),
}
# What a factor of -2 alone gives for ONE, with ZERO as its target; with a ReLU behind it, 0; with another -2, 4 and 16.
RIGHT = {"predict": [-2.0], "evaluate": 4.0, "train_on_batch": 4.0}
STEP = -2.0 + RATE * 2 * 2  # the gradient of the squared error of -2 is 2 * -2


def relu(keras):
    """A layer of no weights, which makes zero of what is negative."""
    return keras.layers.Activation("relu")


def factor(keras):
    """A layer of one weight, -2."""
    return keras.layers.Dense(1, use_bias=False, kernel_initializer=keras.initializers.Constant(-2.0))


def results(model):
    """What each use of the model gives for ONE, the training last."""
    return {use: run(model, ONE) for use, run in USES.items()}


def recompile(keras, model):
    """Compile it with a new optimizer."""
    model.compile(optimizer=sgd(keras, RATE), loss="mse")


@claim(["keras", "tf.keras<2.2", "tf.keras>=2.3"], RuntimeError, "test_undoes_compile", answers=["15.1"])
def test_needs_no_compile_before_the_first_use(keras):
    """A model that was compiled and not used yet needs no `compile` after `pop()`: it predicts, evaluates and trains."""
    model = halving(keras, factor(keras))
    assert results(model) == RIGHT
    assert model.get_weights()[0].tolist() == [[STEP]]


@claim(["tf.keras>=2.2,<2.3"], pytest.fail.Exception, "test_needs_no_compile_before_the_first_use", answers=["15.1"])
def test_undoes_compile(keras):
    """`pop()` undoes `compile`: to evaluate or train is a RuntimeError until the next `compile`; `predict` works.

    TensorFlow 2.2 alone does so.
    """
    model = halving(keras, factor(keras))
    assert USES["predict"](model, ONE) == RIGHT["predict"]
    for use in ("evaluate", "train_on_batch"):
        with pytest.raises(RuntimeError, match="must compile your model"):
            USES[use](model, ONE)


@claim(answers=["15.1"])
def test_compile_puts_the_removal_into_effect(keras):
    """After `pop()` and `compile` a model that was used before predicts, evaluates and trains without the removed layer."""
    model = halving(keras, factor(keras), uses=USES)
    recompile(keras, model)
    assert results(model) == RIGHT
    assert model.get_weights()[0].tolist() == [[STEP]]


@claim(answers=["15.1"])
def test_compile_keeps_the_weights(keras):
    """`compile` after `pop()` leaves the weights of the layers that remain as they are."""
    model = halving(keras, relu(keras), uses=USES)
    recompile(keras, model)
    assert model.get_weights()[0].tolist() == [[-2.0]]


@claim([JAX, TORCH, "tf.keras<2.2"], AssertionError, "test_predict_goes_on_with_the_removed_layer", answers=["15.1"])
def test_predict_notices_the_removal(keras):
    """`predict`, after it was used once, notices without `compile` that a layer with weights was removed."""
    removed = factor(keras)
    model = halving(keras, removed, uses=["predict"])
    assert USES["predict"](model, ONE) == RIGHT["predict"]


@claim([TENSORFLOW_3, "keras<3", "tf.keras>=2.2"], AssertionError, "test_predict_notices_the_removal", answers=["15.1"])
def test_predict_goes_on_with_the_removed_layer(keras):
    """`predict`, after it was used once, goes on with the removed layer until the next `compile`, and says nothing.

    The layer is kept here: TensorFlow may raise FailedPreconditionError where nothing else refers to its weights any more.
    """
    removed = factor(keras)
    model = halving(keras, removed, uses=["predict"])
    assert USES["predict"](model, ONE) == [4.0]
    assert model.output_shape == (None, 1)


@claim([TORCH, "tf.keras<2.2"], AssertionError, "test_predict_goes_on_with_a_removed_activation", answers=["15.1"])
def test_predict_notices_a_removed_activation(keras):
    """`predict`, after it was used once, notices without `compile` that a layer of no weights was removed."""
    model = halving(keras, relu(keras), uses=["predict"])
    assert USES["predict"](model, ONE) == RIGHT["predict"]


@claim(
    [TENSORFLOW_3, JAX, "keras<3", "tf.keras>=2.2"],
    AssertionError,
    "test_predict_notices_a_removed_activation",
    answers=["15.1"],
)
def test_predict_goes_on_with_a_removed_activation(keras):
    """`predict`, after it was used once, goes on with a removed layer of no weights until the next `compile`."""
    model = halving(keras, relu(keras), uses=["predict"])
    assert USES["predict"](model, ONE) == [0.0]


@claim(
    [TORCH, "keras<3", "tf.keras<2.2"],
    (AssertionError, RuntimeError),
    ["test_evaluation_goes_on_with_a_removed_activation", "test_undoes_compile"],
    answers=["15.1"],
)
def test_evaluation_notices_a_removed_activation(keras):
    """`evaluate`, after it was used once, notices without `compile` that a layer of no weights was removed."""
    model = halving(keras, relu(keras), uses=["evaluate"])
    assert USES["evaluate"](model, ONE) == RIGHT["evaluate"]


@claim(
    [TENSORFLOW_3, JAX, "tf.keras>=2.3"],
    (AssertionError, RuntimeError),
    ["test_evaluation_notices_a_removed_activation", "test_undoes_compile"],
    answers=["15.1"],
)
def test_evaluation_goes_on_with_a_removed_activation(keras):
    """`evaluate`, after it was used once, goes on with a removed layer of no weights until the next `compile`."""
    model = halving(keras, relu(keras), uses=["evaluate"])
    assert USES["evaluate"](model, ONE) == 0.0


@claim(
    [TORCH, "keras<3", "tf.keras<2.2"],
    (AssertionError, RuntimeError),
    ["test_training_goes_on_with_a_removed_activation", "test_undoes_compile"],
    answers=["15.1"],
)
def test_training_notices_a_removed_activation(keras):
    """Training that went on before notices without `compile` that a layer of no weights was removed."""
    model = halving(keras, relu(keras), uses=["train_on_batch"])
    assert USES["train_on_batch"](model, ONE) == RIGHT["train_on_batch"]
    assert model.get_weights()[0].tolist() == [[STEP]]


@claim(
    [TENSORFLOW_3, JAX, "tf.keras>=2.3"],
    (AssertionError, RuntimeError),
    ["test_training_notices_a_removed_activation", "test_undoes_compile"],
    answers=["15.1"],
)
def test_training_goes_on_with_a_removed_activation(keras):
    """Training that went on before goes on with a removed layer of no weights until the next `compile`."""
    model = halving(keras, relu(keras), uses=["train_on_batch"])
    assert USES["train_on_batch"](model, ONE) == 0.0
    assert model.get_weights()[0].tolist() == [[-2.0]]  # the ReLU lets no gradient through


@claim([JAX], (pytest.fail.Exception, RuntimeError), "test_compile_puts_the_removal_into_effect", answers=["15.1"])
def test_jax_refuses_to_train_on(keras):
    """With JAX, a model that was trained raises ValueError in training after a layer with weights was removed."""
    model = halving(keras, factor(keras), uses=["train_on_batch"])
    with pytest.raises(ValueError, match="optimizer_variables"):
        USES["train_on_batch"](model, ONE)


@claim(
    [TENSORFLOW_3, "tf.keras>=2.3"],
    (AssertionError, ValueError, RuntimeError),
    "test_compile_puts_the_removal_into_effect",
    answers=["15.1"],
)
def test_trains_the_removed_layer_on(keras):
    """A model that was trained trains the removed layer on, with those that remain, until the next `compile`."""
    removed = factor(keras)
    model = halving(keras, removed, uses=["train_on_batch"])
    USES["train_on_batch"](model, ONE)  # of an output of 4, whose gradient in either factor is 2 * 4 * -2
    assert removed.get_weights()[0].tolist() == model.get_weights()[0].tolist() == [[-2.0 + RATE * 16]]


@claim(answers=["15.R1"])
def test_compiles_for_a_new_head(keras):
    """Example: replace the last layer of a trained model, and compile it: it learns with the new one."""
    model = stack(keras, (2,), keras.layers.Dense(3, activation="relu"), keras.layers.Dense(1, name="head"))
    model.compile(optimizer="sgd", loss="mse")
    model.fit(np.ones((4, 2)), np.ones((4, 1)), verbose=0)

    model.pop()
    model.add(keras.layers.Dense(5, activation="softmax", name="new_head"))
    model.compile(optimizer=sgd(keras, 1.0), loss="sparse_categorical_crossentropy")

    model.layers[0].set_weights([np.ones((2, 3)), np.zeros(3)])
    model.layers[1].set_weights([np.zeros((3, 5)), np.zeros(5)])
    losses = model.fit(np.ones((4, 2)), np.full(4, 3), epochs=2, batch_size=4, verbose=0).history["loss"]
    assert losses[0] == pytest.approx(np.log(5), rel=1e-6)  # five equal probabilities
    assert losses[1] < losses[0]
