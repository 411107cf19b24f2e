"""How is a batch trained that is too large for the memory?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.batches import trained, updates
from fixtures.claims import claim
from fixtures.models import sequential, sgd
from fixtures.optimizers import WIDTH, adam_path, gradients_of_all_sizes, momentum_path, optimizer, plain_path, slopes, walk

NEW, BY_HAND = ["keras>=3"], "test_averaging_weights_is_one_step_of_the_large_batch"
REPAIRED = ["keras>=3.5"]  # keras#19990
seeds = st.integers(0, 2**31)


def accumulating(keras, steps, name="SGD", rate=0.5, start=0.0, **options):
    """The `slopes` model with an optimizer that accumulates gradients over so many batches."""
    return slopes(keras, optimizer(keras, name, rate, gradient_accumulation_steps=steps, **options), start)


def means(gradients, samples):
    """The mean gradients of batches of so many samples."""
    return gradients.reshape(-1, samples, 2, WIDTH).mean(axis=1)


def same(path, expected, rtol=1e-5):
    """Equal to the precision of float32, in weights that grew to the largest of these."""
    return path.shape == expected.shape and np.allclose(path, expected, rtol, atol=1e-6 * np.abs(expected).max())


@claim(NEW, TypeError, BY_HAND, answers=["4.1", "4.R1"], examples=1)
@given(steps=st.integers(2, 4), batch_size=st.integers(1, 3), seed=seeds)
def test_steps_once_in_so_many_batches(keras, steps, batch_size, seed):
    """With `gradient_accumulation_steps=k` the weights stay as they are for k - 1 batches, and step with the k-th."""
    gradients = gradients_of_all_sizes(seed, 2 * steps * batch_size)
    path = walk(keras, accumulating(keras, steps), gradients, batch_size)
    after_updates = np.concatenate([np.zeros((1, 2, WIDTH)), path[steps - 1 :: steps]])
    assert np.array_equal(path, after_updates[np.arange(1, 2 * steps + 1) // steps])
    assert np.all(np.diff(after_updates, axis=0) != 0)


@claim(NEW, TypeError, BY_HAND, answers=["4.R1"], examples=2)
@given(steps=st.integers(2, 4), batch_size=st.integers(1, 3), seed=seeds)
@example(steps=3, batch_size=2, seed=0)
def test_follows_the_mean_gradient_of_the_small_batches(keras, steps, batch_size, seed):
    """Accumulated over k batches of b samples, the update is that of one batch of k * b: it follows the mean gradient."""
    gradients = gradients_of_all_sizes(seed, 2 * steps * batch_size)
    path = walk(keras, accumulating(keras, steps), gradients, batch_size)
    assert same(path[steps - 1 :: steps], plain_path(means(gradients, steps * batch_size), 0.5))


@claim(NEW, TypeError, BY_HAND, answers=["4.R1"], examples=1)
@given(seed=seeds)
def test_accumulates_for_momentum(keras, seed):
    """With momentum too, k small batches are worth one large one, step after step: the velocity changes once in k batches."""
    gradients = gradients_of_all_sizes(seed, 12)
    path = walk(keras, accumulating(keras, 2, momentum=0.9), gradients, batch_size=2)
    assert same(path[1::2], momentum_path(means(gradients, 4), 0.5, 0.9))


@claim(REPAIRED, (AssertionError, TypeError), BY_HAND, answers=["4.R1"], examples=1)
@given(seed=seeds)
def test_accumulates_for_adam(keras, seed):
    """With Adam too, k small batches are worth one large one, step after step: its correction counts updates, not batches.

    That it counted batches before Keras 3.5 was reported in keras#19990.
    """
    gradients = gradients_of_all_sizes(seed, 12)
    path = walk(keras, accumulating(keras, 2, "Adam", 0.01), gradients, batch_size=2)
    assert same(path[1::2], adam_path(means(gradients, 4), 0.01), 1e-4)  # 1 - 0.999^t is off by up to 6e-8 of 0.001


@claim(NEW, TypeError, BY_HAND, answers=["4.R1"])
def test_accumulates_for_an_embedding(keras):
    """The words of all k batches move their embeddings, also those that several batches have."""
    model = sequential(keras, (1,), keras.layers.Embedding(3, 1, embeddings_initializer="zeros"), keras.layers.Flatten())
    chosen = optimizer(keras, "SGD", 1.0, gradient_accumulation_steps=2)
    model.compile(optimizer=chosen, loss=lambda target, output: -target * output)
    words, targets = np.array([[0], [0], [0], [2]]), np.array([[1.0], [2.0], [3.0], [4.0]])
    model.fit(words, targets, batch_size=2, shuffle=False, verbose=0)
    assert model.get_weights()[0].tolist() == [[(1 + 2 + 3) / 4], [0], [4 / 4]]


@claim(REPAIRED, (AssertionError, TypeError), BY_HAND, answers=["4.1", "4.R1"])
def test_iterations_count_updates(keras):
    """`optimizer.iterations` counts the updates, not the batches: of 7 batches accumulated in threes, 2.

    Before Keras 3.5 it counted the batches.
    """
    model = accumulating(keras, 3)
    walk(keras, model, gradients_of_all_sizes(0, 7))
    assert updates(keras, model) == 2


@claim(NEW, TypeError, BY_HAND, answers=["4.5", "4.R1"], examples=1)
@given(seed=seeds)
def test_accumulates_across_the_end_of_an_epoch(keras, seed):
    """What an epoch leaves over is kept: the next epoch's batches, and those of the next `fit`, complete it."""
    gradients, model = gradients_of_all_sizes(seed, 5), accumulating(keras, 3)
    path = np.concatenate([walk(keras, model, gradients, epochs=2), walk(keras, model, gradients[:2])])
    seen = np.concatenate([gradients, gradients, gradients[:2]])
    assert same(path[2::3], plain_path(means(seen, 3), 0.5))
    assert np.array_equal(path[9], path[8])  # the second epoch, and `fit`, ended with a batch left over


