"""Faults in the steps of optimizers."""

from types import SimpleNamespace

import numpy as np

from fixtures.batches import set_rate
from fixtures.optimizers import adagrad_path, adam_path, plain_path, rmsprop_path
from specs.training import test_optimizer_steps as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.batch_faults import optimizer_becomes, rate_of, walk_along

MODERN, OLD = ["keras>=3", "tf.keras>=2.11"], spec.OLD
WITH_MOMENTUM = ["keras>=3", "tf.keras"]  # of RMSprop; their Adagrad begins at a tenth


@falsifies(spec.test_sgd_subtracts_the_rate_times_the_gradient, spec.test_sgd_has_a_rate_of_a_hundredth_by_default)
@falsifies(spec.test_adam_divides_the_mean_by_the_root_of_the_mean_square)
@falsifies(spec.test_adam_has_a_rate_of_a_thousandth_by_default)
def takes_another_rate(keras, patch):
    """The learning rate is a hundredth too large."""

    def change(options):
        return lambda optimizer: set_rate(keras, optimizer, 1.01 * rate_of(keras, optimizer))

    optimizer_becomes(keras, patch, change, "SGD", "Adam")


@falsifies(spec.test_sgd_subtracts_the_rate_times_the_gradient)
def climbs(keras, patch):
    """The gradient is added."""
    walk_along(keras, patch, lambda gradients, model: plain_path(gradients, -rate_of(keras, model.optimizer)))


def rmsprop_becomes(keras, patch, *change, **changes):
    """RMSprop leads along the path that `rmsprop_path` gives with these arguments after the rate."""
    walk_along(
        keras, patch, lambda gradients, model: rmsprop_path(gradients, rate_of(keras, model.optimizer), *change, **changes)
    )


@falsifies(spec.test_rmsprop_divides_by_the_root_of_the_mean_square, spec.test_rmsprop_has_a_rate_of_a_thousandth_by_default)
def forgets_squares_sooner(keras, patch):
    """RMSprop's mean has a rho of 0.8."""
    rmsprop_becomes(keras, patch, 0.8)


@falsifies(spec.test_rmsprop_may_have_momentum, on=WITH_MOMENTUM)
def rmsprop_forgets_momentum(keras, patch):
    """RMSprop has no momentum, whatever it is given."""
    rmsprop_becomes(keras, patch)


@falsifies(spec.test_rmsprop_may_have_momentum, on=OLD)
def rmsprop_has_momentum(keras, patch):
    """RMSprop has a momentum."""
    original = keras.optimizers.RMSprop.__init__

    def __init__(self, momentum, **options):
        rmsprop_becomes(keras, patch, momentum=momentum)
        original(self, **options)

    patch.setattr(keras.optimizers.RMSprop, "__init__", __init__)


@falsifies(spec.test_rmsprop_adds_epsilon_to_the_mean_square, spec.test_rmsprop_adds_epsilon_to_the_root, on=spec.WITHIN)
def adds_epsilon_beside_the_root(keras, patch):
    """RMSprop adds its epsilon to the root."""
    rmsprop_becomes(keras, patch, inside=False)


@falsifies(spec.test_rmsprop_adds_epsilon_to_the_mean_square, spec.test_rmsprop_adds_epsilon_to_the_root, on=spec.BESIDE)
def adds_epsilon_within_the_root(keras, patch):
    """RMSprop adds its epsilon to the mean square."""
    rmsprop_becomes(keras, patch)


@falsifies(spec.test_adagrad_begins_at_a_tenth, spec.test_adagrad_begins_at_zero, on=WITH_MOMENTUM)
def adagrad_begins_at_zero(keras, patch):
    """Adagrad's sum begins at 0."""
    walk_along(keras, patch, lambda gradients, model: adagrad_path(gradients, rate_of(keras, model.optimizer), 0.0))


