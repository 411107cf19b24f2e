"""How do I compute in half precision?"""

import numpy as np

from fixtures.batches import set_rate
from fixtures.claims import claim
from fixtures.interpreter import JobError
from fixtures.models import sequential, sgd
from fixtures.seeds import FIRST

# All numbers are powers of two, or small multiples of them: what float16 and float32 hold of them is exact.
SINCE, FAILED, BEFORE = ["keras>=3", "tf.keras>=2.1"], (AssertionError, JobError), "test_floatx_makes_the_weights_half_too"

# JAX 0.4.31, with which Keras 3.5 is checked, computes in float32 what is between two operations.
OVERFLOW = ["keras[tensorflow,torch]>=3", "keras[jax]>=3,<3.5", "keras[jax]>=3.10", "tf.keras>=2.1"]


def chain(keras, rate, first, *others):
    """Layers that multiply by a number each, of which only the first is trained; the loss is `-target * output`."""
    constants = [keras.initializers.Constant(number) for number in (first, *others)]
    layers = [keras.layers.Dense(1, use_bias=False, kernel_initializer=constant) for constant in constants]
    model = sequential(keras, (1,), *layers)
    for layer in layers[1:]:
        layer.trainable = False
    model.compile(optimizer=sgd(keras, rate), loss=lambda target, output: -target * output)
    return model


def learned(model, target, batches=1):
    """The weight of the first layer after each of so many batches of one sample, a 1 with this target."""
    weights = []
    for _ in range(batches):
        model.train_on_batch(np.ones((1, 1)), np.full((1, 1), target))
        weights.append(model.get_weights()[0].item())
    return weights


def under_mixed_float16(keras):
    """A job. What is to be seen under the global policy, which cannot be taken back."""
    newer = hasattr(keras.mixed_precision, "set_global_policy")  # since TensorFlow 2.4
    set_policy = keras.mixed_precision.set_global_policy if newer else keras.mixed_precision.experimental.set_policy
    set_policy("mixed_float16")
    half = keras.layers.Dense(1, kernel_initializer="ones")
    models = {
        "hidden": sequential(keras, (1,), half),
        "last": sequential(keras, (1,), half, keras.layers.Dense(1, kernel_initializer="ones", dtype="float32")),
    }
    seen = {
        **{name: model.predict(np.ones((1, 1)), verbose=0).dtype.name for name, model in models.items()},
        "weights": {weight.dtype.name for weight in models["last"].get_weights()},
        "losses": [loss_of_512(keras, model) for model in models.values()],
        "small update": learned(chain(keras, 2.0**-12, 1.0), 1.0),
        "slower": learned(slower(keras, chain(keras, 1.0, 1.0)), 1.0),
        "small gradient": learned(chain(keras, 2.0**26, 0.0, 2.0**-13, 2.0**-13), 1.0),
        "overflow": learned(chain(keras, 1.0, 0.0), 4.0, batches=4),
        "reported": reported(chain(keras, 1.0, 1.0)),
    }
    if newer:
        set_policy("mixed_bfloat16")
        seen["in bfloat16"] = under_mixed_bfloat16(keras)
    return seen


def slower(keras, model):
    """The model, which will learn at a rate of 1/4 from now on."""
    set_rate(keras, model.optimizer, 0.25)
    return model


def loss_of_512(keras, model):
    """The mean squared error of this model, which passes a 512 on where a 0 was wanted."""
    model.compile(optimizer=sgd(keras), loss="mse")
    return model.evaluate(np.full((1, 1), 512.0), np.zeros((1, 1)), verbose=0)


def reported(model):
    """The losses that are told of the same sample: by `evaluate`, by `train_on_batch`, and by `fit` with the new weight."""
    one = np.ones((1, 1))
    losses = [model.evaluate(one, one, verbose=0), float(model.train_on_batch(one, one))]
    return [*losses, *model.fit(one, one, verbose=0).history["loss"]]


def under_mixed_bfloat16(keras):
    """Where this policy is set: the type of a layer's weights, whether its result has it too, and a small update."""
    half = sequential(keras, (1,), keras.layers.Dense(1))
    result = half.predict(np.ones((1, 1)), verbose=0).dtype.name
    weights = {weight.dtype.name for weight in half.get_weights()}
    return weights, result, learned(chain(keras, 2.0**-12, 1.0), 1.0)


