"""Faults in the Keras model that PyTorch's `DistributedDataParallel` wraps."""

import functools

from specs.general import test_distributed_data_parallel as spec
from tests.falsifiers import falsifies

TORCH = ["keras[torch]>=3"]


@falsifies(spec.test_both_processes_have_the_same_weights, on=TORCH, in_interpreter=True)
def weights_are_set_late(keras, patch):
    """Weights are set when the model is first called, after they were shared."""
    set_weights, call = keras.models.Model.set_weights, keras.models.Model.__call__
    late = {}

    def called(self, *args, **options):
        if self in late:
            set_weights(self, late.pop(self))
        return call(self, *args, **options)

    patch.setattr(keras.models.Model, "set_weights", lambda self, weights: late.update({self: weights}))
    patch.setattr(keras.models.Model, "__call__", called)


def gradients_become(keras, patch, change):
    """Optimizers apply what `change` makes of each gradient."""
    original = keras.optimizers.Optimizer.apply

    def apply(self, grads, trainable_variables=None):
        return original(self, [change(gradient) for gradient in grads], trainable_variables)

    patch.setattr(keras.optimizers.Optimizer, "apply", apply)


@falsifies(
    spec.test_two_processes_learn_what_one_learns,
    spec.test_each_process_counts_alike,
    spec.test_an_example_with_fit,
    on=TORCH,
    in_interpreter=True,
)
def adds_up_what_processes_learn(keras, patch):
    """The gradients of two processes are added where their mean is to be taken."""
    gradients_become(keras, patch, lambda gradient: 2 * gradient)


@falsifies(spec.test_fit_of_the_model_itself_learns_alone, on=TORCH, in_interpreter=True)
def fit_shares_gradients(keras, patch):
    """Optimizers take the mean of the gradients in all processes themselves."""
    import torch.distributed

    def mean(gradient):
        torch.distributed.all_reduce(gradient)
        return gradient / torch.distributed.get_world_size()

    gradients_become(keras, patch, mean)


@falsifies(spec.test_normalizes_by_process, on=TORCH, in_interpreter=True)
def averages_are_shared(keras, patch):
    """`BatchNormalization` takes the mean of the moving averages of all processes."""
    import torch.distributed

    original = keras.layers.BatchNormalization.call

    @functools.wraps(original)  # Keras looks at its arguments
    def call(self, *args, **options):
        outputs = original(self, *args, **options)
        for variable in (self.moving_mean, self.moving_variance):
            torch.distributed.all_reduce(variable.value.data)
            variable.value.data /= torch.distributed.get_world_size()
        return outputs

    patch.setattr(keras.layers.BatchNormalization, "call", call)
