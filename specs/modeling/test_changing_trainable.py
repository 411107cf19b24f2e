"""What does a change of `trainable` do after `compile`?"""

import contextlib
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.freezing import compiled, moved, train, unit
from fixtures.models import input_layer, sequential, sgd

KERAS_2, KERAS_3, JAX, TORCH = ["keras<3", "tf.keras"], ["keras>=3"], "keras[jax]>=3", "keras[torch]>=3"
methods = st.sampled_from(["fit", "train_on_batch"])


@claim(KERAS_2, AssertionError, "test_needs_no_compile_before_training", bug="keras#22939", answers=["14.3"])
@given(method=methods)
def test_needs_compile_before_training(keras, method):
    """A change of `trainable` between `compile` and the first training has no effect, in either direction.

    keras#4674 and keras#6405 are of people who missed the `compile`.
    """
    layers = freed, frozen, _ = unit(keras, False), unit(keras), unit(keras)
    model = compiled(keras, *layers)
    freed.trainable, frozen.trainable = True, False
    assert moved(layers, train, model, method) == [False, True, True]


@claim(KERAS_3, AssertionError, "test_needs_compile_before_training", answers=["14.3"])
@given(method=methods)
def test_needs_no_compile_before_training(keras, method):
    """A change of `trainable` between `compile` and the first training takes effect without another `compile`."""
    layers = freed, frozen, _ = unit(keras, False), unit(keras), unit(keras)
    model = compiled(keras, *layers)
    freed.trainable, frozen.trainable = True, False
    assert moved(layers, train, model, method) == [True, False, True]


@claim(
    [*KERAS_2, "keras[tensorflow]>=3"],
    (AssertionError, ValueError),
    "test_refuses_what_was_unfrozen",
    bug="keras#22939",
    answers=["14.3"],
)
@given(method=methods)
def test_needs_compile_between_trainings(keras, method):
    """A change of `trainable` between two trainings with batches of one size has no effect, in either direction."""
    layers = freed, frozen, _ = unit(keras, False), unit(keras), unit(keras)
    model = compiled(keras, *layers)
    train(model, method)
    freed.trainable, frozen.trainable = True, False
    assert moved(layers, train, model, method) == [False, True, True]


@claim([JAX, TORCH], pytest.fail.Exception, "test_needs_compile_between_trainings", answers=["14.3"])
def test_refuses_what_was_unfrozen(keras):
    """With JAX and PyTorch, training raises ValueError where one layer more is free than in an earlier training."""
    layer = unit(keras, False)
    model = compiled(keras, layer, unit(keras))
    train(model)
    layer.trainable = True
    with pytest.raises(ValueError, match="variable"):
        train(model)


@claim([TORCH], (AssertionError, ValueError), "test_takes_effect_with_compile", answers=["14.3"])
def test_freezes_at_once_with_pytorch(keras):
    """With PyTorch, freezing a layer between two trainings takes effect without `compile`."""
    layers = frozen, _ = unit(keras), unit(keras)
    model = compiled(keras, *layers)
    train(model)
    frozen.trainable = False
    assert moved(layers, train, model) == [False, True]


@claim(KERAS_3, AssertionError, "test_needs_compile_between_trainings", answers=["14.3"])
def test_freezes_for_batches_of_another_size(keras):
    """A layer frozen since an earlier training is not trained by a batch of another size, which JAX refuses altogether.

    TensorFlow traces the training step anew for such a batch, and only then sees what has changed.
    """
    layer = unit(keras)
    model = compiled(keras, layer, unit(keras))
    train(model, samples=2)
    before = layer.get_weights()
    layer.trainable = False
    with contextlib.suppress(ValueError):
        train(model, samples=3)
    assert layer.get_weights() == before


@claim([JAX], pytest.fail.Exception, "test_takes_effect_with_compile", answers=["14.3"])
def test_costs_the_weights_with_jax(keras):
    """With JAX, a `fit` with one layer less free than in an earlier one raises ValueError, and the model's weights are lost."""
    layer = unit(keras)
    model = compiled(keras, layer, unit(keras))
    train(model, "fit")
    layer.trainable = False
    with pytest.raises(ValueError, match="optimizer_variables"):
        train(model, "fit")
    with pytest.raises(TypeError):
        layer.get_weights()


