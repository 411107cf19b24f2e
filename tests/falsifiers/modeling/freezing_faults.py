"""Faults in what `trainable` does, for every Keras."""

import sys
import warnings


def classes_of_layers(keras):
    """Every class of layers, the first of all before the others."""
    found = [next(kind for kind in reversed(keras.layers.Layer.__mro__) if "trainable_weights" in vars(kind))]
    for kind in found:
        found += [child for child in type.__subclasses__(kind) if child not in found]
    return found


def parts(model):
    """A layer or model, then all that is in it."""
    return [model] + [part for layer in getattr(model, "layers", []) for part in parts(layer)]


def flags(model):
    """`trainable` of the model and of all that is in it."""
    return [(part, part.trainable) for part in parts(model)]


def set_flags(states):
    """Put flags back."""
    for part, flag in states:
        part.trainable = flag


def around_training(keras, patch, around):
    """Have `fit` and `train_on_batch` done by `around(model, run)`."""

    def changed(original):
        return lambda self, *data, **options: around(self, lambda: original(self, *data, **options))

    for name in ("fit", "train_on_batch"):
        patch.setattr(keras.models.Model, name, changed(getattr(keras.models.Model, name)))


def after_compile(keras, patch, react):
    """Call `react(model)` after each `compile`."""
    original = keras.models.Model.compile

    def compile_and_react(self, *arguments, **options):
        original(self, *arguments, **options)
        react(self)

    patch.setattr(keras.models.Model, "compile", compile_and_react)


def never_freeze(keras, patch):
    """`trainable` is True for ever, of every layer."""
    for kind in classes_of_layers(keras):
        if "trainable" in vars(kind) or kind is classes_of_layers(keras)[0]:
            patch.setattr(kind, "trainable", property(lambda self: True, lambda self, value: None), raising=False)


def remember_flags(keras, patch):
    """The flags at each model's last `compile`, by the model's id; models are kept alive."""
    compiled = {}
    after_compile(keras, patch, lambda model: compiled.update({id(model): flags(model)}))
    return compiled


def obey_compile(keras, patch):
    """Training goes by the flags at `compile`."""
    compiled = remember_flags(keras, patch)

    def around(model, run):
        now = flags(model)
        set_flags(compiled[id(model)])
        result = run()
        set_flags(now)
        return result

    around_training(keras, patch, around)


def obey_first_training(keras, patch):
    """Training goes by the flags at the model's first training (Keras before 3)."""
    if hasattr(keras.models.Model, "_make_train_function"):
        original = keras.models.Model._make_train_function

        def make(self):
            if self.train_function is None:
                self._collected_trainable_weights = self.trainable_weights
            original(self)

        patch.setattr(keras.models.Model, "_make_train_function", make)
    else:
        respect = sys.modules[keras.models.Model.__module__].training_utils.RespectCompiledTrainableState
        patch.setattr(respect, "__enter__", lambda self: None)
        patch.setattr(respect, "__exit__", lambda self, *exception: None)


def keep_what_is_frozen_now(keras, patch):
    """Training leaves alone what is frozen when it starts."""

    def around(model, run):
        kept = [(part, part.get_weights()) for part in parts(model) if not hasattr(part, "layers") and not part.trainable]
        result = run()
        for part, weights in kept:
            part.set_weights(weights)
        return result

    around_training(keras, patch, around)


def refuse_changes(keras, patch):
    """Training with other flags than at `compile` raises ValueError and takes the weights away."""
    compiled = remember_flags(keras, patch)

    def gone(self):
        raise TypeError("no weights")

    def around(model, run):
        if flags(model) != compiled[id(model)]:
            for kind in classes_of_layers(keras):
                if "get_weights" in vars(kind):
                    patch.setattr(kind, "get_weights", gone)
            raise ValueError("optimizer_variables")
        return run()

    around_training(keras, patch, around)


def warn_of_changes(keras, patch):
    """Training with other flags than at `compile` warns."""
    compiled = remember_flags(keras, patch)

    def around(model, run):
        if flags(model) != compiled[id(model)]:
            warnings.warn("`trainable` was changed", UserWarning, stacklevel=1)
        return run()

    around_training(keras, patch, around)
