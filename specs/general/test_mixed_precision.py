"""How do I compute in half precision?"""

import numpy as np

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
    if hasattr(keras.mixed_precision, "set_global_policy"):
        keras.mixed_precision.set_global_policy("mixed_float16")
    else:  # before TensorFlow 2.4
        keras.mixed_precision.experimental.set_policy("mixed_float16")
    half = keras.layers.Dense(1)
    last = sequential(keras, (1,), half, keras.layers.Dense(1, dtype="float32"))
    models = {"hidden": sequential(keras, (1,), half), "last": last}
    return {
        **{name: model.predict(np.ones((1, 1)), verbose=0).dtype.name for name, model in models.items()},
        "weights": {weight.dtype.name for weight in last.get_weights()},
        "small update": learned(chain(keras, 2.0**-12, 1.0), 1.0),
        "small gradient": learned(chain(keras, 2.0**26, 0.0, 2.0**-13, 2.0**-13), 1.0),
        "overflow": learned(chain(keras, 1.0, 0.0), 4.0, batches=4),
    }


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
    A last layer with `dtype="float32"` gives float32, in which softmax and losses are better computed.
    """
    seen = FIRST.run(under_mixed_float16)
    assert [seen["weights"], seen["hidden"], seen["last"]] == [{"float32"}, "float16", "float32"]


@claim(SINCE, FAILED, BEFORE, answers=["2.6"])
def test_small_updates_are_kept(keras):
    """Under `mixed_float16` a weight of 1 keeps an update of 2**-12, of which float16 would keep nothing."""
    assert FIRST.run(under_mixed_float16)["small update"] == [1 + 2.0**-12]


@claim(SINCE, FAILED, BEFORE, answers=["2.6"])
def test_the_loss_is_scaled(keras):
    """Under `mixed_float16` gradients that are too small for float16 are not lost: `compile` has the loss scaled.

    The gradient here is 2**-26, where the least float16 is 2**-24: at a rate of 2**26 the weight learns a 1, exactly.
    """
    assert FIRST.run(under_mixed_float16)["small gradient"] == [1]


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
