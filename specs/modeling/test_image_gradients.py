"""What are pre-trained models' gradients with respect to the image for?"""

import numpy as np

from fixtures.claims import claim
from fixtures.figures import lines
from fixtures.models import sequential
from fixtures.pretrained import image_gradient, lively
from fixtures.tensors import tensor

GREY = np.random.RandomState(0).uniform(-0.1, 0.1, (1, 32, 32, 3)).astype("float32")
STEPS = 8


def features(keras, layer):
    """A model of what this layer of VGG16 makes of an image."""
    base = lively(keras, "VGG16", include_top=False, input_shape=(32, 32, 3))
    return keras.models.Model(base.input, base.get_layer(layer).output)


def change(image, step, rate):
    """Move the image along its gradient, by `rate` on average; return it and the objective before each move."""
    values = []
    for _ in range(STEPS):
        value, gradient = step(image)
        values.append(value)
        image = image + rate * gradient / (np.abs(gradient).mean() + 1e-8)
    return image, values


@claim(answers=["16.R2"])
def test_is_the_gradient_of_a_convolution(keras):
    """The gradient of a convolution's mean output by the image is its kernel, spread over the image."""
    layer = keras.layers.Conv2D(1, 1, use_bias=False)
    model = sequential(keras, (4, 4, 3), layer)
    layer.set_weights([np.array([1.0, -2.0, 3.0], "float32").reshape(1, 1, 3, 1)])
    ops = getattr(keras, "ops", keras.backend)
    value, gradient = image_gradient(keras, model, ops.mean)(np.ones((1, 4, 4, 3), "float32"))
    assert value == 2
    assert gradient[0].tolist() == [[[1 / 16, -2 / 16, 3 / 16]] * 4] * 4


@claim(answers=["16.R2"])
def test_raises_an_activation(keras, evidence):
    """Example: feature visualization. Moving an image along the gradient of a filter's activation raises it at every step."""
    ops = getattr(keras, "ops", keras.backend)
    step = image_gradient(keras, features(keras, "block2_conv1"), lambda output: ops.mean(output[..., 5]))
    _, values = change(GREY, step, rate=0.02)
    evidence("activation of a filter while the image moves along its gradient", lines("step", "mean activation", filter=values))
    assert all(later > earlier for earlier, later in zip(values, values[1:]))
    assert values[-1] > 2 * values[0]


@claim(answers=["16.R2"])
def test_dreams(keras):
    """Example: deep dream. Raising all activations of a layer at once strengthens what it sees in the image."""
    ops = getattr(keras, "ops", keras.backend)
    step = image_gradient(keras, features(keras, "block2_conv2"), lambda output: ops.mean(ops.square(output)))
    dream, values = change(GREY, step, rate=0.02)
    assert all(later > earlier for earlier, later in zip(values, values[1:]))
    assert np.abs(dream - GREY).max() > 0.02


@claim(answers=["16.R2"])
def test_transfers_a_style(keras, evidence):
    """Example: style transfer. Moving an image against the gradient of the distance in style brings it nearer to another's.

    The style is the Gram matrix of a layer's features: how often each two of them come together (arXiv:1508.06576).
    """
    ops = getattr(keras, "ops", keras.backend)
    layer = features(keras, "block1_conv2")
    style = np.tile([-1.0, 1.0], (1, 32, 16))[..., None] * np.ones(3)
    rows = layer.predict(style.astype("float32"), verbose=0).reshape(-1, 64)
    wanted = tensor(keras, rows.T @ rows / len(rows))

    def distance(output):
        found = ops.reshape(output, (-1, 64))
        return ops.mean(ops.square(ops.dot(ops.transpose(found), found) / 1024 - wanted))

    _, values = change(GREY, image_gradient(keras, layer, distance), rate=-0.02)
    evidence("distance in style while the image moves against its gradient", lines("step", "distance", style=values))
    assert all(later < earlier for earlier, later in zip(values, values[1:]))


@claim(["keras<3", "tf.keras<2"], (AttributeError, RuntimeError), "test_raises_an_activation", answers=["16.R2"])
def test_uses_the_gradients_of_the_backend(keras):
    """`K.gradients`, with which the examples of 2018 were written, gives the gradient of an output by the input."""
    K = keras.backend
    model = sequential(keras, (3,), keras.layers.Dense(1, use_bias=False))
    model.set_weights([np.array([[1.0], [-2.0], [3.0]])])
    gradients = K.gradients(K.sum(model.output), [model.input])
    assert K.function([model.input], gradients)([np.ones((2, 3))])[0].tolist() == [[1, -2, 3]] * 2