@claim([], (TypeError, AssertionError), "test_the_smaller_last_batch_counts_like_a_full_one", answers=["4.R1"])
def test_a_smaller_batch_weighs_by_its_samples(keras):
    """Accumulated over a full batch of 3 samples and a last one of 1, the update is that of one batch of 4 samples."""
    gradients = gradients_of_all_sizes(0, 4)
    path = walk(keras, accumulating(keras, 2), gradients, batch_size=3)
    assert same(path[1:], plain_path(means(gradients, 4), 0.5))


@claim(answers=["4.R1"], examples=1)
@given(seed=seeds, samples=st.integers(4, 5))
def test_the_smaller_last_batch_counts_like_a_full_one(keras, seed, samples):
    """The samples of a smaller last batch count for more: all batches weigh the same, whether their updates accumulate or not.

    So let the batch size divide the number of samples where accumulation has to equal a large batch exactly.
    """
    gradients = gradients_of_all_sizes(seed, samples)
    accumulates = hasattr(keras, "ops")
    model = accumulating(keras, 2) if accumulates else slopes(keras, sgd(keras, 0.25))
    path = walk(keras, model, gradients, batch_size=3)
    mean = (gradients[:3].mean(axis=0) + gradients[3:].mean(axis=0)) / 2
    assert same(path[1:], -0.5 * mean[None])


@claim(REPAIRED, (AssertionError, TypeError), BY_HAND, answers=["4.R1"], examples=1)
@given(seed=seeds)
def test_clips_the_mean_gradient_once(keras, seed):
    """Gradients are clipped once they are averaged, not batch by batch."""
    gradients = gradients_of_all_sizes(seed, 6)
    path = walk(keras, accumulating(keras, 3, clipvalue=0.75), gradients)
    assert same(path[2::3], plain_path(np.clip(means(gradients, 3), -0.75, 0.75), 0.5))


@claim(REPAIRED, (AssertionError, TypeError), BY_HAND, answers=["4.R1"])
def test_decays_the_weights_once_an_update(keras):
    """Weight decay is applied once an update, not at each of the small batches, as it was before Keras 3.5."""
    model = accumulating(keras, 3, rate=0.5, start=8.0, weight_decay=0.5)
    path = walk(keras, model, np.zeros((6, 2, WIDTH)))
    assert np.array_equal(path, np.broadcast_to(np.reshape([8, 8, 6, 6, 6, 4.5], (6, 1, 1)), path.shape))


