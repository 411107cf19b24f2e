"""How can I use pre-trained models?"""

import gc
import importlib
import itertools
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fixtures.architectures import SIDES, computed_by_hand, graded
from fixtures.claims import claim
from fixtures.models import feed, forget_models, sequential, sgd
from fixtures.pretrained import (
    MODULES,
    accept_any_content,
    blank,
    cache_path,
    disconnect,
    headless,
    lively,
    move_home,
    network,
    size,
    stand_in,
    vgg_by_hand,
    write_weights,
    zero_kernels,
)
from fixtures.tensors import as_laid

SMALLEST = {"VGG16": 32, "VGG19": 32, "ResNet50": 32, "InceptionV3": 75}
CACHED = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
IMAGES = np.random.RandomState(0).uniform(-1, 1, (4, 32, 32, 3)).astype("float32")


@pytest.fixture(autouse=True)
def forget_networks(keras):
    """Free the networks of a claim after it: they are hundreds of megabytes, held by cycles, reuse and Keras's own graph."""
    yield
    forget_models()
    if hasattr(keras.backend, "clear_session"):
        keras.backend.clear_session()
    gc.collect()


@claim(answers=["16.1"])
def test_is_imported_from_its_module(keras):
    """The networks are where they were: `VGG16` in `keras.applications.vgg16`, `VGG19`, `ResNet50`, `InceptionV3` likewise."""
    modules = [importlib.import_module(f"{keras.__name__}.applications.{module}") for module in MODULES.values()]
    assert [hasattr(module, name) for module, name in zip(modules, MODULES)] == [True] * 4


@claim(answers=["16.1"])
def test_has_the_published_size(keras, evidence):
    """The four networks have the published numbers of parameters, take 224 or 299 pixels square, and tell 1000 classes.

    Of ResNet50 53,120 and of InceptionV3 34,432 parameters are not trained: the moving statistics of BatchNormalization.
    """
    sizes = {name: size(keras, name) for name in reversed(list(MODULES))}
    evidence("parameters", {name: parameters for name, (parameters, *_) in sizes.items()})
    assert sizes == {
        "VGG16": (138357544, 138357544, (None, 224, 224, 3), (None, 1000)),
        "VGG19": (143667240, 143667240, (None, 224, 224, 3), (None, 1000)),
        "ResNet50": (25636712, 25636712 - 53120, (None, 224, 224, 3), (None, 1000)),
        "InceptionV3": (23851784, 23851784 - 34432, (None, 299, 299, 3), (None, 1000)),
    }


@claim(answers=["16.1"], examples=4)
@given(name=st.sampled_from(list(MODULES)))
@example(name="VGG16")
@example(name="VGG19")
@example(name="ResNet50")
@example(name="InceptionV3")
def test_computes_what_its_paper_says(keras, name):
    """The four networks compute what their papers describe, down to `classes` probabilities that sum to one."""
    name = name if name == "VGG19" else stand_in(keras, name)
    if name.startswith("VGG"):
        model, image = lively(keras, name, input_shape=(32, 32, 3), classes=3), IMAGES[:1]
        weights = [as_laid(keras, weight) if weight.ndim == 4 else weight for weight in model.get_weights()]
        expected = vgg_by_hand(name, weights, image)
    else:
        model = graded(keras, name)
        image = np.random.RandomState(2).uniform(-1, 1, (1, SIDES[name], SIDES[name], 3)).astype("float32")
        expected = computed_by_hand(name, image)
    probabilities = np.array(feed(keras, model, image))
    np.testing.assert_allclose(probabilities, expected, atol=2e-3)  # float32 through up to 94 layers, in another order
    assert probabilities.sum() == pytest.approx(1, abs=1e-5)