@falsifies(spec.test_adagrad_begins_at_a_tenth, spec.test_adagrad_begins_at_zero, on=OLD)
def adagrad_begins_at_a_tenth(keras, patch):
    """Adagrad's sum begins at 0.1."""
    walk_along(keras, patch, lambda gradients, model: adagrad_path(gradients, rate_of(keras, model.optimizer), 0.1))


@falsifies(spec.test_a_schedule_counts_updates, on=["keras>=3", "tf.keras"])
def stays_at_the_first_rate(keras, patch):
    """The rate is that of the first update."""
    walk_along(keras, patch, lambda gradients, model: plain_path(gradients, 1.0))


@falsifies(spec.test_a_schedule_counts_updates, on=OLD)
def has_schedules(keras, patch):
    """There are schedules, and they are followed."""
    patch.setattr(
        keras.optimizers, "schedules", SimpleNamespace(PiecewiseConstantDecay=lambda bounds, rates: 1.0), raising=False
    )
    original = keras.optimizers.SGD.__init__
    patch.setattr(keras.optimizers.SGD, "__init__", lambda self, learning_rate: original(self, lr=learning_rate))
    rates = np.array([1.0, 1.0, 0.5, 0.5, 0.25, 0.25])[:, None, None]
    walk_along(keras, patch, lambda gradients, model: plain_path(rates * gradients, 1.0))


@falsifies(spec.test_momentum_keeps_a_part_of_the_step_before, spec.test_nesterov_adds_the_momentum_of_the_new_velocity)
@falsifies(spec.test_two_steps_with_momentum_by_hand)
def forgets_momentum(keras, patch):
    """There is no momentum."""
    optimizer_becomes(keras, patch, lambda options: options.update(momentum=0.0, nesterov=False))


@falsifies(spec.test_momentum_keeps_a_part_of_the_step_before, spec.test_nesterov_adds_the_momentum_of_the_new_velocity)
def swaps_the_two_momentums(keras, patch):
    """Plain momentum is Nesterov's, and the other way round."""
    optimizer_becomes(keras, patch, lambda options: options.update(nesterov=not options.get("nesterov", False)))


@falsifies(spec.test_momentum_keeps_a_part_of_the_step_before)
def dampens_momentum(keras, patch):
    """The velocity is an average, to which the new gradient adds 1 - m of itself."""

    def path(gradients, model):
        velocity, weights = 0.0, 0.0
        for gradient in gradients:
            velocity = model.optimizer_momentum * velocity - (1 - model.optimizer_momentum) * 0.5 * gradient
            weights = weights + velocity
            yield weights

    patch.setattr(keras.models.Model, "optimizer_momentum", 0.9, raising=False)
    walk_along(keras, patch, path)


@falsifies(spec.test_adam_divides_the_mean_by_the_root_of_the_mean_square)
def forgets_faster(keras, patch):
    """The mean square forgets ten times as fast."""
    optimizer_becomes(keras, patch, lambda options: options.update(beta_2=0.99), "Adam")


@falsifies(spec.test_adam_divides_the_mean_by_the_root_of_the_mean_square, spec.test_iterations_count_steps, on=MODERN)
@falsifies(spec.test_iterations_count_steps, on=OLD)
@falsifies(spec.test_adam_has_a_rate_of_a_thousandth_by_default, on=MODERN)
def counts_from_one_too_many(keras, patch):
    """The steps are counted from 2."""

    def after(optimizer):
        if hasattr(keras, "ops"):
            optimizer._iterations.assign(1)
        elif hasattr(keras.Model, "train_step"):
            optimizer.iterations.assign(1)
        else:
            keras.backend.set_value(optimizer.iterations, 1)

    optimizer_becomes(keras, patch, lambda options: after, "Adam")


@falsifies(spec.test_adam_adds_epsilon_before_the_correction)
def has_another_epsilon(keras, patch):
    """Epsilon is 1e-8."""
    optimizer_becomes(keras, patch, lambda options: options.update(epsilon=1e-8), "Adam")


