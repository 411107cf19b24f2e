"""Faults in the state of nested models and under masks."""

from types import SimpleNamespace

from fixtures.models import reset_states
from specs.modeling import test_states_in_models as spec
from tests.falsifiers import falsifies

OLD, MODERN = ["keras<3"], ["keras>=3", "tf.keras"]
STATE, ZERO = ["keras<2.2.5", "keras[jax]>=3"], ["keras>=2.2.5,<3", "keras[tensorflow,torch]>=3", "tf.keras"]


@falsifies(spec.test_a_nested_model_carries_its_state, on=MODERN, in_interpreter=True)
def a_nested_state_is_reset(keras, patch):
    """The state of a nested model is reset after each batch."""
    original = spec.feed

    def feed(keras, model, batch):
        outputs = original(keras, model, batch)
        reset_states(model.layers[-1])
        return outputs

    patch.setattr(spec, "feed", feed)


@falsifies(spec.test_a_nested_model_carries_its_state, spec.test_a_nested_state_is_fed_by_nothing, on=OLD)
def a_nested_state_works(keras, patch):
    """A nested model carries its state."""
    patch.setattr(spec, "FIRST", SimpleNamespace(run=lambda job: [[3, 12], [6, 24], [3, 12]]))


@falsifies(spec.test_a_nested_state_is_fed_by_nothing, on=MODERN)
def a_nested_state_waits(keras, patch):
    """A nested model waits for the inner model's input."""

    def run(job):
        raise spec.JobError("You must feed a value for placeholder")

    patch.setattr(spec, "FIRST", SimpleNamespace(run=run))


@falsifies(spec.test_a_masked_step_leaves_the_state_alone)
@falsifies(spec.test_a_sequence_masked_whole_gives_its_state, on=STATE)
@falsifies(spec.test_a_sequence_masked_whole_gives_zero, on=ZERO)
def nothing_is_masked(keras, patch):
    """`Masking` masks nothing."""
    patch.setattr(keras.layers, "Masking", lambda value: keras.layers.Activation("linear"))


@falsifies(spec.test_a_masked_step_leaves_the_state_alone, spec.test_an_example_of_padded_pieces)
def nothing_is_carried(keras, patch):
    """The state is not carried from batch to batch."""
    original = keras.layers.SimpleRNN
    patch.setattr(keras.layers, "SimpleRNN", lambda units, stateful, **options: original(units, **options))


@falsifies(spec.test_a_sequence_masked_whole_gives_its_state, on=ZERO)
def the_state_shows(keras, patch):
    """A sequence masked whole gives its state."""
    original = spec.follow

    def follow(*args):
        _, states, expected = original(*args)
        return states, states, expected

    patch.setattr(spec, "follow", follow)


@falsifies(spec.test_a_sequence_masked_whole_gives_zero, on=STATE)
def the_state_is_hidden(keras, patch):
    """A sequence masked whole gives zeros."""
    original = spec.follow

    def follow(*args):
        outputs, states, expected = original(*args)
        return [0 for _ in outputs], states, expected

    patch.setattr(spec, "follow", follow)
