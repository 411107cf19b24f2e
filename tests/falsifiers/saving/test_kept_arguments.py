"""Faults in what a configuration holds."""

from specs.saving import test_kept_arguments as spec
from tests.falsifiers import falsifies


def forgets(patch, kind, name):
    """Leave an argument out of the configurations of a kind of object."""
    original = kind.get_config

    def get_config(self):
        configuration = dict(original(self))
        configuration.pop(name, None)
        return configuration

    patch.setattr(kind, "get_config", get_config)


@falsifies(spec.test_layers_keep_their_arguments)
def pooling_forgets_its_padding(keras, patch):
    """The padding of a pooling layer is not saved."""
    forgets(patch, keras.layers.AveragePooling2D, "padding")


@falsifies(spec.test_layers_keep_their_arguments)
def recurrence_forgets_its_states(keras, patch):
    """A stateful LSTM comes back as one that is not."""
    forgets(patch, keras.layers.LSTM, "stateful")


@falsifies(spec.test_losses_and_optimizers_keep_their_arguments)
def optimizer_forgets_its_decay(keras, patch):
    """Adam's `beta_2` is not saved."""
    forgets(patch, keras.optimizers.Adam, "beta_2")


@falsifies(spec.test_losses_and_optimizers_keep_their_arguments, on=["keras>=2.3", "tf.keras"])
def loss_forgets_the_logits(keras, patch):
    """That a loss is computed from logits is not saved."""
    forgets(patch, keras.losses.BinaryCrossentropy, "from_logits")
