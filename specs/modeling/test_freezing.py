"""How are layers frozen, and what does freezing stop?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.freezing import compiled, frozen_normalization, frozen_penalty, loss_of_a_step, moved, passage, train, unit
from fixtures.models import input_layer, sequential, sgd
from fixtures.tensors import static_shape

KERAS_2, KERAS_3, FLAGGED = ["keras<3", "tf.keras"], ["keras>=3"], ["keras<3", "keras>=3.2", "tf.keras"]
KINDS = {"Dense": (2,), "Conv1D": (2, 2), "Embedding": (5, 2), "BatchNormalization": (), "PReLU": ()}
KINDS.update({"SimpleRNN": (2,), "LSTM": (2,), "GRU": (2,)})
small = st.integers(-3, 3).map(float)
batches = st.lists(small, min_size=4, max_size=4)


@claim(answers=["14.1", "14.2"])
def test_leaves_the_weights_alone(keras):
    """`fit` does not change the weights of a frozen layer by a bit, be it embedding, convolution, LSTM or normalization."""
    embedding, convolution = keras.layers.Embedding(6, 3), keras.layers.Conv1D(3, 2)
    normalization = keras.layers.BatchNormalization()
    recurrent = keras.layers.Bidirectional(keras.layers.LSTM(1, unroll=True))
    free, last = keras.layers.Dense(3, use_bias=False), keras.layers.Dense(1)
    layers = [embedding, free, convolution, normalization, recurrent, last]
    model = sequential(keras, (3,), *layers)
    for layer in (embedding, convolution, normalization, recurrent):
        layer.trainable = False
    model.compile(optimizer=sgd(keras, rate=0.1), loss="mse")
    samples, targets = np.arange(24).reshape(8, 3) % 6, np.arange(8.0)[:, None]
    learned = moved(layers, lambda: model.fit(samples, targets, batch_size=4, epochs=2, verbose=0))
    assert learned == [False, True, False, False, False, True]


@claim(answers=["14.1"])
def test_holds_against_more_than_gradients(keras):
    """No momentum, weight decay or averaging of the optimizer, no penalty and no constraint moves a frozen layer."""
    try:
        optimizer = sgd(keras, rate=0.01, momentum=0.9, weight_decay=0.1, use_ema=True, ema_overwrite_frequency=1)
    except (TypeError, ValueError):  # Keras 2.2 knows none of the last three
        optimizer = sgd(keras, rate=0.01, momentum=0.9)
    bound = {"kernel_regularizer": keras.regularizers.l2(1.0), "kernel_constraint": keras.constraints.max_norm(0.1)}
    frozen, free = keras.layers.Dense(1, kernel_initializer="ones", **bound), unit(keras)
    model = sequential(keras, (1,), frozen, free)
    frozen.trainable = False
    model.compile(optimizer=optimizer, loss="mse")
    assert moved([frozen, free], lambda: [train(model) for _ in range(3)]) == [False, True]
    if hasattr(keras, "ops") and keras.backend.backend() != "jax":  # JAX refuses an optimizer that has trained more layers
        frozen, free = unit(keras), unit(keras)
        model = sequential(keras, (1,), frozen, free)
        model.compile(optimizer=sgd(keras, rate=0.01, weight_decay=0.1), loss="mse")
        train(model)
        frozen.trainable = False
        model.compile(optimizer=model.optimizer, loss="mse")
        assert moved([frozen, free], train, model) == [False, True]


@claim(answers=["14.1", "14.2"])
def test_counts_weights_as_not_trainable(keras):
    """A frozen layer has no `trainable_weights`: all its weights are `non_trainable_weights`, until it is unfrozen."""
    for kind, sizes in KINDS.items():
        layer = getattr(keras.layers, kind)(*sizes)
        model = sequential(keras, (4,) if kind == "Embedding" else (4, 3), layer)
        free = len(layer.trainable_weights)
        layer.trainable = False
        assert [part.trainable_weights for part in (layer, model)] == [[]] * 2
        assert [len(part.non_trainable_weights) for part in (layer, model)] == [len(layer.get_weights())] * 2
        layer.trainable = True
        assert [len(part.trainable_weights) for part in (layer, model)] == [free] * 2
        assert free > 0


def built_frozen(keras, kind):
    """Models of a layer each: made with `trainable=False`, frozen before it was built, and free."""
    make, shape = getattr(keras.layers, kind), (4,) if kind == "Embedding" else (4, 3)
    made, early, free = make(*KINDS[kind], trainable=False), make(*KINDS[kind]), make(*KINDS[kind])
    early.trainable = False
    return [sequential(keras, shape, layer) for layer in (made, early, free)]


@claim(FLAGGED, AssertionError, "test_trains_a_layer_built_frozen", answers=["14.1", "14.2"])
def test_freezes_a_layer_built_frozen(keras):
    """A model trains no weights of a layer that is made with `trainable=False`, or frozen before it is built."""
    for kind in KINDS:
        made, early, free = built_frozen(keras, kind)
        assert [model.trainable_weights for model in (made, early)] == [[], []]
        assert len(made.non_trainable_weights) == len(early.non_trainable_weights) == len(free.get_weights())
        assert len(free.trainable_weights) > 0


@claim(["keras>=3,<3.2"], AssertionError, "test_freezes_a_layer_built_frozen", answers=["14.1", "14.2"])
def test_trains_a_layer_built_frozen(keras):
    """A model trains a layer that is made with `trainable=False`, or frozen before it is built: set the flag afterwards."""
    for kind in KINDS:
        made, early, free = built_frozen(keras, kind)
        assert len(made.trainable_weights) == len(early.trainable_weights) == len(free.trainable_weights) > 0


def made_frozen(keras, layers):
    """A functional model and a Sequential that are made with `trainable=False`, of one of these layers each."""
    inputs = input_layer(keras, (1,))
    functional = keras.models.Model(inputs, layers[0](inputs), trainable=False)
    return functional, keras.models.Sequential([input_layer(keras, (1,)), layers[1]], trainable=False)


@claim(["keras>=3"], (AssertionError, TypeError), "test_leaves_the_weights_alone", answers=["14.1"])
def test_trains_nothing_of_a_model_made_frozen(keras):
    """A model that is made with `trainable=False`, functional or Sequential, trains nothing in its own `fit`."""
    layers = [unit(keras), unit(keras)]
    for model in made_frozen(keras, layers):
        assert model.trainable_weights == []
        model.compile(optimizer=sgd(keras, rate=0.1), loss="mse")
        assert moved(layers, train, model, "fit") == [False, False]


@claim(["keras>=3"], (AssertionError, TypeError), "test_leaves_the_weights_alone", answers=["14.1"])
def test_a_sequential_made_frozen_is_trained_within_another(keras):
    """Within another model a Sequential made with `trainable=False` is trained: set the flag of its layers."""
    layer, free = unit(keras), unit(keras)
    model = sequential(keras, (1,), keras.models.Sequential([input_layer(keras, (1,)), layer], trainable=False), free)
    model.compile(optimizer=sgd(keras, rate=0.1), loss="mse")
    assert moved([layer, free], train, model) == [True, True]
    layer.trainable = False
    model.compile(optimizer=sgd(keras, rate=0.1), loss="mse")
    assert moved([layer, free], train, model) == [False, True]


@claim(FLAGGED, AssertionError, "test_trains_a_layer_built_frozen", answers=["14.2"], examples=5)
@given(flags=st.lists(st.booleans(), min_size=2, max_size=4))
@example(flags=[True, False])
def test_is_kept_by_a_copy_of_the_model(keras, flags):
    """`clone_model` and `to_json` keep which layers are frozen."""
    model = sequential(keras, (1,), *[unit(keras, flag) for flag in flags])
    copies = [keras.models.clone_model(model), keras.models.model_from_json(model.to_json())]
    assert [[layer.trainable for layer in copy.layers[1:]] for copy in copies] == [flags, flags]
    assert [len(copy.trainable_weights) for copy in copies] == [2 * sum(flags)] * 2


@claim(answers=["14.1"])
@given(first=small, second=small, x=small, target=small)
def test_lets_gradients_through(keras, first, second, x, target):
    """Gradients pass through a frozen layer: the layers before it learn as if it were not frozen."""
    model = passage(keras)
    model.set_weights([np.full((1, 1), first), np.full((1, 1), second)])
    model.train_on_batch(np.full((1, 1), x), np.full((1, 1), target))
    step = (target - first * second * x) * second * x  # whole numbers this small are exact
    assert [weights.item() for weights in model.get_weights()] == [first + step, second]


@claim(KERAS_2, AssertionError, "test_takes_its_penalty_out_of_the_loss", answers=["14.1"], examples=5)
@given(weight=small)
@example(weight=3.0)
def test_leaves_its_penalty_in_the_loss(keras, weight):
    """The L2 penalty of a frozen layer still counts in the loss."""
    model = frozen_penalty(keras)
    model.set_weights([np.full((1, 1), weight)])
    assert loss_of_a_step(model, np.ones((1, 1)), np.full((1, 1), weight)) == weight**2


@claim(KERAS_3, AssertionError, "test_leaves_its_penalty_in_the_loss", answers=["14.1"], examples=5)
@given(weight=small)
@example(weight=3.0)
def test_takes_its_penalty_out_of_the_loss(keras, weight):
    """The L2 penalty of a frozen layer no longer counts in the loss."""
    model = frozen_penalty(keras)
    model.set_weights([np.full((1, 1), weight)])
    assert loss_of_a_step(model, np.ones((1, 1)), np.full((1, 1), weight)) == 0


def nest(keras):
    """Two layers, the model that they are in, a third layer, and the model around these."""
    first, second, third = unit(keras), unit(keras), unit(keras)
    inner = sequential(keras, (1,), first, second)
    return first, second, inner, third, compiled(keras, inner, third)


@claim(answers=["14.5"])
@given(unfrozen=st.sampled_from([0, 2, 3]))
def test_freezes_all_within_a_model(keras, unfrozen):
    """A frozen model trains none of its layers, nor those of models in it, even if one of them is unfrozen again."""
    *inside, outer = nest(keras)
    outer.trainable = False
    inside[unfrozen].trainable = True
    outer.compile(optimizer="sgd", loss="mse")
    assert moved(inside, train, outer) == [False] * 4
    assert (len(outer.trainable_weights), len(outer.non_trainable_weights)) == (0, 6)


@claim(["keras>=3", "tf.keras"], AssertionError, "test_leaves_frozen_layers_of_a_free_model", answers=["14.5"])
@given(flag=st.booleans())
def test_sets_the_flag_of_each_layer(keras, flag):
    """Changing a model's `trainable` changes that of each of its layers and of those of models in it."""
    *inside, outer = nest(keras)
    outer.trainable = not flag
    outer.trainable = flag
    assert [layer.trainable for layer in inside] == [flag] * 4
    assert len(outer.trainable_weights) == 6 * flag


