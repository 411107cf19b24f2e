"""What does one step of an optimizer do?"""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.errors import Flaky

from fixtures.batches import updates
from fixtures.claims import claim
from fixtures.optimizers import (
    WIDTH,
    adagrad_path,
    adam_path,
    gradients_of_all_sizes,
    momentum_path,
    optimizer,
    plain_path,
    rmsprop_path,
    slopes,
    walk,
)

OLD = ["keras<3"]
CLIPPED, UNCLIPPED = ["keras", "tf.keras<2", "tf.keras>=2.2"], ["tf.keras>=2,<2.2"]
seeds, rates = st.integers(0, 2**31), st.sampled_from([0.001, 0.1, 2.0])


def path(keras, gradients, name="SGD", rate=0.5, start=0.0, **options):
    """The weights of `slopes` after each step of this optimizer along these gradients."""
    return walk(keras, slopes(keras, optimizer(keras, name, rate, **options), start), gradients)


def same(measured, expected, rtol=1e-5):
    """Equal to the precision of float32, in weights that grew to the largest of these."""
    return measured.shape == expected.shape and np.allclose(measured, expected, rtol, atol=1e-6 * np.abs(expected).max())


ADAM = 1e-4  # 1 - 0.999^t, in float32, is off by up to 6e-8 of 0.001


@claim(answers=["4.1"], examples=1)
@given(seed=seeds, rate=rates)
@example(seed=0, rate=0.1)
def test_sgd_subtracts_the_rate_times_the_gradient(keras, seed, rate):
    """SGD takes the learning rate times the gradient off each weight: w = w - rate g."""
    gradients = gradients_of_all_sizes(seed, 3)
    assert same(path(keras, gradients, rate=rate), plain_path(gradients, rate))


@claim(answers=["4.1"], examples=1)
@given(seed=seeds)
def test_sgd_has_a_rate_of_a_hundredth_by_default(keras, seed):
    """`optimizer="sgd"` has the rate 0.01 and no momentum."""
    gradients = gradients_of_all_sizes(seed, 3)
    assert same(walk(keras, slopes(keras, "sgd"), gradients), plain_path(gradients, 0.01))


@claim(answers=["4.1"], examples=1)
@given(seed=seeds, momentum=st.sampled_from([0.5, 0.9]))
def test_momentum_keeps_a_part_of_the_step_before(keras, seed, momentum):
    """With `momentum=m` SGD moves by the velocity v = m v - rate g, which begins at zero: w = w + v."""
    gradients = gradients_of_all_sizes(seed, 4)
    assert same(path(keras, gradients, momentum=momentum), momentum_path(gradients, 0.5, momentum))


@claim(answers=["4.1"], examples=1)
@given(seed=seeds, momentum=st.sampled_from([0.5, 0.9]))
def test_nesterov_adds_the_momentum_of_the_new_velocity(keras, seed, momentum):
    """With `nesterov=True` the velocity v = m v - rate g is the same, but the move is one step ahead: w = w + m v - rate g."""
    gradients = gradients_of_all_sizes(seed, 4)
    measured = path(keras, gradients, momentum=momentum, nesterov=True)
    assert same(measured, momentum_path(gradients, 0.5, momentum, nesterov=True))


@claim(varies_on=OLD, otherwise=Flaky, answers=["4.1"], examples=1)
@given(seed=seeds, rate=rates)
def test_adam_divides_the_mean_by_the_root_of_the_mean_square(keras, evidence, seed, rate):
    """Adam moves by rate m / (1 - 0.9^t) / sqrt(v / (1 - 0.999^t)) with the averages m = 0.9 m + 0.1 g, v = 0.999 v + 0.001 g².

    t counts the steps from 1: the two quotients make up for averages that begin at zero. In Keras 2.2 on TensorFlow 1 the
    step races with the counter, and mostly takes the next t: in 297 of 300 steps tried. Its first step is then 0.744 of one.
    """
    gradients = gradients_of_all_sizes(seed, 6)
    measured, expected = path(keras, gradients, "Adam", rate), adam_path(gradients, rate)
    moves = zip(*(np.diff(one, axis=0, prepend=np.zeros_like(one[:1])) for one in (measured, expected)))
    evidence("right steps, of 6", sum(np.allclose(move, right, rtol=1e-3, atol=1e-3 * rate) for move, right in moves))
    assert same(measured, expected, ADAM)