@claim(answers=["16.R1"], examples=3)
@given(height=st.integers(32, 130), width=st.integers(32, 130))
@example(height=32, width=64)
@example(height=224, width=224)
def test_gives_features_without_its_top(keras, height, width):
    """`include_top=False` leaves the classifier out: VGG16 gives 512 features for each 32 by 32 pixels of any larger image."""
    model = blank(keras, "VGG16", include_top=False, input_shape=(height, width, 3))
    assert tuple(model.output_shape) == (None, height // 32, width // 32, 512)
    assert model.count_params() == 14714688


@claim(answers=["16.R1"])
def test_takes_images_of_any_size_without_its_top(keras):
    """Without its top and without `input_shape` VGG16 fixes no size: an image of 32 by 96 pixels is taken, too."""
    model = lively(keras, "VGG16", include_top=False)
    assert tuple(model.input_shape) == (None, None, None, 3)
    assert np.array(feed(keras, model, np.ones((1, 32, 96, 3), "float32"))).shape == (1, 1, 3, 512)


@claim(answers=["16.R1"], examples=8)
@given(name=st.sampled_from(list(SMALLEST)), pooling=st.sampled_from(["avg", "max"]))
@example(name="VGG16", pooling="avg")
@example(name="VGG19", pooling="max")
@example(name="ResNet50", pooling="avg")
@example(name="ResNet50", pooling="max")
@example(name="InceptionV3", pooling="avg")
@example(name="InceptionV3", pooling="max")
def test_pools_the_features(keras, name, pooling):
    """`pooling="avg"` gives the mean of each feature over the image, `pooling="max"` its maximum."""
    name = stand_in(keras, name)
    side = SMALLEST[name]
    model = headless(keras, name, side)
    if pooling != "avg":
        model = blank(keras, name, include_top=False, input_shape=(side, side, 3), pooling=pooling)
    count = 512 if name.startswith("VGG") else 2048
    features = np.random.RandomState(1).uniform(-1, 1, (1, 3, 2, count)).astype("float32")
    pooled = np.array(feed(keras, sequential(keras, (3, 2, count), model.layers[-1]), features))
    expected = {"avg": features.mean(axis=(1, 2)), "max": features.max(axis=(1, 2))}[pooling]
    np.testing.assert_allclose(pooled, expected, rtol=1e-3, atol=1e-5)
    assert tuple(model.output_shape) == (None, count)


@claim(answers=["16.1"], examples=8)
@given(name=st.sampled_from(list(SMALLEST)), less=st.integers(1, 31), transposed=st.booleans())
@example(name="VGG16", less=1, transposed=False)
@example(name="VGG19", less=1, transposed=True)
@example(name="ResNet50", less=1, transposed=False)
@example(name="InceptionV3", less=1, transposed=True)
def test_refuses_small_images(keras, name, less, transposed):
    """An image of less than 32 pixels a side (InceptionV3: 75) is refused with a ValueError when the network is built."""
    shape = (SMALLEST[name] - less, 100, 3)
    shape = (shape[1], shape[0], 3) if transposed else shape
    with pytest.raises(ValueError, match=f"at least {SMALLEST[name]}x{SMALLEST[name]}"):
        network(keras, name)(weights=None, include_top=False, input_shape=shape)


@claim(answers=["16.2"], examples=4)
@given(name=st.sampled_from(list(MODULES)), classes=st.sampled_from([10, 1001]))
def test_refuses_other_classes_with_published_weights(keras, name, classes):
    """`weights="imagenet"` with another number of `classes` than 1000 is refused with a ValueError, with nothing fetched."""
    with pytest.raises(ValueError, match="should be 1000"):
        network(keras, name)(weights="imagenet", classes=classes)


@claim(answers=["16.2"])
def test_needs_the_network_by_default(keras, monkeypatch, tmp_path):
    """Without `weights` the published ones are fetched; with no network (simulated) the error names their address."""
    move_home(monkeypatch, tmp_path)
    asked = disconnect(monkeypatch)
    names = sorted({stand_in(keras, name) for name in MODULES})
    endings = [({}, ""), ({"include_top": False}, "_notop")]
    for name, (options, end) in itertools.product(names, endings):
        address = rf"URL fetch failure on https://\S*/{MODULES[name]}_weights_tf_dim_ordering_tf_kernels{end}\.h5"
        with zero_kernels(keras), pytest.raises(Exception, match=address):
            network(keras, name)(**options)
        gc.collect()
    assert asked


@claim(answers=["16.2"], examples=4)
@given(name=st.sampled_from(list(MODULES)))
@example(name="VGG16")
@example(name="VGG19")
@example(name="ResNet50")
@example(name="InceptionV3")
def test_loads_a_cached_file_offline(keras, tmp_path_factory, name):
    """A file in `models` under Keras's home is loaded without the network, if its MD5 sum is right (the sum is simulated)."""
    name = stand_in(keras, name)
    path = cache_path(CACHED.replace("vgg16", MODULES[name]))
    options = {"include_top": False, "input_shape": (SMALLEST[name], SMALLEST[name], 3)}
    write_weights(keras, path, headless(keras, name, SMALLEST[name]), value=0.25)
    with pytest.MonkeyPatch.context() as monkeypatch, zero_kernels(keras):
        move_home(monkeypatch, tmp_path_factory.mktemp("home"))
        asked = disconnect(monkeypatch)
        accept_any_content(monkeypatch)
        try:
            weights = network(keras, name)(weights="imagenet", **options).get_weights()
        finally:
            os.remove(path)
    assert asked == []
    assert {float(bound) for weight in weights for bound in (weight.min(), weight.max())} == {0.25}


@claim(answers=["16.2"])
def test_does_not_load_a_damaged_file(keras, monkeypatch, tmp_path):
    """A cached file whose MD5 sum is wrong is not loaded but fetched anew, which fails with no network (simulated)."""
    move_home(monkeypatch, tmp_path)
    asked = disconnect(monkeypatch)
    write_weights(keras, cache_path(CACHED), blank(keras, "VGG16", include_top=False), value=0.25)
    names = sorted({stand_in(keras, name) for name in MODULES})
    for name, end in [*((name, "_notop") for name in names), ("VGG16", "")]:
        file = f"{MODULES[name]}_weights_tf_dim_ordering_tf_kernels{end}.h5"
        if file != CACHED:
            Path(cache_path(file)).write_bytes(b"damaged")
        del asked[:]
        with zero_kernels(keras), pytest.raises(Exception, match="URL fetch failure"):
            network(keras, name)(include_top=not end)
        assert asked
        gc.collect()
        if os.path.exists(cache_path(file)):
            os.remove(cache_path(file))


@claim(answers=["16.2"], examples=4)
@given(name=st.sampled_from(list(MODULES)))
def test_loads_a_weights_file(keras, name):
    """`weights` may be the path of a weights file, with which no network is needed."""
    name = stand_in(keras, name)
    weights = headless(keras, name, SMALLEST[name]).get_weights()
    assert {float(bound) for weight in weights for bound in (weight.min(), weight.max())} == {0.5}


@claim(answers=["16.2"], needs=["network"])
def test_loads_the_published_weights(keras, monkeypatch, tmp_path):
    """`weights="imagenet"` loads the published weights, and the network tells images apart."""
    move_home(monkeypatch, tmp_path)
    model = network(keras, "ResNet50")(weights="imagenet")
    noise = np.random.RandomState(0).uniform(-100, 100, (2, 224, 224, 3)).astype("float32")
    noise[1] = 0
    first, second = model.predict(noise, verbose=0)
    np.testing.assert_allclose([first.sum(), second.sum()], 1, rtol=1e-4)
    assert abs(first - second).max() > 1e-3


@claim(answers=["16.R1"])
def test_extracts_features(keras):
    """Example: the features that a network gives are computed once, and a small classifier learns from them."""
    images = np.concatenate([np.zeros((4, 32, 32, 3)), np.tile([0.0, 1.0], (4, 32, 16))[..., None] * np.ones(3)])
    images = (images + 0.05 * np.random.RandomState(0).standard_normal(images.shape)).astype("float32")
    labels = np.array([[0.0]] * 4 + [[1.0]] * 4)  # plain or striped

    base = lively(keras, "VGG16", include_top=False, input_shape=(32, 32, 3), pooling="avg")  # yours: weights="imagenet"
    features = np.array(feed(keras, base, images))
    features = (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-6)
    head = sequential(keras, (512,), keras.layers.Dense(1, activation="sigmoid", kernel_initializer="zeros"))
    head.compile(optimizer=sgd(keras, rate=0.01), loss="binary_crossentropy")
    head.fit(features, labels, epochs=20, batch_size=8, verbose=0)

    assert (head.predict(features, verbose=0) > 0.5).tolist() == (labels > 0.5).tolist()


@claim(answers=["16.R1"])
def test_is_fine_tuned_in_two_stages(keras):
    """Example: a new head is trained on the frozen network; then the last block is unfrozen, and learns at a smaller rate."""
    base = blank(keras, "VGG16", include_top=False, input_shape=(32, 32, 3), pooling="avg")  # yours: weights="imagenet"
    base.set_weights(lively(keras, "VGG16", include_top=False, input_shape=(32, 32, 3), pooling="avg").get_weights())
    before, labels = base.get_weights(), np.array([[0.0], [1.0]] * 2)

    base.trainable = False
    model = sequential(keras, (32, 32, 3), base, keras.layers.Dense(1, activation="sigmoid", name="head"))
    model.compile(optimizer=sgd(keras, rate=0.01), loss="binary_crossentropy")
    model.fit(IMAGES, labels, verbose=0)
    first = [(old == new).all() for old, new in zip(before, base.get_weights())]

    base.trainable = True
    for layer in base.layers:
        layer.trainable = layer.name.startswith("block5")
    model.compile(optimizer=sgd(keras, rate=0.001), loss="binary_crossentropy")
    model.fit(IMAGES, labels, verbose=0)

    second = [(old == new).all() for old, new in zip(before, base.get_weights())]
    assert first == [True] * 26
    assert second == [True] * 20 + [False] * 6  # kernels and biases of 13 convolutions, of which block 5 has the last three