@claim(
    ["tf.keras", "keras[jax]>=3", "keras[torch]>=3"],
    AssertionError,
    "test_leaves_frozen_layers_of_a_free_model",
    answers=["14.5"],
)
def test_unfreezes_the_layers_of_a_free_model(keras):
    """`model.trainable = True` unfreezes each of its layers, although the model's own flag was True before."""
    first, _, inner, _, _ = nest(keras)
    first.trainable = False
    inner.trainable = True
    assert (first.trainable, len(inner.trainable_weights)) == (True, 4)


@claim(["keras<3", "keras[tensorflow]>=3"], AssertionError, "test_unfreezes_the_layers_of_a_free_model", answers=["14.5"])
def test_leaves_frozen_layers_of_a_free_model(keras):
    """`model.trainable = True` on a model whose own flag is True leaves its frozen layers frozen.

    Keras 2.2 has a flag for the model beside those of its layers. Keras 3 on TensorFlow takes no notice of a flag that is
    set to what it is: set it to False first.
    """
    first, _, inner, _, _ = nest(keras)
    first.trainable = False
    inner.trainable = True
    assert (first.trainable, len(inner.trainable_weights)) == (False, 2)


@claim(KERAS_2, AssertionError, "test_frees_a_layer_within_a_frozen_model", answers=["14.5"])
def test_keeps_a_layer_within_a_frozen_model_frozen(keras):
    """A layer that is unfrozen inside a frozen model stays frozen for a free model around that."""
    first, _, inner, _, outer = nest(keras)
    inner.trainable = False
    first.trainable = True
    assert (len(inner.trainable_weights), len(outer.trainable_weights)) == (0, 2)