@claim(varies_on=OLD, otherwise=Flaky, answers=["4.1"], examples=1)
@given(seed=seeds)
def test_adam_has_a_rate_of_a_thousandth_by_default(keras, seed):
    """`optimizer="adam"` has the rate 0.001, so that its first step moves each weight by 0.001, however large the gradient."""
    gradients = gradients_of_all_sizes(seed, 1)  # from a thousandth on: epsilon, 1e-7, takes off less than 1 of 300
    measured = walk(keras, slopes(keras, "adam"), gradients)
    assert np.allclose(measured, -0.001 * np.sign(gradients), rtol=0.004, atol=0)
    assert same(measured, adam_path(gradients, 0.001), ADAM)


TINY = {"rtol": 1e-3, "atol": 0}  # the two orders differ by a third and more


@claim(varies_on=OLD, otherwise=Flaky, answers=["4.1"], examples=1)
@given(seed=seeds)
def test_adam_adds_epsilon_before_the_correction(keras, seed):
    """Adam adds its epsilon, 1e-7, to sqrt(v) before v is corrected: in the first step it counts sqrt(1000) times.

    It shows where gradients are as small as 1e-6. It is the order that the paper gives at the end of its section 2.
    """
    gradients = gradients_of_all_sizes(seed, 3) * 1e-5
    assert np.allclose(path(keras, gradients, "Adam", 1.0), adam_path(gradients, 1.0), **TINY)


@claim([], AssertionError, "test_adam_adds_epsilon_before_the_correction", answers=["4.1"], examples=1)
@given(seed=seeds)
def test_adam_is_algorithm_1_of_its_paper(keras, seed):
    """Adam is the paper's Algorithm 1, for tiny gradients too: it adds epsilon to the root of the corrected mean square."""
    gradients = gradients_of_all_sizes(seed, 3) * 1e-5
    assert np.allclose(path(keras, gradients, "Adam", 1.0), adam_path(gradients, 1.0, inside=True), **TINY)


LARGE = 1000.0  # times a gradient, that it is 1 or more: an epsilon of 1e-7 takes off less than 1e-6 of a step


@claim(answers=["4.1"], examples=1)
@given(seed=seeds, rate=rates, rho=st.sampled_from([0.5, 0.95]))
def test_rmsprop_divides_by_the_root_of_the_mean_square(keras, seed, rate, rho):
    """RMSprop moves by rate g / sqrt(v), where v = rho v + (1 - rho) g² begins at zero."""
    gradients = LARGE * gradients_of_all_sizes(seed, 4)
    assert same(path(keras, gradients, "RMSprop", rate, rho=rho), rmsprop_path(gradients, rate, rho))


@claim(answers=["4.1"], examples=1)
@given(seed=seeds)
def test_rmsprop_has_a_rate_of_a_thousandth_by_default(keras, seed):
    """`optimizer="rmsprop"` has the rate 0.001, a rho of 0.9 and no momentum."""
    gradients = LARGE * gradients_of_all_sizes(seed, 4)
    assert same(walk(keras, slopes(keras, "rmsprop"), gradients), rmsprop_path(gradients))


@claim(["keras>=3", "tf.keras"], TypeError, "test_rmsprop_divides_by_the_root_of_the_mean_square", answers=["4.1"], examples=1)
@given(seed=seeds, momentum=st.sampled_from([0.5, 0.9]))
def test_rmsprop_may_have_momentum(keras, seed, momentum):
    """With `momentum=m` RMSprop moves by b = m b + rate g / sqrt(v), which begins at zero."""
    gradients = LARGE * gradients_of_all_sizes(seed, 4)
    assert same(path(keras, gradients, "RMSprop", momentum=momentum), rmsprop_path(gradients, 0.5, momentum=momentum))


BESIDE, WITHIN = ["keras<3", "tf.keras<2.11"], ["keras>=3", "tf.keras>=2.11"]  # where RMSprop's epsilon is


@claim(WITHIN, AssertionError, "test_rmsprop_adds_epsilon_to_the_root", answers=["4.1"], examples=1)
@given(seed=seeds)
def test_rmsprop_adds_epsilon_to_the_mean_square(keras, seed):
    """RMSprop adds its epsilon, 1e-7, to the mean square, under the root: small gradients move a weight by less.

    Those below 1e-4 move it by less than the rate.
    """
    gradients = gradients_of_all_sizes(seed, 3) * 1e-3
    assert np.allclose(path(keras, gradients, "RMSprop", 1.0), rmsprop_path(gradients, 1.0), **TINY)


