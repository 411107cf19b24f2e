"""Faults in what a change of `trainable` does."""

import pathlib

import numpy as np

from specs.modeling import test_changing_trainable as spec
from tests.falsifiers import falsifies
from tests.falsifiers.modeling import freezing_faults as faults

BEFORE_3, FROM_3, OLD, JAX, TORCH = ["keras<3", "tf.keras"], ["keras>=3"], ["keras<3"], "keras[jax]>=3", "keras[torch]>=3"
TENSORFLOW = [*BEFORE_3, "keras[tensorflow]>=3"]


@falsifies(
    spec.test_needs_compile_before_training,
    spec.test_needs_no_compile_before_training,
    spec.test_obeys_the_flag_at_compile,
    spec.test_obeys_the_flag_at_the_first_training,
    spec.test_trains_a_discriminator_that_is_frozen_later,
    spec.test_trains_no_discriminator_that_is_frozen_later,
    on=FROM_3,
)
@falsifies(spec.test_needs_compile_between_trainings, spec.test_refuses_what_was_unfrozen, on=[JAX, TORCH])
def obeys_compile(keras, patch):
    """Training goes by the flags at `compile`."""
    faults.obey_compile(keras, patch)


@falsifies(spec.test_freezes_for_batches_of_another_size, on=FROM_3)
@falsifies(spec.test_freezes_at_once_with_pytorch, on=[TORCH])
@falsifies(spec.test_costs_the_weights_with_jax, on=[JAX])
def obeys_compile_later_too(keras, patch):
    """Training goes by the flags at `compile`, even after an earlier training."""
    faults.obey_compile(keras, patch)


@falsifies(
    spec.test_needs_compile_before_training,
    spec.test_needs_no_compile_before_training,
    spec.test_obeys_the_flag_at_compile,
    spec.test_obeys_the_flag_at_the_first_training,
    spec.test_trains_a_discriminator_that_is_frozen_later,
    spec.test_trains_no_discriminator_that_is_frozen_later,
    on=BEFORE_3,
)
def obeys_the_first_training(keras, patch):
    """The flags at the first training count, not those at `compile`."""
    faults.obey_first_training(keras, patch)


@falsifies(spec.test_needs_compile_between_trainings, spec.test_freezes_at_once_with_pytorch, on=TENSORFLOW)
@falsifies(spec.test_freezes_for_batches_of_another_size, on=BEFORE_3)
def freezes_at_once(keras, patch):
    """Training leaves alone what is frozen when it starts."""
    faults.keep_what_is_frozen_now(keras, patch)


@falsifies(spec.test_freezes_at_once_with_pytorch, on=[JAX])
def freezes_at_once_without_an_error(keras, patch):
    """Training goes by the flags at `compile`, but leaves alone what is frozen when it starts."""
    faults.obey_compile(keras, patch)
    faults.keep_what_is_frozen_now(keras, patch)


@falsifies(spec.test_refuses_what_was_unfrozen, on=TENSORFLOW)
@falsifies(spec.test_costs_the_weights_with_jax, on=[*TENSORFLOW, TORCH])
def refuses_changes(keras, patch):
    """Training after a change raises ValueError and takes the weights away."""
    faults.refuse_changes(keras, patch)


@falsifies(
    spec.test_takes_effect_with_compile,
    spec.test_forgets_momentum_with_a_new_optimizer,
    spec.test_trains_models_that_share_a_layer_one_after_the_other,
    spec.test_trains_adversaries_in_turn,
)
def never_freezes(keras, patch):
    """`trainable` is True for ever, of every layer."""
    faults.never_freeze(keras, patch)


@falsifies(spec.test_takes_effect_with_compile)
def compile_starts_weights_anew(keras, patch):
    """`compile` sets the weights to what they were at the model's first one."""
    first = {}

    def reset(model):
        kept = first.setdefault(id(model), (model, model.get_weights()))
        model.set_weights(kept[1])

    faults.after_compile(keras, patch, reset)