@claim(KERAS_3, AssertionError, "test_keeps_a_layer_within_a_frozen_model_frozen", answers=["14.5"])
def test_frees_a_layer_within_a_frozen_model(keras):
    """A layer that is unfrozen inside a frozen model is trained by a free model around that."""
    first, second, inner, third, outer = nest(keras)
    inner.trainable = False
    first.trainable = True
    assert (len(inner.trainable_weights), len(outer.trainable_weights)) == (0, 4)
    outer.compile(optimizer="sgd", loss="mse")
    assert moved([first, second, third], train, outer) == [True, False, True]


@claim(KERAS_2, AssertionError, "test_forgets_a_wrapper_built_frozen", answers=["14.2", "14.5"])
def test_freezes_a_wrapper_built_frozen(keras):
    """A model does not train the layer in a `TimeDistributed` made with `trainable=False`."""
    wrapper = keras.layers.TimeDistributed(unit(keras), trainable=False)
    model = compiled(keras, keras.layers.Reshape((1, 1)), wrapper, keras.layers.Flatten())
    assert moved([wrapper], train, model) == [False]


@claim(KERAS_3, AssertionError, "test_freezes_a_wrapper_built_frozen", answers=["14.2", "14.5"])
def test_forgets_a_wrapper_built_frozen(keras):
    """A model trains the layer in a `TimeDistributed` made with `trainable=False`."""
    wrapper = keras.layers.TimeDistributed(unit(keras), trainable=False)
    model = compiled(keras, keras.layers.Reshape((1, 1)), wrapper, keras.layers.Flatten())
    assert moved([wrapper], train, model) == [True]