@claim(answers=["14.3"])
def test_takes_effect_with_compile(keras):
    """`compile` with a new optimizer puts a change of `trainable` into effect, either way, and leaves the weights alone."""
    layers = freed, frozen, _ = unit(keras, False), unit(keras), unit(keras)
    model = compiled(keras, *layers)
    train(model)
    freed.trainable, frozen.trainable = True, False
    assert moved(layers, lambda: model.compile(optimizer=sgd(keras, rate=0.01), loss="mse")) == [False] * 3
    assert moved(layers, train, model) == [True, False, True]


@claim(["keras<3"], pytest.fail.Exception, "test_is_silent_without_compile", bug="keras#22787", answers=["14.3"])
def test_warns_without_compile(keras):
    """The first training warns where a layer was frozen after `compile`."""
    layer = unit(keras)
    model = compiled(keras, layer, unit(keras))
    layer.trainable = False
    with pytest.warns(UserWarning, match="trainable"):
        train(model)


@claim(["keras>=3", "tf.keras"], AssertionError, "test_warns_without_compile", answers=["14.3"])
def test_is_silent_without_compile(keras):
    """Freezing a layer after `compile`, before or between trainings, brings no warning.

    With JAX, training raises ValueError instead where it was trained before. A warning like the one of Keras 2.2 was proposed
    in keras#22413.
    """
    first, second = unit(keras), unit(keras)
    model = compiled(keras, first, second, unit(keras))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for layer in (first, second):
            layer.trainable = False
            with contextlib.suppress(*([ValueError] if keras.backend.backend() == "jax" else [])):
                train(model)
    assert not [warning for warning in caught if "trainable" in str(warning.message)]


@claim(
    ["keras<3", "tf.keras<2.11"],
    (ValueError, KeyError, NotImplementedError, "tensorflow.python.autograph.impl.api.StagingError"),
    "test_takes_effect_with_compile",
    answers=["14.3"],
)
def test_lets_an_optimizer_train_what_is_unfrozen_later(keras):
    """`compile` with the optimizer that trained before a layer was unfrozen makes it train that layer too.

    Since TensorFlow 2.11 the next training raises an error that the variable is unknown (a KeyError, which TensorFlow 2.16
    wraps in one of its own), from Keras 3.7 to 3.12 on TensorFlow one that it cannot be printed: `compile` with a new
    optimizer.
    """
    layers = frozen, _ = unit(keras, False), unit(keras)
    model = compiled(keras, *layers)
    train(model)
    frozen.trainable = True
    model.compile(optimizer=model.optimizer, loss="mse")
    assert moved(layers, train, model) == [True, True]


@claim(answers=["14.3"])
def test_forgets_momentum_with_a_new_optimizer(keras):
    """A layer that is unfrozen and compiled with a new optimizer starts without the momentum that it had before."""
    model = sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros"))
    weights = []
    for model.layers[-1].trainable in (True, False, True):
        model.compile(optimizer=sgd(keras, rate=0.25, momentum=0.5), loss="mse")
        train(model)
        weights.append(model.get_weights()[0].item())
    assert weights == [2.5, 2.5, 3.75]  # half of what lacks to 5, and 2.5 * 0.5 more if there were momentum


def frozen_and_trainable(keras):
    """A layer that is frozen while the first model is compiled, and free while the second is; both models."""
    layer = unit(keras, False)
    x = input_layer(keras, (1,))
    y = layer(x)
    frozen_model, trainable_model = keras.models.Model(x, y), keras.models.Model(x, y)
    frozen_model.compile(optimizer="rmsprop", loss="mse")
    layer.trainable = True
    trainable_model.compile(optimizer="rmsprop", loss="mse")
    return layer, frozen_model, trainable_model


@claim(KERAS_2, AssertionError, "test_obeys_the_flag_at_the_first_training", bug="keras#22939", answers=["14.4"])
def test_obeys_the_flag_at_compile(keras):
    """Of two models that share a layer, one compiled while it is frozen and one while it is not, only the second trains it."""
    layer, frozen_model, trainable_model = frozen_and_trainable(keras)
    assert moved([layer], train, frozen_model) == [False]
    assert moved([layer], train, trainable_model) == [True]
    assert moved([layer], train, frozen_model) == [False]