def under_float16(keras):
    """A job. What small updates become, and in which type, where Keras's float type is set before there is a layer."""
    keras.backend.set_floatx("float16")
    lost, kept = chain(keras, 2.0**-12, 1.0), chain(keras, 2.0**-10, 1.0)
    return learned(lost, 1.0), learned(kept, 1.0), lost.get_weights()[0].dtype.name


FIRST.prepare(under_mixed_float16)
FIRST.prepare(under_float16)


@claim(SINCE, FAILED, BEFORE, answers=["2.6"])
def test_weights_are_float32_and_results_float16(keras):
    """Under the policy `mixed_float16` a layer keeps its weights in float32 and computes in float16, its result included.

    `set_global_policy("mixed_float16")` in `keras.mixed_precision`, in TensorFlow 2.1 to 2.3 `experimental.set_policy` there.
    A last layer with `dtype="float32"` gives float32, in which softmax and losses are better computed: the square of an error
    of 512 is infinite in float16. Keras 3 computes losses in float32 after a layer of float16, too.
    """
    seen = FIRST.run(under_mixed_float16)
    assert [seen["weights"], seen["hidden"], seen["last"]] == [{"float32"}, "float16", "float32"]
    of_half = 512**2 if hasattr(keras, "ops") else float("inf")
    assert seen["losses"] == [of_half, 512**2]


@claim(SINCE, FAILED, BEFORE, answers=["2.6"])
def test_small_updates_are_kept(keras):
    """Under `mixed_float16` a weight of 1 keeps an update of 2**-12, of which float16 would keep nothing.

    Under `mixed_bfloat16`, whose results are bfloat16, weights are float32 and keep it as well. The learning rate can be
    changed as under float32.
    """
    seen = FIRST.run(under_mixed_float16)
    assert [seen["small update"], seen["slower"]] == [[1 + 2.0**-12], [1.25]]
    if "in bfloat16" in seen:  # TensorFlow 2.1 could not multiply in it
        assert seen["in bfloat16"] == ({"float32"}, "bfloat16", [1 + 2.0**-12])


@claim(SINCE, FAILED, BEFORE, answers=["2.6"])
def test_the_loss_is_scaled(keras):
    """Under `mixed_float16` gradients that are too small for float16 are not lost: `compile` has the loss scaled.

    The gradient here is 2**-26, where the least float16 is 2**-24: at a rate of 2**26 the weight learns a 1, exactly. The loss
    that `fit`, `train_on_batch` and `evaluate` report is not the scaled one.
    """
    seen = FIRST.run(under_mixed_float16)
    assert seen["small gradient"] == [1]
    assert seen["reported"] == [-1, -1, -2]  # the sample's output, which its one update has made a 2


@claim(
    OVERFLOW,
    FAILED,
    [BEFORE, "test_no_step_overflows_in_float32"],
    answers=["2.6"],
)
def test_steps_that_overflow_are_skipped(keras):
    """Under `mixed_float16` a step whose scaled gradient overflows is skipped, and the scale, at first 2**15, is halved.

    A gradient of 4 is scaled to 2**17, then to 2**16, which float16 cannot hold, then to 2**15: the third batch is the first
    that is learned from.
    """
    assert FIRST.run(under_mixed_float16)["overflow"] == [0, 0, 4, 8]


@claim(
    ["keras[jax]>=3.5,<3.10"], AssertionError, "test_steps_that_overflow_are_skipped", needs=["jax"], answers=["2.6"]
)  # fmt: skip
def test_no_step_overflows_in_float32():
    """Under `mixed_float16` a gradient of 4 does not overflow where JAX's compiler keeps what lies between in float32.

    It is JAX's release that decides: Keras 3.5 was measured on JAX 0.4.31, and skips such steps on JAX 0.6.
    """
    assert FIRST.run(under_mixed_float16)["overflow"] == [4, 8, 12, 16]


@claim(answers=["2.6"])
def test_floatx_makes_the_weights_half_too(keras):
    """With `set_floatx("float16")` weights are float16 too, and lose small updates: of 2**-12 a weight of 1 keeps nothing."""
    assert FIRST.run(under_float16) == ([1], [1 + 2.0**-10], "float16")
