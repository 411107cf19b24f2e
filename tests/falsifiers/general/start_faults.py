"""Faults in how Keras starts, put into a fork at the moment at which it is imported there."""

import json
import os
import sys

from fixtures import configuration
from fixtures.subject import BACKENDS


def before(patch, act):
    """Just before the import, `act()`."""
    original = configuration.bring_in

    def bring_in(import_keras):
        act()
        return original(import_keras)

    patch.setattr(configuration, "bring_in", bring_in)


def after(patch, act):
    """Just after the import, `act(keras)`."""
    original = configuration.bring_in

    def bring_in(import_keras):
        keras = original(import_keras)
        act(keras)
        return keras

    patch.setattr(configuration, "bring_in", bring_in)


def reads(patch, change):
    """`change(content)` takes the place of what is read of the file."""
    original = json.load
    patch.setattr(json, "load", lambda file: change(original(file)))


def writes(patch, change):
    """`change(content)` takes the place of what is written to the file."""
    original = json.dumps
    before(patch, lambda: patch.setattr(json, "dumps", lambda content, **options: original(change(content), **options)))


def without(content, *fields):
    """The content of the file without these fields."""
    return {field: value for field, value in content.items() if field not in fields}


def without_variable(patch, name):
    """An environment variable is not read."""
    before(patch, lambda: os.environ.pop(name, None))


def backend_that_is_there():
    """The backend that has been imported."""
    return next(name for name in BACKENDS if name in sys.modules)


def file():
    """The path of the file in the home."""
    return os.path.join(os.environ["HOME"], ".keras", "keras.json")


def chosen_backend():
    """The backend that a Keras with several would take."""
    named = os.environ.get("KERAS_BACKEND")
    if not named and os.path.exists(file()):
        with open(file()) as content:
            named = json.load(content).get("backend")
    return named or "tensorflow"


def obey_backend(patch, message="Unable to import backend : {}"):
    """There is no backend but TensorFlow, and any other is refused."""

    def act():
        if chosen_backend() != "tensorflow":
            raise ValueError(message.format(chosen_backend()))

    before(patch, act)


def ignore_backend(patch, pretend=None):
    """Whatever is named, the backend that is there is taken; it goes by the name that `pretend(named)` gives."""
    named = []

    def take():
        named.append(os.environ.get("KERAS_BACKEND"))
        os.environ["KERAS_BACKEND"] = backend_that_is_there()

    before(patch, take)
    if pretend:
        after(patch, lambda keras: patch.setattr(keras.backend, "backend", lambda: pretend(named[0])))