@claim(
    ["keras<3", "tf.keras<2.2", "tf.keras>=2.12"],
    AssertionError,
    "test_forgets_two_directions_built_frozen",
    answers=["14.2", "14.5"],
)
def test_freezes_two_directions_built_frozen(keras):
    """A model trains neither layer in a `Bidirectional` made with `trainable=False`."""
    wrapper = keras.layers.Bidirectional(keras.layers.GRU(1), trainable=False)
    assert sequential(keras, (1, 1), wrapper).trainable_weights == []


@claim(
    ["keras>=3", "tf.keras>=2.2,<2.12"],
    AssertionError,
    "test_freezes_two_directions_built_frozen",
    answers=["14.2", "14.5"],
)
def test_forgets_two_directions_built_frozen(keras):
    """A model trains both layers in a `Bidirectional` made with `trainable=False`.

    From TensorFlow 2.2 to 2.11 its own flag is lost, too.
    """
    wrapper = keras.layers.Bidirectional(keras.layers.GRU(1), trainable=False)
    assert len(sequential(keras, (1, 1), wrapper).trainable_weights) == 6


@claim(["keras>=3", "tf.keras>=2"], AssertionError, "test_normalizes_by_the_batch", answers=["14.1"], examples=10)
@given(x=batches, mean=small, variance=st.integers(1, 9))
def test_normalizes_by_moving_statistics(keras, x, mean, variance):
    """A frozen BatchNormalization normalizes by its moving statistics in training too, and keeps them.

    That they were moved all the same is keras#4762 and keras#6570; that the batch's own were used is keras#9522, which
    keras#9965 and keras#13892 wanted to mend and TensorFlow 2.0 did.
    """
    model = frozen_normalization(keras)
    model.set_weights([np.ones(1), np.zeros(1), np.full(1, mean), np.full(1, float(variance))])
    loss = loss_of_a_step(model, np.array(x)[:, None], np.zeros((4, 1)))
    assert loss == pytest.approx(np.mean((np.array(x) - mean) ** 2) / (variance + 1e-3), rel=1e-5)  # some roundings of 6e-8
    assert [weights.item() for weights in model.get_weights()] == [1, 0, mean, variance]