@claim(NEW, TypeError, BY_HAND, answers=["4.R1"])
def test_refuses_to_accumulate_over_one_batch(keras):
    """`gradient_accumulation_steps` must be at least 2; 1 is refused with a ValueError, and None accumulates nothing."""
    with pytest.raises(ValueError, match="gradient_accumulation_steps"):
        sgd(keras, gradient_accumulation_steps=1)
    gradients = gradients_of_all_sizes(0, 3)
    assert same(walk(keras, accumulating(keras, None), gradients), plain_path(gradients, 0.5))


def network(keras, **options):
    """A small network, always with the same weights, and 32 samples for it.

    It has one layer: in Keras 2.2 on TensorFlow 1 the update of a layer races with the gradient of the layer below.
    """
    random = np.random.RandomState(0)
    model = sequential(keras, (4,), keras.layers.Dense(5, activation="tanh"))
    model.compile(optimizer=sgd(keras, rate=0.5, **options), loss="mse")
    model.set_weights([random.normal(size=weight.shape) for weight in model.get_weights()])
    return model, random.normal(size=(32, 4)), random.normal(size=(32, 5))


def step_by_calculus(model, x, y, rate=0.5):
    """The weights of `network` after one step of gradient descent on the mean squared error of all these samples."""
    kernel, bias = (weight.astype("float64") for weight in model.get_weights())
    output = np.tanh(x @ kernel + bias)
    slope = 2 * (output - y) * (1 - output**2) / y.size
    return [kernel - rate * (x.T @ slope), bias - rate * slope.sum(axis=0)]


def close(weights, expected):
    """Equal to the precision of float32."""
    return all(np.allclose(one, other, rtol=0, atol=1e-5) for one, other in zip(weights, expected))


@claim(NEW, TypeError, BY_HAND, answers=["4.R1"])
def test_four_batches_of_eight_are_one_of_32(keras):
    """Example: `SGD(gradient_accumulation_steps=4)` with a `batch_size` of 8 takes the step that a batch of 32 would take."""
    model, x, y = network(keras, gradient_accumulation_steps=4)
    expected = step_by_calculus(model, x, y)
    model.fit(x, y, batch_size=8, epochs=1, verbose=0)
    assert close(model.get_weights(), expected)


@claim(answers=["4.R1"])
def test_averaging_weights_is_one_step_of_the_large_batch(keras):
    """Example for any Keras: the mean of the weights to which small batches lead from one start is a large batch's SGD step.

    So it is because a step of plain SGD is proportional to the gradient; with momentum or Adam it is not.
    """
    model, x, y = network(keras)
    expected = step_by_calculus(model, x, y)
    start, reached = model.get_weights(), []
    for first in range(0, 32, 8):
        model.set_weights(start)
        model.train_on_batch(x[first : first + 8], y[first : first + 8])
        reached.append(model.get_weights())
    model.set_weights([np.mean(weights, axis=0) for weights in zip(*reached)])
    assert close(model.get_weights(), expected)


@claim(answers=["4.R1"], examples=2)
@given(parts=st.sampled_from([1, 2, 4, 8]), seed=seeds)
def test_the_gradient_of_a_batch_is_the_mean_of_its_parts(keras, parts, seed):
    """The update from a batch is the mean of the updates from its equal parts, which is what accumulation rests on."""
    random = np.random.RandomState(seed)
    inputs, targets = random.randint(-9, 10, (8, 24)).astype(float), random.randint(-9, 10, (8, 1)).astype(float)
    whole = trained(keras, inputs, targets, batch_size=8, shuffle=False)
    split = trained(keras, inputs, targets, batch_size=8 // parts, shuffle=False)
    assert len(split) == parts
    np.testing.assert_allclose(split.mean(axis=0), np.mean(inputs * targets, axis=0), atol=1e-3)  # weights below 8 * 81
    np.testing.assert_allclose(whole[0], np.mean(inputs * targets, axis=0), atol=1e-3)
