"""Faults in training that falsifiers of several questions share."""

import numpy as np

from fixtures.batches import set_rate
from fixtures.optimizers import adam_path


def fit_becomes(keras, patch, change, method="fit"):
    """Make every model's method call `change(usual, self, x, y, options)` instead."""
    usual = getattr(keras.models.Model, method)

    def become(self, x, y=None, **options):
        return change(lambda x, y, **o: usual(self, x, *([] if y is None else [y]), **o), self, x, y, options)

    patch.setattr(keras.models.Model, method, become)


def hook_becomes(keras, patch, hook, change):
    """Make what calls this hook of all callbacks call `change(usual, self, *args)`. Batches are those of training."""
    hooks = keras.callbacks.CallbackList
    name = "on_" + (hook.replace("batch", "train_batch") if hasattr(hooks, "on_train_batch_begin") else hook)
    usual = getattr(hooks, name)
    patch.setattr(hooks, name, lambda self, *args, **options: change(usual, self, *args, **options))


def model_of(hooks):
    """The model whose callbacks these are."""
    return hooks.callbacks[0].model


def rate_of(keras, optimizer):
    """An optimizer's learning rate."""
    rate = optimizer.learning_rate if hasattr(optimizer, "learning_rate") else optimizer.lr
    return float(keras.ops.convert_to_numpy(rate) if hasattr(keras, "ops") else keras.backend.get_value(rate))


def set_updates(keras, model, count):
    """Let the optimizer say that it has made so many updates."""
    optimizer = model.optimizer
    if hasattr(keras, "ops"):
        optimizer._iterations.assign(count)
    else:
        keras.backend.set_value(optimizer.iterations, count)


def keep_rates(keras, patch, *hooks):
    """A learning rate that is set in these hooks is forgotten."""

    def change(usual, self, *args, **options):
        optimizer = model_of(self).optimizer
        rate = rate_of(keras, optimizer)
        usual(self, *args, **options)
        set_rate(keras, optimizer, rate)

    for hook in hooks:
        hook_becomes(keras, patch, hook, change)


def optimizer_becomes(keras, patch, change, *names):
    """Make these optimizers with other options: `change(options)` may alter them, and returns what to do with the optimizer."""
    for name in names or ("SGD",):
        kind = getattr(keras.optimizers, name)
        usual = kind.__init__

        def init(self, *args, usual=usual, **options):
            after = change(options)
            usual(self, *args, **options)
            if after:
                after(self)

        patch.setattr(kind, "__init__", init)


def walk_along(keras, patch, path):
    """`fit`, of the model `slopes`, leads along `path(gradients, model)` from the weights at the start."""

    def change(usual, model, x, y, options):
        gradients = np.stack(x, axis=1)
        start = np.array(model.get_weights(), "float64")[..., 0]
        for batch, weights in enumerate(path(gradients, model)):
            model.set_weights(list((start + weights)[..., None]))
            for callback in options["callbacks"]:
                callback.set_model(model)
                callback.on_batch_end(batch)

    fit_becomes(keras, patch, change)


def accumulate(keras, patch):
    """There is gradient accumulation: small batches are kept, and trained on as one."""
    every, waiting, decays, seen = {}, {}, {}, {}

    def change(options):
        steps, decay = options.pop("gradient_accumulation_steps", None), options.pop("weight_decay", 0)
        if steps == 1:
            raise ValueError("gradient_accumulation_steps must be 2 or more")

        def after(self):
            every[id(self)], waiting[id(self)], decays[id(self)], seen[id(self)] = steps or 1, [], decay, []

        return after

    optimizer_becomes(keras, patch, change, "SGD", "Adam")

    def step(model, batches):
        x, y = [np.concatenate(part) for part in zip(*(batch[0] for batch in batches))], [batch[1] for batch in batches]
        seen[id(model.optimizer)].append(np.mean(x, axis=1))
        if type(model.optimizer).__name__ == "Adam":  # that of Keras 2.2 counts its steps wrong
            path = adam_path(np.array(seen[id(model.optimizer)]), rate_of(keras, model.optimizer))
            return model.set_weights(list(path[-1][..., None]))
        shrunk = 1 - decays[id(model.optimizer)] * rate_of(keras, model.optimizer)
        model.set_weights([weight * shrunk for weight in model.get_weights()])
        return model.train_on_batch(x if len(x) > 1 else x[0], np.concatenate(y))

    def fit(usual, model, x, y, options):
        x, size, key = x if isinstance(x, list) else [x], options["batch_size"], id(model.optimizer)
        for _ in range(options.get("epochs", 1)):
            for start in range(0, len(y), size):
                waiting[key].append(([part[start : start + size] for part in x], y[start : start + size]))
                if len(waiting[key]) == every[key]:
                    step(model, waiting[key])
                    waiting[key].clear()
                for callback in options.get("callbacks", []):
                    callback.set_model(model)
                    callback.on_batch_end(start // size)

    fit_becomes(keras, patch, fit)