@claim(BESIDE, AssertionError, "test_rmsprop_adds_epsilon_to_the_mean_square", answers=["4.1"], examples=1)
@given(seed=seeds)
def test_rmsprop_adds_epsilon_to_the_root(keras, seed):
    """RMSprop adds its epsilon, 1e-7, to the root of the mean square: only gradients as small as that are held back."""
    gradients = gradients_of_all_sizes(seed, 3) * 1e-3
    assert np.allclose(path(keras, gradients, "RMSprop", 1.0), rmsprop_path(gradients, 1.0, inside=False), **TINY)


@claim(["keras>=3", "tf.keras"], AssertionError, "test_adagrad_begins_at_zero", answers=["4.1"], examples=1)
@given(seed=seeds, rate=rates)
def test_adagrad_begins_at_a_tenth(keras, seed, rate):
    """Adagrad moves by rate g / sqrt(a), where a is the sum of all g² so far, and 0.1 at first."""
    gradients = 30 * gradients_of_all_sizes(seed, 4)  # so large that an epsilon of 1e-7 is nothing
    assert same(path(keras, gradients, "Adagrad", rate), adagrad_path(gradients, rate, 0.1))


@claim(["keras<3"], AssertionError, "test_adagrad_begins_at_a_tenth", answers=["4.1"], examples=1)
@given(seed=seeds, rate=rates)
def test_adagrad_begins_at_zero(keras, seed, rate):
    """Adagrad moves by rate g / sqrt(a), where a is the sum of all g² so far: its first step is the rate."""
    gradients = 30 * gradients_of_all_sizes(seed, 4)
    assert same(path(keras, gradients, "Adagrad", rate), adagrad_path(gradients, rate, 0.0))


@claim(answers=["4.1"])
def test_iterations_count_steps(keras):
    """`optimizer.iterations` counts the steps: 0 at first, then one more with each batch."""
    model = slopes(keras, optimizer(keras, "Adam", 0.1))
    assert updates(keras, model) == 0
    walk(keras, model, gradients_of_all_sizes(0, 5))
    assert updates(keras, model) == 5


@claim(["keras>=3", "tf.keras"], AttributeError, "test_sgd_subtracts_the_rate_times_the_gradient", answers=["4.1"])
def test_a_schedule_counts_updates(keras):
    """A learning rate may be a schedule of the updates made so far, such as `PiecewiseConstantDecay`.

    Each update takes the rate for the number of updates before it. With bounds 1 and 3 the updates 0 and 1 take the first
    rate, 2 and 3 the second, later ones the third.
    """
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1, 3], [1.0, 0.5, 0.25])
    gradients = gradients_of_all_sizes(0, 6)
    rates = np.array([1.0, 1.0, 0.5, 0.5, 0.25, 0.25])[:, None, None]
    model = slopes(keras, keras.optimizers.SGD(learning_rate=schedule))
    assert same(walk(keras, model, gradients), plain_path(rates * gradients, 1.0))


@claim(CLIPPED, AssertionError, "test_fit_clips_nothing", answers=["4.1"], examples=1)
@given(seed=seeds)
def test_clipvalue_bounds_each_number(keras, seed):
    """`clipvalue=c` bounds each number of the gradient to between -c and c."""
    gradients = gradients_of_all_sizes(seed, 2)
    assert same(path(keras, gradients, clipvalue=0.75), plain_path(np.clip(gradients, -0.75, 0.75), 0.5))


def shortened(gradients, length, axes):
    """The gradients, scaled down to this norm, taken over these axes, where theirs is larger."""
    norms = np.sqrt(np.sum(gradients**2, axis=axes, keepdims=True))
    return gradients * np.minimum(1, length / norms)


def norms_around_one(seed):
    """Gradients of two weights, of norms 0.5 and 3, then 3 and 0.5."""
    gradients = np.random.RandomState(seed).normal(size=(2, 2, WIDTH))
    return gradients / np.linalg.norm(gradients, axis=2, keepdims=True) * np.reshape([0.5, 3, 3, 0.5], (2, 2, 1))


@claim(
    ["keras>=3", "tf.keras<2", "tf.keras>=2.2"], AssertionError,
    ["test_clipnorm_bounds_the_norm_of_all_weights", "test_fit_clips_nothing"], answers=["4.1"], examples=1,
)  # fmt: skip
@given(seed=seeds)
def test_clipnorm_bounds_the_norm_of_each_weight(keras, seed):
    """`clipnorm=c` scales the gradient of each weight (of each array) for itself to norm c, where its norm is larger."""
    gradients = norms_around_one(seed)
    assert same(path(keras, gradients, clipnorm=1.0), plain_path(shortened(gradients, 1.0, axes=2), 0.5))


