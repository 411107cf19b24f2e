"""Faults in placing parts of a model on devices."""

import contextlib
from types import SimpleNamespace

from fixtures.several_devices import device_names
from specs.general import test_device_parallel as spec
from tests.falsifiers import falsifies

KERAS_2, OLD, GRAPHLESS = ["keras<3", "tf.keras"], ["keras<3", "tf.keras<2"], ["keras>=3", "tf.keras>=2"]


@falsifies(spec.test_the_printed_scope_exists)
def the_printed_scope_is_introduced(keras, patch):
    """`tf.device_scope` is another name of `tf.device`."""
    import tensorflow as tf

    patch.setattr(tf, "device_scope", tf.device, raising=False)


@falsifies(spec.test_a_layer_computes_where_it_was_connected, spec.test_the_place_of_connection_does_not_matter,
           on=OLD, in_interpreter=True)  # fmt: skip
@falsifies(spec.test_a_layer_computes_where_its_call_says, in_interpreter=True)
@falsifies(spec.test_keras_has_a_scope_of_its_own, on=["keras>=3"], in_interpreter=True)
def scopes_are_ignored(keras, patch):
    """The scope of a device does nothing."""
    if hasattr(keras, "device"):
        patch.setattr(keras, "device", lambda name: contextlib.nullcontext())
    else:
        import tensorflow as tf

        patch.setattr(tf, "device", lambda name: contextlib.nullcontext())


@falsifies(spec.test_a_layer_computes_where_it_was_connected, spec.test_the_place_of_connection_does_not_matter,
           on=GRAPHLESS, in_interpreter=True)  # fmt: skip
def the_place_is_remembered(keras, patch):
    """A layer computes on the device in whose scope it was connected."""
    patch.setattr(spec, "devices_of", lambda keras, model: device_names(keras))


@falsifies(spec.test_a_layer_computes_where_its_call_says, on=["keras>=3"], in_interpreter=True)
def the_concatenation_goes_first(keras, patch):
    """All parts are computed on the first device."""
    scope, (first, *_) = keras.device, device_names(keras)
    patch.setattr(keras, "device", lambda name: scope(first))


@falsifies(spec.test_theano_computes_on_the_device_that_it_started_with)
def theano_has_a_scope(keras, patch):
    """`keras.device` exists."""
    patch.setattr(keras, "device", contextlib.nullcontext, raising=False)


@falsifies(spec.test_keras_has_a_scope_of_its_own, on=KERAS_2)
def a_scope_is_introduced(keras, patch):
    """`keras.device` exists, and places."""
    patch.setattr(keras, "device", contextlib.nullcontext, raising=False)
    patch.setattr(spec, "FIRST", SimpleNamespace(run=lambda job, name: [name]))
