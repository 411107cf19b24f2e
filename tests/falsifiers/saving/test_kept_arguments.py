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


@falsifies(spec.test_metrics_keep_their_arguments, on=["keras>=2.3,<3", "keras>=3", "tf.keras"])
def a_metric_forgets_its_thresholds(keras, patch):
    """`AUC` forgets how many thresholds it has."""
    forgets(patch, keras.metrics.AUC, "num_thresholds")


@falsifies(spec.test_layers_keep_what_is_said_of_their_weights)
def a_layer_forgets_a_penalty(keras, patch):
    """`LSTM` forgets the penalty on its kernel."""
    forgets(patch, keras.layers.LSTM, "kernel_regularizer")


@falsifies(
    spec.test_cosine_similarity_keeps_its_axis, spec.test_cosine_similarity_forgets_its_axis, on=["keras>=2.3,<3", "tf.keras"]
)
def cosine_similarity_forgets(keras, patch):
    """`CosineSimilarity` forgets its axis."""
    forgets(patch, keras.metrics.CosineSimilarity, "axis")


@falsifies(spec.test_cosine_similarity_keeps_its_axis, spec.test_cosine_similarity_forgets_its_axis, on=["keras>=3"])
def cosine_similarity_remembers(keras, patch):
    """`CosineSimilarity` remembers its axis."""
    usual = keras.metrics.CosineSimilarity.get_config
    patch.setattr(keras.metrics.CosineSimilarity, "get_config", lambda self: {**usual(self), "axis": 1})
