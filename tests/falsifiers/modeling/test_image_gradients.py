"""Faults in gradients with respect to the image."""

import numpy as np

from specs.modeling import test_image_gradients as spec
from tests.falsifiers import falsifies


def gradients_become(patch, change):
    """Make the gradient that a claim is given be a changed one."""
    original = spec.image_gradient

    def image_gradient(*args):
        step = original(*args)

        def changed(image):
            value, gradient = step(image)
            return value, change(gradient)

        return changed

    patch.setattr(spec, "image_gradient", image_gradient)


@falsifies(spec.test_is_the_gradient_of_a_convolution, spec.test_raises_an_activation)
@falsifies(spec.test_dreams, spec.test_transfers_a_style)
def points_down(keras, patch):
    """The gradient has the wrong sign."""
    gradients_become(patch, lambda gradient: -gradient)


@falsifies(spec.test_is_the_gradient_of_a_convolution, spec.test_raises_an_activation)
@falsifies(spec.test_dreams, spec.test_transfers_a_style)
def stops_at_the_image(keras, patch):
    """No gradient reaches the image."""
    gradients_become(patch, lambda gradient: 0 * gradient)


@falsifies(spec.test_uses_the_gradients_of_the_backend, on=["keras<3"])
def doubles_gradients(keras, patch):
    """`K.gradients` gives twice the gradient."""
    original = keras.backend.gradients
    patch.setattr(keras.backend, "gradients", lambda loss, variables: [2 * one for one in original(loss, variables)])


@falsifies(spec.test_uses_the_gradients_of_the_backend, on=["keras>=3", "tf.keras"])
def gives_gradients(keras, patch):
    """`K.gradients` and `K.function` are as they were: for a layer of three weights."""
    patch.setattr(keras.backend, "sum", lambda values: values, raising=False)
    patch.setattr(keras.backend, "gradients", lambda loss, variables: variables, raising=False)
    patch.setattr(keras.backend, "function", lambda inputs, outputs: lambda _: [np.array([[1, -2, 3]] * 2)], raising=False)
