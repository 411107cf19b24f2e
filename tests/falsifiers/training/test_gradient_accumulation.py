"""Faults in gradient accumulation."""

import numpy as np

from fixtures.batches import set_rate
from specs.training import test_gradient_accumulation as spec
from tests.falsifiers import falsifies
from tests.falsifiers.training.batch_faults import accumulate, fit_becomes, optimizer_becomes, rate_of

NEW, BEFORE = ["keras>=3"], ["keras<3", "tf.keras"]

ACCUMULATION = [
    spec.test_steps_once_in_so_many_batches,
    spec.test_follows_the_mean_gradient_of_the_small_batches,
    spec.test_accumulates_for_momentum,
    spec.test_accumulates_for_adam,
    spec.test_accumulates_for_an_embedding,
    spec.test_iterations_count_updates,
    spec.test_accumulates_across_the_end_of_an_epoch,
    spec.test_clips_the_mean_gradient_once,
    spec.test_decays_the_weights_once_an_update,
    spec.test_refuses_to_accumulate_over_one_batch,
    spec.test_four_batches_of_eight_are_one_of_32,
]


@falsifies(*ACCUMULATION, on=BEFORE)
def there_is_accumulation(keras, patch):
    """Optimizers accumulate gradients."""
    accumulate(keras, patch)


@falsifies(*ACCUMULATION, on=NEW)
def ignores_accumulation(keras, patch):
    """`gradient_accumulation_steps` is accepted, and ignored."""
    optimizer_becomes(keras, patch, lambda options: options.pop("gradient_accumulation_steps", None) and None, "SGD", "Adam")


@falsifies(spec.test_follows_the_mean_gradient_of_the_small_batches, spec.test_accumulates_for_momentum, on=NEW)
@falsifies(spec.test_accumulates_across_the_end_of_an_epoch, spec.test_four_batches_of_eight_are_one_of_32, on=NEW)
def adds_up(keras, patch):
    """Gradients are added up rather than averaged."""

    def change(options):
        steps = options.get("gradient_accumulation_steps") or 1
        return lambda optimizer: set_rate(keras, optimizer, steps * rate_of(keras, optimizer))

    optimizer_becomes(keras, patch, change)


@falsifies(spec.test_accumulates_for_adam, spec.test_iterations_count_updates, on=NEW)
def counts_batches(keras, patch):
    """`iterations` counts batches, and so does Adam's correction."""
    for name in ("SGD", "Adam"):
        patch.setattr(getattr(keras.optimizers, name), "iterations", property(lambda self: self._iterations), raising=False)


@falsifies(spec.test_steps_once_in_so_many_batches, spec.test_follows_the_mean_gradient_of_the_small_batches, on=NEW)
@falsifies(spec.test_accumulates_for_momentum, on=NEW)
def accumulates_one_more(keras, patch):
    """Gradients are accumulated over one batch more."""

    def change(options):
        if options.get("gradient_accumulation_steps"):
            options["gradient_accumulation_steps"] += 1

    optimizer_becomes(keras, patch, change)


@falsifies(spec.test_accumulates_across_the_end_of_an_epoch, on=NEW)
def drops_what_is_left_over(keras, patch):
    """What an epoch leaves over is lost."""

    def change(usual, model, x, y, options):
        whole = len(y) // 3 * 3
        return usual([part[:whole] for part in x], y[:whole], **options) if whole else None

    fit_becomes(keras, patch, change)


@falsifies(spec.test_a_smaller_batch_weighs_by_its_samples, spec.test_the_smaller_last_batch_counts_like_a_full_one)
def weighs_by_samples(keras, patch):
    """All samples weigh the same, in whatever batches."""

    def change(options):
        if options.pop("gradient_accumulation_steps", None):
            return lambda optimizer: set_rate(keras, optimizer, rate_of(keras, optimizer) / 2)
        return None

    optimizer_becomes(keras, patch, change)
    averages(keras, patch)


def averages(keras, patch):
    """Every sample is the mean of all."""

    def change(usual, model, x, y, options):
        return usual([np.tile(part.mean(axis=0), (len(part), 1)) for part in x], y, **options)

    fit_becomes(keras, patch, change)


@falsifies(spec.test_clips_the_mean_gradient_once, on=NEW)
def clips_each_batch(keras, patch):
    """Each of the small batches' gradients is clipped."""
    fit_becomes(keras, patch, lambda usual, model, x, y, o: usual([np.clip(part, -0.75, 0.75) for part in x], y, **o))


@falsifies(spec.test_decays_the_weights_once_an_update, on=NEW)
def decays_at_each_batch(keras, patch):
    """Weights decay at each of the small batches."""

    def change(options):
        options["weight_decay"] = 1 / options["learning_rate"] * (1 - (1 - 0.25) ** options["gradient_accumulation_steps"])

    optimizer_becomes(keras, patch, change)


@falsifies(spec.test_averaging_weights_is_one_step_of_the_large_batch)
@falsifies(spec.test_the_gradient_of_a_batch_is_the_mean_of_its_parts)
def sums_over_the_batch(keras, patch):
    """A batch's gradient is the sum over its samples."""
    fit_becomes(keras, patch, lambda usual, model, x, y, o: usual(x, y * o["batch_size"], **o))
    fit_becomes(keras, patch, lambda usual, model, x, y, o: usual(x, y + 1, **o), "train_on_batch")
