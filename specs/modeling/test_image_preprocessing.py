"""How are images prepared for a pre-trained model, and its predictions read?"""

import json
import os

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.configuration import configured
from fixtures.models import feed, sequential
from fixtures.pretrained import MODULES, accept_any_content, cache_path, class_index, disconnect, forget_class_index, move_home
from fixtures.tensors import array, tensor

MEANS = np.array([103.939, 116.779, 123.68])  # of blue, green and red in ImageNet, arXiv:1409.1556
BGR_NETWORKS = ["vgg16", "vgg19", "resnet50"]
seeds = st.integers(0, 2**16)
INDEX = "imagenet_class_index.json"


def image(seed, *shape, dtype="uint8"):
    """An image of random bytes."""
    return np.random.RandomState(seed).randint(0, 256, shape).astype(dtype)


@claim(answers=["16.1"], examples=10)
@given(module=st.sampled_from(BGR_NETWORKS), seed=seeds, batch=st.integers(0, 2), dtype=st.sampled_from(["uint8", "float32"]))
def test_subtracts_the_mean_of_each_colour(keras, module, seed, batch, dtype):
    """For VGG16, VGG19, ResNet50 `preprocess_input` turns RGB into BGR and subtracts ImageNet's mean of each colour."""
    pixels = image(seed, *([batch] if batch else []), 3, 5, 3, dtype=dtype)
    expected = pixels[..., ::-1].astype("float64") - MEANS
    found = getattr(keras.applications, module).preprocess_input(pixels.copy())
    np.testing.assert_allclose(found, expected, atol=1e-4)  # float32's precision at 255


@claim(answers=["16.1"], examples=5)
@given(seed=seeds, dtype=st.sampled_from(["uint8", "float32"]))
def test_scales_to_one(keras, seed, dtype):
    """For InceptionV3 `preprocess_input` scales 0 to 255 to -1 to 1, and keeps RGB."""
    pixels = image(seed, 2, 3, 5, 3, dtype=dtype)
    pixels[0, 0, 0] = [0, 255, 51]
    found = keras.applications.inception_v3.preprocess_input(pixels.copy())
    np.testing.assert_allclose(found, pixels / 127.5 - 1, atol=1e-6)
    np.testing.assert_allclose(found[0, 0, 0], [-1, 1, -0.6], atol=1e-6)


@claim(answers=["16.1"], examples=6)
@given(module=st.sampled_from(sorted(MODULES.values())), seed=seeds, batch=st.booleans())
@example(module="vgg16", seed=0, batch=False)
def test_finds_the_colours_first(keras, module, seed, batch):
    """With `data_format="channels_first"`, given or set for all of Keras, the same is done along the first axis of an image."""
    preprocess = getattr(keras.applications, module).preprocess_input
    pixels = image(seed, *([2] if batch else []), 3, 5, 3, dtype="float32")  # the colours are last
    expected = np.moveaxis(preprocess(pixels.copy(), data_format="channels_last"), -1, -3)
    found = preprocess(np.moveaxis(pixels, -1, -3).copy(), data_format="channels_first")
    np.testing.assert_allclose(found, expected, atol=1e-5)
    with configured(keras, image_data_format="channels_first"):
        if batch and hasattr(keras, "ops"):  # Keras 2 would keep the means as a tensor of this graph
            of_tensor = preprocess(tensor(keras, np.moveaxis(pixels, -1, -3)), data_format="channels_first")
            np.testing.assert_allclose(array(keras, of_tensor), expected, atol=1e-4)
        np.testing.assert_allclose(preprocess(np.moveaxis(pixels, -1, -3).copy()), expected, atol=1e-5)


@claim(answers=["16.1"], examples=4)
@given(module=st.sampled_from(sorted(MODULES.values())))
def test_overwrites_floats(keras, module):
    """An array of floats is overwritten, one of bytes is not: pass a copy if you still need it."""
    floats, whole = image(0, 2, 2, 3, dtype="float32"), image(0, 2, 2, 3)
    getattr(keras.applications, module).preprocess_input(floats)
    getattr(keras.applications, module).preprocess_input(whole)
    assert not (floats == image(0, 2, 2, 3)).any()
    assert (whole == image(0, 2, 2, 3)).all()