@claim(["keras<3", "tf.keras<2"], AssertionError, "test_normalizes_by_moving_statistics", answers=["14.1"], examples=10)
@given(x=batches, mean=small, variance=st.integers(1, 9))
def test_normalizes_by_the_batch(keras, x, mean, variance):
    """A frozen BatchNormalization normalizes by the training batch's own statistics, but keeps its moving ones."""
    model = frozen_normalization(keras)
    model.set_weights([np.ones(1), np.zeros(1), np.full(1, mean), np.full(1, float(variance))])
    loss = loss_of_a_step(model, np.array(x)[:, None], np.zeros((4, 1)))
    assert loss == pytest.approx(np.var(x) / (np.var(x) + 1e-3), rel=1e-5)  # some roundings of 6e-8
    assert [weights.item() for weights in model.get_weights()] == [1, 0, mean, variance]


@claim(answers=["14.1"])
def test_leaves_dropout_active(keras):
    """Dropout in a frozen model still drops in training, and only there."""
    model = sequential(keras, (50,), keras.layers.Dropout(0.5))
    model.trainable = False
    model.compile(optimizer="sgd", loss="mse")
    ones = np.ones((2, 50))  # what is dropped is 0, what is not is doubled: each is 1 off
    assert (loss_of_a_step(model, ones, ones), model.evaluate(ones, ones, verbose=0)) == (1.0, 0.0)


@claim(answers=["14.R3"], examples=5)
@given(features=st.integers(1, 4), units=st.integers(1, 4))
def test_connects_a_layer_by_calling_it(keras, features, units):
    """`y = layer(x)` gives the layer its weights, which later calls share; `y` is symbolic: it has a shape and no values."""
    layer = keras.layers.Dense(units)
    assert layer.weights == []
    x = input_layer(keras, (features,))
    y, again = layer(x), layer(x)
    model = keras.models.Model(x, [y, again])
    assert [weights.shape for weights in model.get_weights()] == [(features, units), (units,)]
    assert getattr(keras.backend, "is_keras_tensor", lambda tensor: True)(y)  # TensorFlow 1 does not say
    assert static_shape(keras, y) == [None, units]
    with pytest.raises((TypeError, ValueError)):
        float(y)


@claim(answers=["14.R1", "14.2"])
def test_trains_a_head_on_a_frozen_embedding(keras):
    """Worked example: an embedding with given vectors stays as it is while the layers that read it learn."""
    vectors = np.arange(12.0).reshape(6, 2)
    embedding, head = keras.layers.Embedding(6, 2), keras.layers.Dense(1, activation="sigmoid")
    model = sequential(keras, (3,), embedding, keras.layers.Flatten(), head)
    embedding.trainable = False
    embedding.set_weights([vectors])
    model.compile(optimizer="sgd", loss="binary_crossentropy")
    texts, labels = np.arange(12).reshape(4, 3) % 6, np.array([[0.0], [1.0], [0.0], [1.0]])
    assert moved([head], lambda: model.fit(texts, labels, epochs=2, verbose=0)) == [True]
    assert embedding.get_weights()[0].tolist() == vectors.tolist()


@claim(answers=["14.R1", "14.5"])
def test_fine_tunes_in_two_stages(keras):
    """Worked example: train a new head on a frozen base, then unfreeze the base, `compile` with a lower rate and train both."""
    base, head = sequential(keras, (1,), unit(keras), unit(keras)), unit(keras)
    model = sequential(keras, (1,), base, head)
    base.trainable = False
    model.compile(optimizer=sgd(keras, rate=0.01), loss="mse")
    assert moved([base, head], train, model) == [False, True]
    base.trainable = True
    model.compile(optimizer=sgd(keras, rate=0.001), loss="mse")
    assert moved([base, head], train, model) == [True, True]
