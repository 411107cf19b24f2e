"""What the faults of saving and loading have in common: something goes wrong after the work is done."""

import functools


def after(patch, owner, name, change):
    """Let `change(result, *arguments)` follow each call of a function, and give the result."""
    original = getattr(owner, name)

    @functools.wraps(original)
    def faulty(*args, **kwargs):
        result = original(*args, **kwargs)
        change(result, *args)
        return result

    patch.setattr(owner, name, faulty)


def around(patch, owner, name, faulty):
    """Let `faulty(original, *arguments, **options)` take the place of a function."""
    original = getattr(owner, name)
    replacement = functools.wraps(original)(lambda *args, **kwargs: faulty(original, *args, **kwargs))
    patch.setattr(owner, name, replacement, raising=False)


def shift(model, *_):
    """Add 1 to every weight of the model."""
    model.set_weights([weight + 1 for weight in model.get_weights()])


def recompile(keras, loss="mean_squared_error"):
    """A change that compiles the model again, with a fresh RMSprop."""
    return lambda model, *_: model.compile(optimizer="rmsprop", loss=loss)


def subtract_alike(keras, model):
    """A model of the same inputs and weights that gives the difference of its output from itself."""
    return keras.models.Model(model.inputs, keras.layers.subtract([model.outputs[0], model.outputs[0]]))
