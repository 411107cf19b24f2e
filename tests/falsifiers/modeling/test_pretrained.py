"""Faults in the pretrained networks."""

import importlib
import urllib.request

import numpy as np

from fixtures.pretrained import MODULES
from specs.modeling import test_pretrained as spec
from tests.falsifiers import falsifies


def building_becomes(keras, patch, react, *names):
    """Make these networks, or all four, be what `react(build, options)` says."""
    for name in names or MODULES:
        original = getattr(getattr(keras.applications, MODULES[name]), name)

        def build(original=original, **options):
            return react(lambda **changed: original(**changed), options)

        patch.setattr(getattr(keras.applications, MODULES[name]), name, build)


def weights_become(keras, patch, change, *names):
    """Make these networks be built with changed weights."""

    def react(build, options):
        model = build(**options)
        model.set_weights([change(weight) for weight in model.get_weights()])
        return model

    building_becomes(keras, patch, react, *names)


@falsifies(spec.test_is_imported_from_its_module)
def is_somewhere_else(keras, patch):
    """There is no `ResNet50` in its module."""
    patch.delattr(importlib.import_module(f"{keras.__name__}.applications.resnet50"), "ResNet50")


@falsifies(spec.test_has_the_published_size)
def has_one_class_more(keras, patch):
    """There is a class for the background too."""
    building_becomes(keras, patch, lambda build, options: build(**{"classes": 1001, **options}), "VGG16")


@falsifies(spec.test_has_the_published_size)
def has_another_default_size(keras, patch):
    """ResNet50 takes 299 pixels too."""
    building_becomes(keras, patch, lambda build, options: build(**{"input_shape": (299, 299, 3), **options}), "ResNet50")


def replaced(keras, patch, name, **changed):
    """Make layers of this class be built with changed options, where they have them."""
    original = getattr(keras.layers, name).__init__

    def init(self, *args, **options):
        original(self, *args, **{**options, **{key: value(options) for key, value in changed.items()}})

    patch.setattr(getattr(keras.layers, name), "__init__", init)


@falsifies(spec.test_computes_what_its_paper_says)
def is_not_rectified(keras, patch):
    """Convolutions are followed by a hyperbolic tangent."""
    replaced(keras, patch, "Conv2D", activation=lambda options: "tanh")


@falsifies(spec.test_computes_what_its_paper_says)
def has_linear_dense_layers(keras, patch):
    """The dense layers before the last one are not rectified."""
    replaced(keras, patch, "Dense", activation=lambda options: "softmax" if options.get("name") == "predictions" else "linear")


@falsifies(spec.test_computes_what_its_paper_says)
def gives_no_probabilities(keras, patch):
    """The classifier ends without a softmax."""
    replaced(keras, patch, "Dense", activation=lambda options: "relu")


@falsifies(spec.test_gives_features_without_its_top, spec.test_takes_images_of_any_size_without_its_top)
def forgets_the_last_pooling(keras, patch):
    """The features come before the last pooling."""

    def react(build, options):
        model = build(**options)
        return keras.models.Model(model.input, model.layers[-2].output)

    building_becomes(keras, patch, react, "VGG16")


@falsifies(spec.test_takes_images_of_any_size_without_its_top)
def takes_one_size_only(keras, patch):
    """Images have the default size without the top too."""
    building_becomes(keras, patch, lambda build, options: build(**{"input_shape": (224, 224, 3), **options}), "VGG16")


@falsifies(spec.test_pools_the_features)
def swaps_the_poolings(keras, patch):
    """`avg` takes the maximum, `max` the mean."""
    other = {"avg": "max", "max": "avg", None: None}
    building_becomes(keras, patch, lambda build, options: build(**{**options, "pooling": other[options.get("pooling")]}))


@falsifies(spec.test_refuses_small_images)
def accepts_small_images(keras, patch):
    """An image may be a pixel smaller than the smallest."""

    def react(build, options):
        sides = [side + (side in (31, 74)) for side in options["input_shape"][:2]]
        return build(**{**options, "input_shape": (*sides, 3)})

    building_becomes(keras, patch, react)


@falsifies(spec.test_refuses_other_classes_with_published_weights)
def takes_any_number_of_classes(keras, patch):
    """The number of classes is not checked."""
    building_becomes(keras, patch, lambda build, options: None)


@falsifies(spec.test_needs_the_network_by_default)
def is_random_by_default(keras, patch):
    """Without `weights` the network is random."""
    building_becomes(keras, patch, lambda build, options: build(**{"weights": None, **options}))


@falsifies(spec.test_loads_a_cached_file_offline)
def fetches_always(keras, patch):
    """The network is asked even though the file is there."""

    def react(build, options):
        try:
            urllib.request.urlopen("http://localhost:9")
        except OSError:
            return build(**options)

    building_becomes(keras, patch, react)


@falsifies(spec.test_loads_a_cached_file_offline, spec.test_loads_a_weights_file)
def loads_the_kernels_only(keras, patch):
    """Biases are not loaded."""
    weights_become(keras, patch, lambda weight: weight * (weight.ndim > 1))


@falsifies(spec.test_does_not_load_a_damaged_file)
def loads_what_it_finds(keras, patch):
    """The sum of a cached file is not checked."""
    building_becomes(keras, patch, lambda build, options: build(**{**options, "weights": None}))


@falsifies(spec.test_loads_a_weights_file)
def ignores_the_weights_file(keras, patch):
    """The weights file is not loaded."""
    building_becomes(keras, patch, lambda build, options: build(**{**options, "weights": None}))


@falsifies(spec.test_loads_the_published_weights)
def loads_zeros(keras, patch):
    """The published weights are zeros."""
    weights_become(keras, patch, np.zeros_like)


@falsifies(spec.test_extracts_features)
def gives_features_of_nothing(keras, patch):
    """All features are zero."""
    replaced(keras, patch, "Conv2D", activation=lambda options: lambda values: 0 * values)


@falsifies(spec.test_is_fine_tuned_in_two_stages)
def trains_nothing(keras, patch):
    """Nothing is trained."""
    patch.setattr(keras.models.Model, "fit", lambda self, *data, **options: None)


@falsifies(spec.test_is_fine_tuned_in_two_stages)
def trains_what_is_frozen(keras, patch):
    """`compile` forgets what is frozen."""
    original = keras.models.Model.compile

    def compile_all(self, *args, **options):
        for layer in self.layers:
            layer.trainable = True
            for inner in getattr(layer, "layers", []):
                inner.trainable = True
        original(self, *args, **options)

    patch.setattr(keras.models.Model, "compile", compile_all)
