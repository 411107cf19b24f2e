"""Faults in recurrent layers that falsifiers of several questions share."""

import sys

import numpy as np


def forget(keras, patch):
    """No layer is stateful, whatever it is told."""
    patch.setattr(keras.layers.RNN, "stateful", property(lambda self: False, lambda self, value: None), raising=False)


def ignore_states(keras, patch):
    """A SimpleRNN cell starts each step from zero."""
    usual = keras.layers.SimpleRNNCell.call
    patch.setattr(
        keras.layers.SimpleRNNCell,
        "call",
        lambda self, inputs, states, *args, **options: usual(self, inputs, [0 * states[0]], *args, **options),
    )


def lose_resets(keras, patch):
    """Resetting a layer does nothing."""
    if hasattr(keras.layers.RNN, "reset_state"):
        patch.setattr(keras.layers.RNN, "reset_state", lambda self: None)
    else:
        usual = keras.layers.RNN.reset_states
        patch.setattr(
            keras.layers.RNN,
            "reset_states",
            lambda self, states=None: usual(self) if self.built is False or self.states[0] is None else None,
        )


def states_of(layer, keras):
    """The state variables of a Keras 3 layer, in one list."""
    return keras.tree.flatten(layer.states or []) if isinstance(layer, keras.layers.RNN) else []


def track_states(keras, patch):
    """States count among the variables that a compiled method passes in and out."""
    usual = keras.layers.Layer.non_trainable_variables.fget
    patch.setattr(
        keras.layers.Layer,
        "non_trainable_variables",
        property(lambda self: usual(self) + [state for layer in self._flatten_layers() for state in states_of(layer, keras)]),
    )


def carry_in_both_directions(keras, patch):
    """Keras 2.2's Bidirectional layer remembers that it is stateful."""
    usual = keras.layers.Bidirectional.__init__

    def remember(self, layer, *args, **options):
        usual(self, layer, *args, **options)
        self.stateful = layer.stateful

    patch.setattr(keras.layers.Bidirectional, "__init__", remember)


def use_plain_loops(keras, patch):
    """LSTM and GRU have no implementation of their own on PyTorch."""

    def missing(*args, **options):
        raise NotImplementedError

    for name in "lstm", "gru":
        patch.setattr(sys.modules["keras.src.backend"], name, missing)


def accept_old_shapes(keras, patch):
    """An LSTM of Keras 3 takes `batch_input_shape`, or `input_shape` and `batch_size`, as a first layer."""
    built, add = keras.layers.LSTM.__init__, keras.models.Sequential.add

    def build(self, *args, **options):
        shape = options.pop("batch_input_shape", None)
        if "batch_size" in options:
            shape = (options.pop("batch_size"), *options.pop("input_shape"))
        built(self, *args, **options)
        self.first_shape = shape

    def add_input(self, layer, *args, **options):
        if getattr(layer, "first_shape", None):
            add(self, keras.layers.Input(batch_shape=layer.first_shape), *args, **options)
        add(self, layer, *args, **options)

    patch.setattr(keras.layers.LSTM, "__init__", build)
    patch.setattr(keras.models.Sequential, "add", add_input)


def reset_models(keras, patch, name="reset_states"):
    """A model has a method that resets its recurrent layers."""

    def reset(self):
        for layer in self.layers:
            if isinstance(layer, keras.layers.RNN):
                layer.reset_states()

    patch.setattr(keras.models.Model, name, reset, raising=False)


def wrap_method(keras, patch, name, change):
    """Every model's method of that name calls `change(usual, self, *args, **options)` instead."""
    usual = getattr(keras.models.Model, name)
    patch.setattr(keras.models.Model, name, lambda self, *args, **options: change(usual, self, *args, **options))


def start_from_one(keras, patch):
    """The initial state is one instead of zero."""
    usual = keras.layers.RNN.get_initial_state
    patch.setattr(
        keras.layers.RNN,
        "get_initial_state",
        lambda self, *args, **options: [s + 1 for s in flat(usual(self, *args, **options))],
    )


def flat(states):
    """A list of states, or a state, as a list."""
    return list(states) if isinstance(states, (list, tuple)) else [states]


class RememberedStates:
    """The states of the model's recurrent layers at the moment, to be put back later."""

    def __init__(self, keras, model):
        """Take note of them."""
        self.backend = keras.backend
        self.new = hasattr(keras, "ops")
        self.states = [state for layer in model.layers for state in getattr(layer, "states", None) or []]
        self.values = [np.array(keras.ops.convert_to_numpy(s) if self.new else keras.backend.get_value(s)) for s in self.states]

    def put_back(self):
        """Assign what they were."""
        for state, value in zip(self.states, self.values):
            state.assign(value) if self.new else self.backend.set_value(state, value)
