"""Ways to make training and testing report other losses than they do."""

import numpy as np


def cut(samples, batch_size):
    """The batches of so many samples."""
    return [slice(start, start + batch_size) for start in range(0, samples, batch_size)]


def fit_becomes(keras, patch, react):
    """Make `fit` return what `react(model, original, x, y, options)` returns."""
    original = keras.models.Model.fit

    def fit(self, x=None, y=None, **options):
        return react(self, original, x, y, options)

    patch.setattr(keras.models.Model, "fit", fit)


def history_becomes(keras, patch, change):
    """Make `fit` change what it has recorded, by `change(history, options)`."""

    def react(model, original, x, y, options):
        returned = original(model, x, y, **options)
        change(returned.history, options)
        return returned

    fit_becomes(keras, patch, react)


def entries_become(keras, patch, change, *names):
    """Make `fit` change the entries of these names, or of all that there are."""

    def change_history(history, options):
        for name in names or list(history):
            if name in history:
                history[name] = [change(entry) for entry in history[name]]

    history_becomes(keras, patch, change_history)


def names_become(keras, patch, names):
    """Make `fit` record under other names, those of validation too; a name of None is forgotten."""

    def rename(history, options):
        for old, new in names.items():
            for prefix in ("", "val_"):
                if prefix + old in history:
                    entries = history.pop(prefix + old)
                    if new is not None:
                        history[prefix + new] = entries

    history_becomes(keras, patch, rename)


def epochs_become(keras, patch, combine, validate=True):
    """Make `fit` train batch by batch, and report the loss `combine(losses, sizes, past)` of each epoch.

    `past` has the losses and sizes of this epoch and those before. Without `validate`, validation sees the weights at the
    beginning of the epoch.
    """

    def react(model, original, x, y, options):
        batch_size, epochs = options.pop("batch_size", None) or 32, options.pop("epochs", 1)
        held, history, past = options.pop("validation_data", None), {}, []
        for _ in range(epochs):
            tested = tested_on(model, held)
            parts = [(x[batch], y[batch]) for batch in cut(len(x), batch_size)]
            trained = [original(model, *part, batch_size=batch_size, **options) for part in parts]
            sizes = [len(part[0]) for part in parts]
            columns = {name: [one.history[name][0] for one in trained] for name in trained[0].history}
            past.append((columns["loss"], sizes))
            for name, column in columns.items():
                number = combine(column, sizes, past) if name == "loss" else properly(column, sizes, past)
                history.setdefault(name, []).append(number)
            for name, number in zip(sorted(columns), tested_on(model, held) if validate else tested):
                history.setdefault("val_" + name, []).append(number)
        trained[-1].history = history
        return trained[-1]

    fit_becomes(keras, patch, react)


def tested_on(model, data):
    """The loss on this data, if any, and a metric."""
    return np.ravel(model.evaluate(*data, verbose=0)).tolist() if data else []


def properly(losses, sizes, past):
    """The mean over samples, as it should be."""
    return float(np.average(losses, weights=sizes))


def returned_becomes(keras, patch, change, *methods):
    """Make these methods, by default `evaluate`, return `change(model, returned, x, y, options)`."""
    for name in methods or ["evaluate"]:
        patch.setattr(keras.models.Model, name, changed(getattr(keras.models.Model, name), change))


def changed(original, change):
    """The method with that change."""

    def method(self, x=None, y=None, **options):
        returned = original(self, x, y, **options)
        return returned if isinstance(returned, dict) else change(self, returned, x, y, options)  # `fit` asks for the former

    return method


def evaluate_becomes(keras, patch, combine):
    """Make `evaluate` work batch by batch, and return `combine(losses, sizes)`, or of each metric alike."""
    original = keras.models.Model.evaluate

    def evaluate(self, x, y, batch_size=32, **options):
        if "return_dict" in options:  # as `fit` calls it
            return original(self, x, y, batch_size=batch_size, **options)
        parts = [(x[batch], y[batch]) for batch in cut(len(x), batch_size)]
        numbers = [original(self, *part, batch_size=batch_size, **options) for part in parts]
        sizes = [len(part[0]) for part in parts]
        if isinstance(numbers[0], list):
            return [combine(list(column), sizes) for column in zip(*numbers)]
        return combine(numbers, sizes)

    patch.setattr(keras.models.Model, "evaluate", evaluate)


def weights_become(keras, patch, change):
    """Make `fit` and `evaluate` work with other sample weights: `change(weights, batch_size)`."""
    for name in ("fit", "evaluate"):
        patch.setattr(keras.models.Model, name, reweighted(getattr(keras.models.Model, name), change))


def reweighted(original, change):
    """The method with other sample weights."""

    def method(self, x, y, sample_weight=None, batch_size=32, **options):
        if sample_weight is not None:
            sample_weight = change(np.asarray(sample_weight, float), batch_size)
        return original(self, x, y, sample_weight=sample_weight, batch_size=batch_size, **options)

    return method


def mode_becomes(keras, patch, training, *layers):
    """Make these layers work in one mode, whichever they are told."""
    for name in layers:
        patch.setattr(getattr(keras.layers, name), "call", in_mode(getattr(keras.layers, name).call, training))


def in_mode(original, mode):
    """The `call` of a layer in one mode."""

    def call(self, inputs, training=None):
        return original(self, inputs, training=mode)

    return call
