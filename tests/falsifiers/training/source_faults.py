"""Ways to break training from sources of batches."""

import itertools

import numpy as np


def method_for_batches(keras):
    """What trains on sources of batches."""
    return "fit" if hasattr(keras.Model, "train_step") else "fit_generator"


def source_becomes(keras, patch, change):
    """Make training work with another source than it was given; `change` has the options too, and may change them."""
    name = method_for_batches(keras)
    original = getattr(keras.models.Model, name)

    def train(self, source, **options):
        source = change(source, options)
        return original(self, source, **options)

    patch.setattr(keras.models.Model, name, train)


def training_becomes(keras, patch, train):
    """Make training from a source what `train(model, source, **options)` does."""

    def method(self, source, **options):
        train(self, source, **options)
        return keras.callbacks.History()

    patch.setattr(keras.models.Model, method_for_batches(keras), method)


def method_becomes(keras, patch, name, change):
    """Make a method of models what `change(original, model, *data, **options)` does, `original` still needing the others."""
    original = getattr(keras.models.Model, name)
    patch.setattr(keras.models.Model, name, lambda self, *data, **options: change(original, self, *data, **options))


def batch_by_batch(model, source, steps_per_epoch=None, epochs=1, callbacks=(), **_):
    """Train on each batch as it is read, none ahead, as many as are asked for and there are."""
    for batch in itertools.islice(source, steps_per_epoch and steps_per_epoch * epochs):
        model.train_on_batch(*batch)


def again_and_again(batches):
    """A generator that gives these batches over and over."""
    while True:
        yield from batches


def proxy(keras, sequence, length, batch):
    """A `Sequence` of that length whose batches are `batch(index)` of the other."""
    methods = {"__len__": lambda self: length, "__getitem__": lambda self, index: sequence[batch(index)]}
    return type("Proxy", (keras.utils.Sequence,), methods)()


def other_weights(weights):
    """The weights with one of them changed: the last array, or that of moving means if there are four or more."""
    changed = [np.array(weight) for weight in weights]
    changed[2 if len(changed) > 3 else -1] += 1
    return changed
