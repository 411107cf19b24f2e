"""How can I train a model on several GPUs with PyTorch?"""

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import sequential
from fixtures.optimizers import WIDTH, adam_path, optimizer, plain_path
from fixtures.process_group import in_two_processes
from fixtures.seeds import FIRST

# Two processes on the CPU stand for two that have a GPU each: the group is gloo's, the rest is the same.
RATE = 0.125
PATHS = {"SGD": plain_path, "Adam": adam_path}
CLOSE = 1e-4  # Adam's 1 - 0.999^t, in float32, is off by up to 6e-8 of 0.001


def samples(sizes):
    """For three batches: what each of the two processes has of it, so many samples. The mean sample is the gradient."""
    numbers = np.random.RandomState(sum(sizes)).choice([1.0, 2.0, 4.0, 8.0], (3, sum(sizes), WIDTH))
    return numbers[:, : sizes[0]], numbers[:, sizes[0] :]


def linear(keras, rank):
    """A linear model: `(batch, WIDTH)` to `(batch, 1)`. In the first process its weights are all 1, in the second 2."""
    model = sequential(keras, (WIDTH,), keras.layers.Dense(1, use_bias=False))
    model.set_weights([np.full((WIDTH, 1), rank + 1.0)])
    return model


def train(keras, rank, sizes, name):
    """In each process: its weights before and after each of three steps, of the loop that PyTorch's tutorials have."""
    import torch
    from torch.nn.parallel import DistributedDataParallel

    model = linear(keras, rank)
    parallel, chosen, weights = DistributedDataParallel(model), optimizer(keras, name, RATE), model.trainable_weights
    path = [model.get_weights()[0][:, 0]]
    for batch in samples(sizes)[rank]:
        model.zero_grad()
        parallel(torch.tensor(batch, dtype=torch.float32)).mean().backward()
        with torch.no_grad():
            chosen.apply([weight.value.grad for weight in weights], weights)
        path.append(model.get_weights()[0][:, 0])
    return np.array(path)


def trained(keras, sizes, name):
    """A job. The paths of both processes."""
    return in_two_processes(train, keras, sizes, name)


@claim(needs=["torch"], answers=["3.1", "3.4"])
def test_both_processes_have_the_same_weights():
    """In `DistributedDataParallel` a Keras model has the first process's weights in both, and the same after each step."""
    first, second = FIRST.run(trained, (4, 4), "SGD")
    assert np.array_equal(first[0], np.ones(WIDTH))
    assert np.array_equal(first, second)
    assert not np.array_equal(first[0], first[3])


@claim(needs=["torch"], answers=["3.4"], examples=1)
@given(each=st.integers(1, 12), name=st.sampled_from(sorted(PATHS)))
@example(each=4, name="SGD")
@example(each=4, name="Adam")
def test_two_processes_learn_what_one_learns(each, name):
    """Two processes that halve each batch between them learn what one learns from all of it, by SGD and Adam."""
    paths = FIRST.run(trained, (each, each), name)
    whole_batches = np.concatenate(samples((each, each)), axis=1)
    expected = 1 + PATHS[name](whole_batches.mean(axis=1), RATE)
    assert np.allclose(paths[0][1:], expected, rtol=CLOSE, atol=CLOSE)
    assert np.allclose(paths[1][1:], expected, rtol=CLOSE, atol=CLOSE)


@claim(needs=["torch"], answers=["3.4"])
def test_each_process_counts_alike():
    """Where one process has more of a batch than the other, each one's mean counts half, so that their samples do not."""
    first, _ = FIRST.run(trained, (6, 2), "SGD")
    means = [part.mean(axis=1) for part in samples((6, 2))]
    assert np.allclose(first[1:], 1 + plain_path(np.mean(means, axis=0), RATE), atol=CLOSE)


def fit_alone(keras, rank):
    """In each process: what `fit` makes of a model that was wrapped."""
    from torch.nn.parallel import DistributedDataParallel

    model = linear(keras, rank)
    wrapped = DistributedDataParallel(model)
    model.compile(optimizer=optimizer(keras, "SGD", RATE), loss=lambda target, output: output)
    model.fit(np.concatenate(samples((4, 4))[rank]), np.zeros((12, 1)), batch_size=4, shuffle=False, verbose=0)
    return hasattr(wrapped, "fit"), model.get_weights()[0][:, 0]


def fit_together(keras, rank):
    """In each process: what `fit` makes of a model that calls the wrapped one."""
    from torch.nn.parallel import DistributedDataParallel

    class Parallel(keras.Model):  # type: ignore[name-defined, misc]
        def __init__(self, model):
            super().__init__()
            self.wrapped = DistributedDataParallel(model)

        def call(self, inputs):
            return self.wrapped(inputs)

    model = linear(keras, rank)
    parallel = Parallel(model)
    parallel.compile(optimizer=optimizer(keras, "SGD", RATE), loss=lambda target, output: output)
    parallel.fit(np.concatenate(samples((4, 4))[rank]), np.zeros((12, 1)), batch_size=4, shuffle=False, verbose=0)
    return model.get_weights()[0][:, 0]


def fitted(keras):
    """A job. What `fit` gives in both processes, of the model itself and of one that calls the wrapped one."""
    return in_two_processes(fit_alone, keras), in_two_processes(fit_together, keras)


@claim(needs=["torch"], answers=["3.1", "3.4"])
def test_fit_of_the_model_itself_learns_alone():
    """`fit` of a wrapped model passes by the wrapping, which has no `fit`: each process learns from its own samples."""
    for part, (has_fit, weights) in zip(samples((4, 4)), FIRST.run(fitted)[0]):
        assert not has_fit
        assert np.allclose(weights, 1 + plain_path(part.mean(axis=1), RATE)[-1], atol=CLOSE)


@claim(needs=["torch"], answers=["3.1", "3.4"])
def test_an_example_with_fit():
    """Example: a `keras.Model` whose `call` passes its inputs to the wrapped model is trained by `fit`, on both together."""
    expected = 1 + plain_path(np.concatenate(samples((4, 4)), axis=1).mean(axis=1), RATE)[-1]
    for weights in FIRST.run(fitted)[1]:
        assert np.allclose(weights, expected, atol=CLOSE)


def normalize(keras, rank):
    """In each process: the moving mean and variance after a batch of 8 ± 1 in the first, of 16 ± 1 in the second."""
    import torch
    from torch.nn.parallel import DistributedDataParallel

    model = sequential(keras, (1,), keras.layers.BatchNormalization(momentum=0.0))
    batch = torch.tensor([[1.0], [-1.0]]) + 8 * (rank + 1)
    DistributedDataParallel(model)(batch, training=True)
    return [weight.item() for weight in model.get_weights()[2:]]


def normalized(keras):
    """A job. The moving averages of both processes."""
    return in_two_processes(normalize, keras)


@claim(needs=["torch"], answers=["3.4"])
def test_normalizes_by_process():
    """`BatchNormalization` takes mean and variance of a process's own samples: the moving averages of the two differ."""
    assert np.allclose(FIRST.run(normalized), [[8, 1], [16, 1]])