@falsifies(spec.test_takes_effect_with_compile)
def only_the_first_compile_counts(keras, patch):
    """What is frozen at the first `compile` remains so, and what is free as well."""
    original, first = keras.models.Model.compile, {}

    def compile_as_at_first(self, *arguments, **options):
        kept, now = first.setdefault(id(self), faults.flags(self)), faults.flags(self)
        faults.set_flags(kept)
        original(self, *arguments, **options)
        faults.set_flags(now)

    patch.setattr(keras.models.Model, "compile", compile_as_at_first)
    if hasattr(keras, "Variable"):
        faults.around_training(keras, patch, lambda model, run: (faults.set_flags(first[id(model)]), run()))


@falsifies(spec.test_warns_without_compile, spec.test_is_silent_without_compile, on=OLD)
def says_nothing(keras, patch):
    """Nothing is said of a change after `compile`."""
    patch.setattr(keras.models.Model, "_check_trainable_weights_consistency", lambda self: None)


@falsifies(spec.test_warns_without_compile, spec.test_is_silent_without_compile, on=["keras>=3", "tf.keras"])
def warns_of_changes(keras, patch):
    """Training with other flags than at `compile` warns."""
    faults.warn_of_changes(keras, patch)


@falsifies(spec.test_trains_no_model_that_is_compiled_into_another)
def undoes_the_compilation_of_parts(keras, patch):
    """`compile` of a model makes its parts that are models forget that they were compiled."""
    original, step = keras.models.Model.compile, keras.models.Model.train_on_batch
    undone = []

    def compile_alone(self, *args, **options):
        undone[:] = [part for part in undone if part is not self] + [
            p for p in self.layers if isinstance(p, keras.models.Model)
        ]
        original(self, *args, **options)

    def train(self, *batch, **options):
        if any(part is self for part in undone):
            raise AttributeError("'NoneType' object has no attribute 'update_state'")
        return step(self, *batch, **options)

    patch.setattr(keras.models.Model, "compile", compile_alone)
    patch.setattr(keras.models.Model, "train_on_batch", train)


@falsifies(spec.test_lets_an_optimizer_train_what_is_unfrozen_later, on=["keras<3", "tf.keras<2.11"])
def uses_an_optimizer_once(keras, patch):
    """An optimizer trains what it trained first, whatever it is compiled with."""
    original, first = keras.models.Model.compile, {}

    def compile_with_first_flags(self, optimizer, **options):
        kept, now = first.setdefault(id(optimizer), faults.flags(self)), faults.flags(self)
        faults.set_flags(kept)
        original(self, optimizer, **options)
        faults.set_flags(now)

    patch.setattr(keras.models.Model, "compile", compile_with_first_flags)


@falsifies(spec.test_lets_an_optimizer_train_what_is_unfrozen_later, on=["keras>=3", "tf.keras>=2.11"])
def renews_optimizers(keras, patch):
    """`compile` takes a copy of the optimizer, that has not trained."""
    original = keras.models.Model.compile

    def compile_with_a_copy(self, optimizer, **options):
        original(self, optimizer=type(optimizer).from_config(optimizer.get_config()), **options)

    patch.setattr(keras.models.Model, "compile", compile_with_a_copy)


@falsifies(spec.test_forgets_momentum_with_a_new_optimizer)
def starts_with_momentum(keras, patch):
    """A step is half again as large as it is without momentum."""

    def around(model, run):
        before = [(part, part.get_weights()) for part in faults.parts(model)[1:] if part.trainable]
        run()
        for part, weights in before:
            part.set_weights([1.5 * new - 0.5 * old for new, old in zip(part.get_weights(), weights)])

    faults.around_training(keras, patch, around)


@falsifies(spec.test_writes_no_file)
def writes_a_file(keras, patch):
    """`compile` writes a file into the working directory."""
    faults.after_compile(keras, patch, lambda model: pathlib.Path("compiled.txt").write_text("compiled"))


@falsifies(spec.test_trains_adversaries_in_turn)
def trains_backwards(keras, patch):
    """A model trains what is frozen, and nothing else."""

    def around(model, run):
        kept = [(part, part.get_weights()) for part in faults.parts(model)[1:] if part.trainable]
        result = run()
        for part in faults.parts(model)[1:]:
            part.set_weights([weights + np.float32(0.5) for weights in part.get_weights()])
        for part, weights in kept:
            part.set_weights(weights)
        return result

    faults.around_training(keras, patch, around)