@claim(KERAS_3, AssertionError, "test_obeys_the_flag_at_compile", answers=["14.4"])
def test_obeys_the_flag_at_the_first_training(keras):
    """Of two models that share a layer, each trains it as its flag stands at the model's first training, not at `compile`."""
    layer, frozen_model, trainable_model = frozen_and_trainable(keras)
    assert moved([layer], train, frozen_model) == [True]
    layer.trainable = False
    assert moved([layer], train, trainable_model) == [False]


@claim(answers=["14.4"])
def test_trains_models_that_share_a_layer_one_after_the_other(keras):
    """A layer that two models share learns in the one that trains it free, and not in the one that trains it frozen.

    Set the flag before each model's first training, too. What it learns is in both models.
    """
    layer, frozen_model, trainable_model = frozen_and_trainable(keras)
    layer.trainable = False
    assert moved([layer], train, frozen_model) == [False]
    layer.trainable = True
    assert moved([layer, frozen_model], train, trainable_model) == [True, True]


def adversaries(keras):
    """A generator, a discriminator compiled while free, and both in a row, compiled while the discriminator is frozen."""
    generator, discriminator = sequential(keras, (1,), unit(keras)), compiled(keras, unit(keras), momentum=0.9)
    discriminator.trainable = False
    return generator, discriminator, compiled(keras, generator, discriminator, momentum=0.9)


@claim(
    KERAS_2,
    (AssertionError, AttributeError),
    ["test_trains_no_discriminator_that_is_frozen_later", "test_trains_no_model_that_is_compiled_into_another"],
    bug="keras#22939",
    answers=["14.4"],
)
def test_trains_a_discriminator_that_is_frozen_later(keras):
    """A discriminator frozen after its `compile`, to train the generator through it, still learns by itself (keras#8585)."""
    generator, discriminator, combined = adversaries(keras)
    assert moved([generator, discriminator], train, discriminator) == [False, True]
    assert moved([generator, discriminator], train, combined) == [True, False]


@claim(
    ["keras>=3,<3.6", "keras>=3.8"],
    (AssertionError, AttributeError),
    ["test_trains_a_discriminator_that_is_frozen_later", "test_trains_no_model_that_is_compiled_into_another"],
    answers=["14.4"],
)
def test_trains_no_discriminator_that_is_frozen_later(keras):
    """A discriminator frozen after its `compile`, to train the generator through it, no longer learns by itself."""
    generator, discriminator, combined = adversaries(keras)
    assert moved([generator, discriminator], train, discriminator) == [False, False]
    assert moved([generator, discriminator], train, combined) == [True, False]


@claim(answers=["14.R2"])
def test_writes_no_file(keras, tmp_path, monkeypatch):
    """`compile` writes no file, in the working directory or at home: what it prepares stays in memory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    train(compiled(keras, unit(keras)))
    assert list(tmp_path.rglob("*")) == []


@claim(["keras>=3.6,<3.8"], pytest.fail.Exception, "test_trains_adversaries_in_turn", answers=["14.4"])
def test_trains_no_model_that_is_compiled_into_another(keras):
    """A compiled model cannot be trained after a model that it is part of was compiled: AttributeError, until it is again."""
    generator, discriminator, _ = adversaries(keras)
    discriminator.trainable = True
    with pytest.raises(AttributeError, match="update_state"):
        train(discriminator)
    discriminator.compile("sgd", "mse")
    assert moved([generator, discriminator], train, discriminator) == [False, True]


@claim(
    ["keras<3.6", "keras>=3.8", "tf.keras"],
    AttributeError,
    "test_trains_no_model_that_is_compiled_into_another",
    answers=["14.4"],
)
def test_trains_adversaries_in_turn(keras):
    """Worked example: generator and discriminator learn in turn if the flag is set before each step; no `compile` is needed."""
    generator, discriminator, combined = adversaries(keras)
    for _ in range(2):
        discriminator.trainable = True
        assert moved([generator, discriminator], train, discriminator) == [False, True]
        discriminator.trainable = False
        assert moved([generator, discriminator], train, combined) == [True, False]
