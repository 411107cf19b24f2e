"""Faults in preparing images and in reading predictions."""

import numpy as np

from fixtures.pretrained import MODULES
from specs.modeling import test_image_preprocessing as spec
from tests.falsifiers import falsifies


def preprocessing_becomes(keras, patch, react):
    """Make each network's `preprocess_input` answer with `react(preprocess, x, options)`."""
    for name in MODULES.values():
        module = getattr(keras.applications, name)
        original = module.preprocess_input

        def preprocess(x, original=original, **options):
            return react(original, x, options)

        patch.setattr(module, "preprocess_input", preprocess)


def decoding_becomes(keras, patch, react):
    """Make `decode_predictions` answer with `react(decode, predictions, options)`."""
    for name in MODULES.values():
        module = getattr(keras.applications, name)
        original = module.decode_predictions
        patch.setattr(module, "decode_predictions", lambda x, original=original, **options: react(original, x, options))


@falsifies(spec.test_subtracts_the_mean_of_each_colour)
def keeps_the_colours(keras, patch):
    """RGB is not turned into BGR before the means are subtracted."""
    preprocessing_becomes(keras, patch, lambda preprocess, x, options: preprocess(x[..., ::-1], **options))


@falsifies(spec.test_subtracts_the_mean_of_each_colour, spec.test_scales_to_one, spec.test_can_be_a_layer)
@falsifies(spec.test_can_be_written_as_a_layer)
def is_a_little_off(keras, patch):
    """Values are a hundredth too large."""
    preprocessing_becomes(keras, patch, lambda preprocess, x, options: preprocess(x, **options) + 0.01)


@falsifies(spec.test_scales_to_one)
def scales_to_zero_and_one(keras, patch):
    """Images are scaled to 0 to 1."""
    preprocessing_becomes(keras, patch, lambda preprocess, x, options: (preprocess(x, **options) + 1) / 2)


@falsifies(spec.test_finds_the_colours_first)
def ignores_the_data_format(keras, patch):
    """The colours are taken to be last, or along the rows of a single image, whatever `data_format` says."""

    def react(preprocess, x, options):
        if options.get("data_format") == "channels_first":
            return preprocess(x[..., ::-1, :, :].copy(), **options) + np.arange(3.0)[:, None, None]
        return preprocess(x, **options)

    preprocessing_becomes(keras, patch, react)


@falsifies(spec.test_overwrites_floats)
def copies_first(keras, patch):
    """A copy is made first."""
    preprocessing_becomes(keras, patch, lambda preprocess, x, options: preprocess(x.copy(), **options))


@falsifies(spec.test_can_be_a_layer)
def does_nothing_to_tensors(keras, patch):
    """What is no array is left as it is."""

    def react(preprocess, x, options):
        return preprocess(x, **options) if isinstance(x, np.ndarray) else x

    preprocessing_becomes(keras, patch, react)


@falsifies(spec.test_decodes_the_most_probable_classes)
def decodes_the_least_probable_first(keras, patch):
    """The least probable of the top classes comes first."""
    decoding_becomes(keras, patch, lambda decode, x, options: [row[::-1] for row in decode(x, **options)])


@falsifies(spec.test_decodes_the_most_probable_classes)
def forgets_top(keras, patch):
    """`top` is ignored."""
    decoding_becomes(keras, patch, lambda decode, x, options: decode(x))


@falsifies(spec.test_decodes_a_thousand_classes_only)
@falsifies(spec.test_fetches_the_names_of_classes)
def decodes_anything(keras, patch):
    """Any prediction is decoded, to nothing."""
    decoding_becomes(keras, patch, lambda decode, x, options: [])