@claim(
    OLD, AssertionError, ["test_clipnorm_bounds_the_norm_of_each_weight", "test_fit_clips_nothing"],
    answers=["4.1"], examples=1,
)  # fmt: skip
@given(seed=seeds)
def test_clipnorm_bounds_the_norm_of_all_weights(keras, seed):
    """`clipnorm=c` scales the gradients of all weights alike, to a joint norm of c, where that is larger."""
    gradients = norms_around_one(seed)
    assert same(path(keras, gradients, clipnorm=1.0), plain_path(shortened(gradients, 1.0, axes=(1, 2)), 0.5))


@claim(
    UNCLIPPED, AssertionError, ["test_clipvalue_bounds_each_number", "test_clipnorm_bounds_the_norm_of_all_weights"],
    answers=["4.1"], examples=2,
)  # fmt: skip
@given(seed=seeds, option=st.sampled_from(["clipvalue", "clipnorm"]))
def test_fit_clips_nothing(keras, seed, option):
    """`fit` takes no notice of the optimizer's `clipvalue` and `clipnorm`."""
    gradients = gradients_of_all_sizes(seed, 2)
    assert same(path(keras, gradients, **{option: 0.5}), plain_path(gradients, 0.5))


@claim(["keras>=3", "tf.keras>=2.4"], TypeError, "test_has_no_global_clipnorm", answers=["4.1"], examples=1)
@given(seed=seeds)
def test_global_clipnorm_bounds_the_norm_of_all_weights(keras, seed):
    """`global_clipnorm=c` scales the gradients of all weights alike, to a joint norm of c, where that is larger."""
    gradients = norms_around_one(seed)
    assert same(path(keras, gradients, global_clipnorm=1.0), plain_path(shortened(gradients, 1.0, axes=(1, 2)), 0.5))


@claim(
    ["keras<3", "tf.keras<2.4"], pytest.fail.Exception, "test_global_clipnorm_bounds_the_norm_of_all_weights", answers=["4.1"]
)
def test_has_no_global_clipnorm(keras):
    """Optimizers have no `global_clipnorm`: it is refused with a TypeError."""
    with pytest.raises(TypeError, match="global_clipnorm"):
        optimizer(keras, "SGD", 0.5, global_clipnorm=1.0)


@claim(["keras>=3", "tf.keras>=2.11"], TypeError, "test_keras_2_has_no_weight_decay", answers=["4.1"], examples=1)
@given(seed=seeds)
def test_weight_decay_shrinks_the_weights_before_the_step(keras, seed):
    """`weight_decay=d` takes rate * d of each weight off it at each step, apart from the gradient (as in AdamW)."""
    gradients, weights, expected = gradients_of_all_sizes(seed, 3), 8.0, []
    for gradient in gradients:
        weights = weights * (1 - 0.5 * 0.25) - 0.5 * gradient
        expected.append(weights)
    assert same(path(keras, gradients, start=8.0, weight_decay=0.25), np.array(expected))


@claim(
    ["keras<3", "tf.keras<2.11"],
    pytest.fail.Exception,
    "test_weight_decay_shrinks_the_weights_before_the_step",
    answers=["4.1"],
)
def test_keras_2_has_no_weight_decay(keras):
    """Optimizers have no `weight_decay`: it is refused with a TypeError."""
    with pytest.raises(TypeError, match="weight_decay"):
        optimizer(keras, "SGD", 0.5, weight_decay=0.25)


@claim(answers=["4.1"])
def test_two_steps_with_momentum_by_hand(keras):
    """Example: two steps of SGD with momentum on the squared error of a line, followed by hand."""
    model = keras.models.Sequential([keras.layers.Dense(1, use_bias=False, input_shape=(1,))])
    model.compile(optimizer=keras.optimizers.SGD(0.125, momentum=0.5), loss="mse")
    model.set_weights([np.array([[2.0]])])
    for _ in range(2):
        model.train_on_batch(np.array([[1.0]]), np.array([[1.0]]))  # the gradient is 2 (w - 1): first 2, then 1.5
    assert model.get_weights()[0][0, 0] == (2 - 0.125 * 2) - 0.5 * 0.125 * 2 - 0.125 * 1.5