@claim(
    ["keras", "tf.keras<2.1", "tf.keras>=2.2"],
    "tensorflow.python.eager.core._SymbolicException",
    "test_can_be_written_as_a_layer",
    answers=["16.1"],
    examples=2,
)
@given(module=st.sampled_from(["vgg16", "inception_v3"]))
@example(module="vgg16")
@example(module="inception_v3")
def test_can_be_a_layer(keras, module):
    """Example: `preprocess_input` in a `Lambda` layer makes it a part of the model, with the same results.

    In TensorFlow 2.1 that of VGG16 makes a model that cannot be used: the means are a tensor of another graph.
    """
    preprocess = getattr(keras.applications, module).preprocess_input
    model = sequential(keras, (4, 4, 3), keras.layers.Lambda(preprocess))
    pixels = image(1, 2, 4, 4, 3, dtype="float32")
    found = np.array(feed(keras, model, pixels))
    expected = pixels[..., ::-1] - MEANS if module == "vgg16" else pixels / 127.5 - 1
    np.testing.assert_allclose(found, expected, atol=1e-4)


@claim(answers=["16.1"])
def test_can_be_written_as_a_layer(keras):
    """Example: `Dense(3)` with the weights `np.eye(3)[::-1]` and `-means` is in a model what VGG16's `preprocess_input` is."""
    pixels = image(1, 2, 4, 4, 3, dtype="float32")
    preprocess = keras.layers.Dense(3, trainable=False)
    model = sequential(keras, (4, 4, 3), preprocess)
    preprocess.set_weights([np.eye(3)[::-1], -MEANS])
    found = np.array(feed(keras, model, pixels))
    np.testing.assert_allclose(found, pixels[..., ::-1] - MEANS, atol=1e-4)
    np.testing.assert_allclose(found, keras.applications.vgg16.preprocess_input(pixels.copy()), atol=1e-4)


@claim(answers=["16.2"])
def test_decodes_the_most_probable_classes(keras, monkeypatch, tmp_path):
    """`decode_predictions` lists id, name and probability of the five (or `top`) most probable classes, the likeliest first."""
    move_home(monkeypatch, tmp_path)
    accept_any_content(monkeypatch)
    forget_class_index(monkeypatch)
    with open(cache_path(INDEX), "w", encoding="utf-8") as file:
        json.dump(class_index(), file)
    rows = np.array([np.roll(np.arange(1000.0), n) for n in (0, 400)]) / 499500  # the last class, and class 399, lead
    decoders = [getattr(keras.applications, module).decode_predictions for module in MODULES.values()]
    try:
        found = [(decode(rows), decode(rows, top=2)) for decode in decoders]
    finally:
        os.remove(cache_path(INDEX))
    orders = [[999, 998, 997, 996, 995], [399, 398, 397, 396, 395]]
    expected = [[(*class_index()[str(n)], row[n]) for n in order] for row, order in zip(rows, orders)]
    assert found == [(expected, [row[:2] for row in expected])] * len(decoders)


@claim(answers=["16.2"], examples=4)
@given(shape=st.sampled_from([(1, 999), (1, 1001), (1000,), (1, 1, 1000)]))
@example(shape=(1, 999))
def test_decodes_a_thousand_classes_only(keras, shape):
    """`decode_predictions` refuses what is not `(samples, 1000)` with a ValueError: your own classifier has other names."""
    with pytest.raises(ValueError, match="decode_predictions"):
        keras.applications.vgg16.decode_predictions(np.zeros(shape))


@claim(answers=["16.2"])
def test_fetches_the_names_of_classes(keras, monkeypatch, tmp_path):
    """The names of the classes are not in the package: they are fetched, which fails with no network (simulated)."""
    move_home(monkeypatch, tmp_path)
    asked = disconnect(monkeypatch)
    forget_class_index(monkeypatch)
    with pytest.raises(Exception, match=r"URL fetch failure on https://.*imagenet_class_index\.json"):
        keras.applications.vgg16.decode_predictions(np.zeros((1, 1000)))
    assert asked