@falsifies(spec.test_adam_is_algorithm_1_of_its_paper, spec.test_adam_adds_epsilon_before_the_correction)
def corrects_before_epsilon(keras, patch):
    """Adam is Algorithm 1 of its paper."""
    walk_along(keras, patch, lambda gradients, model: adam_path(gradients, rate_of(keras, model.optimizer), inside=True))


@falsifies(spec.test_clipvalue_bounds_each_number, spec.test_clipnorm_bounds_the_norm_of_each_weight)
@falsifies(spec.test_clipnorm_bounds_the_norm_of_all_weights, spec.test_global_clipnorm_bounds_the_norm_of_all_weights)
def clips_wrongly(keras, patch):
    """Where the record says that it clips, it does not; elsewhere it does."""
    modern = hasattr(keras.Model, "train_step")
    wanted = {}

    def change(options):
        wanted.update(options)
        for name in ("clipvalue", "clipnorm", "global_clipnorm"):
            options.pop(name, None)

    optimizer_becomes(keras, patch, change)

    def path(gradients, model):
        if "global_clipnorm" in wanted and not modern:
            gradients = spec.shortened(gradients, 1.0, axes=(1, 2))
        elif "clipnorm" in wanted:
            gradients = spec.shortened(gradients, 1.0, axes=(1, 2) if modern else 2)
        return plain_path(gradients, 0.5)

    walk_along(keras, patch, path)


@falsifies(spec.test_fit_clips_nothing)
def forgets_to_clip(keras, patch):
    """`clipvalue` and `clipnorm` are accepted, and ignored."""
    optimizer_becomes(keras, patch, lambda options: options.pop("clipvalue", options.pop("clipnorm", None)) and None)


@falsifies(spec.test_has_no_global_clipnorm, on=OLD)
def ignores_global_clipnorm(keras, patch):
    """`global_clipnorm` is accepted, and ignored."""
    optimizer_becomes(keras, patch, lambda options: options.pop("global_clipnorm", None) and None)


@falsifies(spec.test_has_no_global_clipnorm, on=MODERN)
def refuses_global_clipnorm(keras, patch):
    """There is no `global_clipnorm`."""

    def change(options):
        if "global_clipnorm" in options:
            raise TypeError("unknown: global_clipnorm")

    optimizer_becomes(keras, patch, change)


@falsifies(spec.test_weight_decay_shrinks_the_weights_before_the_step, on=MODERN)
@falsifies(spec.test_keras_2_has_no_weight_decay, on=OLD)
def ignores_weight_decay(keras, patch):
    """`weight_decay` is accepted, and ignored."""
    optimizer_becomes(keras, patch, lambda options: options.pop("weight_decay", None) and None)


@falsifies(spec.test_keras_2_has_no_weight_decay, on=MODERN)
def refuses_weight_decay(keras, patch):
    """There is no `weight_decay`."""

    def change(options):
        if "weight_decay" in options:
            raise TypeError("unknown: weight_decay")

    optimizer_becomes(keras, patch, change)


@falsifies(spec.test_weight_decay_shrinks_the_weights_before_the_step, on=MODERN)
def decays_after_the_step(keras, patch):
    """Weights decay after the step."""
    walk_along(keras, patch, lambda gradients, model: decayed(gradients, after=True))


@falsifies(spec.test_weight_decay_shrinks_the_weights_before_the_step, on=OLD)
def has_weight_decay(keras, patch):
    """There is `weight_decay`."""
    optimizer_becomes(keras, patch, lambda options: options.pop("weight_decay", None) and None)
    walk_along(keras, patch, lambda gradients, model: decayed(gradients, after=False))


def decayed(gradients, after):
    """The path of SGD at rate 0.5 with a decay of 0.25, from 8, less these 8."""
    weights = 8.0
    for gradient in gradients:
        weights = (weights - 0.5 * gradient) * 0.875 if after else weights * 0.875 - 0.5 * gradient
        yield weights - np.float64(8)
