"""Faults in models, layers and backend functions, for every Keras."""

import numpy as np

from fixtures.stacks import as_array


def models_by(keras, patch, make):
    """Have `keras.models.Model(...)` done by `make(original, *arguments, **options)`."""
    original = keras.models.Model

    def model(*arguments, **options):
        return make(original, *arguments, **options)

    if hasattr(original, "train_step"):
        model.train_step = original.train_step
    patch.setattr(keras.models, "Model", model)


def copy_of(model):
    """A model of copies of its layers, with weights of their own."""
    return type(model).from_config(model.get_config())


def finds_the_last_layer(keras, patch):
    """`get_layer` finds the last layer, whatever the name."""
    original = keras.models.Model.get_layer

    def get_layer(self, name=None, index=None):
        return original(self, index=index) if index is not None else self.layers[-1]

    patch.setattr(keras.models.Model, "get_layer", get_layer)


def clones(keras, patch):
    """Every model is made of copies of its layers, with weights of their own."""

    def make(original, *arguments, **options):
        return copy_of(original(*arguments, **options))

    models_by(keras, patch, make)


def adds_one(keras, patch):
    """A `Dense` layer adds one to what it gives."""
    original = keras.layers.Dense.call

    def call(self, inputs, training=None):
        return original(self, inputs) + 1.0

    patch.setattr(keras.layers.Dense, "call", call)


def functions_by(keras, patch, make):
    """Have what makes functions, `keras.Function` or `K.function`, done by `make(original, inputs, outputs)`."""
    owner, name = (keras, "Function") if hasattr(keras, "ops") else (keras.backend, "function")
    original = getattr(owner, name)

    def function(inputs, outputs, **options):  # options are Keras's own, for a whole model
        return original(inputs, outputs, **options) if options else make(original, inputs, outputs)

    patch.setattr(owner, name, function)


def call_of(keras, patch, name, change):
    """Have the `call` of the layer of that name done by `change(call, inputs, training)`."""
    kind = getattr(keras.layers, name)
    original = kind.call

    def call(self, inputs, training=None):
        return change(lambda *arguments, **options: original(self, *arguments, **options), inputs, training)

    patch.setattr(kind, "call", call, raising=False)


def never_drops(keras, patch):
    """`Dropout` passes its inputs on, in training mode too."""
    call_of(keras, patch, "Dropout", lambda call, inputs, training: inputs)


def always_drops(keras, patch):
    """`Dropout` drops in test mode too."""
    call_of(keras, patch, "Dropout", lambda call, inputs, training: call(inputs, training=True))


def normalizes_in(keras, patch, mode):
    """`BatchNormalization` is always in one mode."""
    call_of(keras, patch, "BatchNormalization", lambda call, inputs, training: call(inputs, training=mode))


def phase_by(keras, patch, set_phase):
    """`K.set_learning_phase` is this."""
    patch.setattr(keras.backend, "set_learning_phase", set_phase, raising=False)


def models_take_arrays(keras, patch, default):
    """A model of Keras 2.2.4 may be called on an array, in training mode or in test mode."""
    original = keras.models.Model.__call__

    def call(self, inputs, training=default):
        if not isinstance(inputs, np.ndarray):
            return original(self, inputs)
        function = keras.backend.function([*self.inputs, keras.backend.learning_phase()], self.outputs)
        return function([inputs, training])[0]

    patch.setattr(keras.models.Model, "__call__", call)


def feeds_a_mode(keras, patch):
    """`K.function` takes `K.learning_phase()` among its inputs again."""
    patch.setattr(keras.backend, "learning_phase", lambda: 0, raising=False)

    def function(inputs, outputs):
        cut = keras.models.Model(inputs[0], outputs[0])
        return lambda arrays: [as_array(keras, cut(np.asarray(arrays[0], "float32"), training=bool(arrays[1])))]

    patch.setattr(keras.backend, "function", function, raising=False)


def after_pop(keras, patch, react):
    """Have `pop` done, then call `react(model, layer, returned)`, whose value it returns."""
    original = keras.models.Sequential.pop

    def pop(self):
        layer = self.layers[-1] if self.layers else None
        return react(self, layer, original(self))

    patch.setattr(keras.models.Sequential, "pop", pop)


def forgets_functions(keras, patch):
    """`pop` makes `predict`, `evaluate` and training start anew, with a new optimizer."""

    def react(model, layer, returned):
        model.predict_function = model.test_function = model.train_function = None
        return returned

    after_pop(keras, patch, react)


def pops_nothing(keras, patch):
    """`pop` removes nothing."""
    patch.setattr(keras.models.Sequential, "pop", lambda self: None)


def list_of_layers(patch, kind, view):
    """Have `layers` of this class of models be `view(model, layers)`."""
    owner = next(parent for parent in kind.__mro__ if "layers" in vars(parent))
    original = owner.layers.fget
    patch.setattr(owner, "layers", property(lambda self: view(self, list(original(self)))))


class Popped:
    """Lists of layers that stay shorter where something was popped from one."""

    def __init__(self):
        """No model has lost a layer."""
        self.lost = {}

    def view(self, model, layers):
        """The layers that the model still has."""
        lost = self.lost

        class View(list):
            def pop(self):
                lost[id(model)] = lost.get(id(model), 0) + 1
                return super().pop()

        return View(layers[: len(layers) - lost.get(id(model), 0)])
