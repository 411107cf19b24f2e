"""Which arguments of layers, losses and optimizers come back from a saved configuration?"""

import json

import numpy as np

from fixtures.claims import claim

# Layers, and arguments for each that are not its defaults.
CONVOLUTION = {"filters": 3, "kernel_size": 2, "padding": "same", "activation": "tanh", "use_bias": False}
RECURRENT = {
    "units": 3, "activation": "relu", "use_bias": False, "dropout": 0.25, "recurrent_dropout": 0.5, "unroll": True,
    "return_sequences": True, "return_state": True, "go_backwards": True, "stateful": True,
}  # fmt: skip
IMAGES = {"data_format": "channels_first"}
LAYERS = [
    ("Dense", {"units": 3, "activation": "tanh", "use_bias": False}),
    ("Activation", {"activation": "relu"}),
    ("Embedding", {"input_dim": 5, "output_dim": 2, "mask_zero": True}),
    ("Masking", {"mask_value": -1.0}),
    ("Conv1D", {**CONVOLUTION, "strides": 2}),
    ("Conv1D", {**CONVOLUTION, "dilation_rate": 2}),
    ("Conv2D", {**CONVOLUTION, **IMAGES, "strides": 2}),
    ("Conv2D", {**CONVOLUTION, "dilation_rate": 2}),
    ("Conv2DTranspose", {**CONVOLUTION, **IMAGES, "strides": 2}),
    ("SeparableConv2D", {**CONVOLUTION, **IMAGES, "strides": 2, "depth_multiplier": 2}),
    ("DepthwiseConv2D", {**IMAGES, "kernel_size": 2, "strides": 2, "padding": "same", "depth_multiplier": 2}),
    ("MaxPooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}),
    ("AveragePooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}),
    ("MaxPooling2D", {**IMAGES, "pool_size": 3, "strides": 2, "padding": "same"}),
    ("AveragePooling2D", {**IMAGES, "pool_size": 3, "strides": 2, "padding": "same"}),
    ("GlobalMaxPooling2D", IMAGES),
    ("GlobalAveragePooling2D", IMAGES),
    ("ZeroPadding1D", {"padding": 2}),
    ("ZeroPadding2D", {**IMAGES, "padding": 2}),
    ("Cropping1D", {"cropping": 2}),
    ("Cropping2D", {**IMAGES, "cropping": 2}),
    ("UpSampling1D", {"size": 3}),
    ("UpSampling2D", {**IMAGES, "size": 3, "interpolation": "bilinear"}),
    ("Flatten", IMAGES),
    ("Reshape", {"target_shape": [3, 2]}),
    ("Permute", {"dims": [2, 1]}),
    ("RepeatVector", {"n": 3}),
    ("Concatenate", {"axis": 1}),
    ("Dot", {"axes": 2, "normalize": True}),
    ("Dropout", {"rate": 0.25}),
    ("SpatialDropout1D", {"rate": 0.25}),
    ("GaussianDropout", {"rate": 0.25}),
    ("GaussianNoise", {"stddev": 0.25}),
    ("ActivityRegularization", {"l1": 0.25, "l2": 0.5}),
    ("BatchNormalization", {"axis": 1, "momentum": 0.5, "epsilon": 0.25, "center": False, "scale": False}),
    ("Softmax", {"axis": 1}),
    ("ELU", {"alpha": 0.25}),
    ("ReLU", {"max_value": 6.0, "negative_slope": 0.25, "threshold": 0.5}),
    ("SimpleRNN", RECURRENT),
    ("LSTM", {**RECURRENT, "recurrent_activation": "relu", "unit_forget_bias": False}),
    ("GRU", {**RECURRENT, "recurrent_activation": "relu", "reset_after": False}),
]  # fmt: skip


# What of each kind of layer is initialized, constrained and penalized.
WEIGHTS = {
    **dict.fromkeys(["Dense", "Conv1D", "Conv2D", "Conv2DTranspose"], ("kernel", "bias")),
    **dict.fromkeys(["SimpleRNN", "LSTM", "GRU"], ("kernel", "recurrent", "bias")),
    "Embedding": ("embeddings",),
    "DepthwiseConv2D": ("depthwise", "bias"),
    "SeparableConv2D": ("depthwise", "pointwise", "bias"),
    "BatchNormalization": ("beta", "gamma"),
    "PReLU": ("alpha",),
}
SIZES = {"Embedding": (3, 2), "DepthwiseConv2D": (2,), "BatchNormalization": (), "PReLU": ()}


LOSSES = [
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.25}),
    ("CategoricalCrossentropy", {"from_logits": True, "label_smoothing": 0.25}),
    ("SparseCategoricalCrossentropy", {"from_logits": True}),
    ("MeanSquaredError", {"reduction": "sum"}),
]
METRICS = [
    ("BinaryAccuracy", {"threshold": 0.25}),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.25}),
    ("TopKCategoricalAccuracy", {"k": 3}),
    ("SparseTopKCategoricalAccuracy", {"k": 3}),
    ("Precision", {"thresholds": 0.25, "class_id": 1}),
    ("Recall", {"top_k": 3}),
    ("AUC", {"num_thresholds": 50, "curve": "PR", "summation_method": "majoring"}),
    ("SensitivityAtSpecificity", {"specificity": 0.25, "num_thresholds": 50}),
]
OPTIMIZERS = [
    ("SGD", {"momentum": 0.5, "nesterov": True, "clipnorm": 0.25}),
    ("RMSprop", {"rho": 0.75, "epsilon": 0.25, "clipvalue": 0.5}),
    ("Adam", {"beta_1": 0.75, "beta_2": 0.5, "epsilon": 0.25, "amsgrad": True}),
    ("Adadelta", {"rho": 0.75, "epsilon": 0.25}),
    ("Adamax", {"beta_1": 0.75, "beta_2": 0.5, "epsilon": 0.25}),
    ("Nadam", {"beta_1": 0.75, "beta_2": 0.5, "epsilon": 0.25}),
    ("Adagrad", {"epsilon": 0.25}),
]
AVERAGING = {"weight_decay": 0.25, "use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3}
OPTIMIZERS_OF_KERAS_3 = [
    ("SGD", {**AVERAGING, "global_clipnorm": 0.25, "loss_scale_factor": 8.0}),
    ("RMSprop", {**AVERAGING, "momentum": 0.5, "centered": True}),
    ("Adam", {**AVERAGING, "global_clipnorm": 0.25}),
    ("AdamW", {**AVERAGING, "amsgrad": True}),
]


def lost(options, configuration):
    """Those of the arguments that a configuration has otherwise. A size may be there for each axis."""
    return [name for name, value in options.items() if not np.all(np.array(configuration.get(name)) == np.array(value))]


def again(registry, made):
    """It is made again from its configuration, which has gone through JSON: a layer, a loss or an optimizer."""
    return registry.deserialize(json.loads(json.dumps(registry.serialize(made), default=float)))


@claim(answers=["5.5"])
def test_layers_keep_their_arguments(keras):
    """A layer that is made again from its configuration has the arguments that it was made with: some forty kinds of layers."""
    for kind, options in LAYERS:
        if keras.backend.backend() == "theano":  # its recurrent layers have no dropout
            options = {name: value for name, value in options.items() if "dropout" not in name}
        given = {"name": "kept", **options, **({"trainable": False} if {"units", "filters"} & set(options) else {})}
        layer = getattr(keras.layers, kind)(**given)
        assert lost(given, again(keras.layers, layer).get_config()) == [], kind


@claim(answers=["5.5", "6.2"])
def test_layers_keep_what_is_said_of_their_weights(keras):
    """A layer that is made again has the initializers, constraints and penalties of each of its weights, arguments included."""
    said = {
        "initializer": keras.initializers.Constant(0.25),
        "regularizer": keras.regularizers.l2(0.25),
        "constraint": keras.constraints.MaxNorm(0.25),
    }
    for kind, weights in WEIGHTS.items():
        sizes = SIZES.get(kind, (3, 2) if "Conv" in kind else (3,))
        options = {f"{weight}_{what}": value for weight in weights for what, value in said.items()}
        configuration = again(keras.layers, getattr(keras.layers, kind)(*sizes, **options)).get_config()
        assert [name for name in options if "0.25" not in json.dumps(configuration.get(name), default=float)] == [], kind


@claim(answers=["5.4"])
def test_losses_and_optimizers_keep_their_arguments(keras):
    """An optimizer that is made again from its configuration has the arguments that it was made with; so has a loss.

    Keras 2.2 has no losses with arguments.
    """
    for kind, options in OPTIMIZERS + (OPTIMIZERS_OF_KERAS_3 if hasattr(keras, "ops") else []):
        optimizer = getattr(keras.optimizers, kind)(**options)
        assert lost(options, again(keras.optimizers, optimizer).get_config()) == [], kind
    for kind, options in LOSSES if hasattr(keras.losses, "Loss") else []:
        loss = getattr(keras.losses, kind)(**options)
        assert lost(options, again(keras.losses, loss).get_config()) == [], kind


@claim(
    ["keras>=2.3,<3", "keras>=3", "tf.keras"],
    AttributeError,
    "test_losses_and_optimizers_keep_their_arguments",
    answers=["5.3"],
)
def test_metrics_keep_their_arguments(keras):
    """A metric that is made again from its configuration has the arguments that it was made with."""
    for kind, options in METRICS:
        given = {"name": "kept", **options}
        metric = getattr(keras.metrics, kind)(**given)
        assert lost(given, again(keras.metrics, metric).get_config()) == [], kind


@claim(
    ["keras>=2.3,<3", "tf.keras"],
    (AssertionError, AttributeError),
    ["test_cosine_similarity_forgets_its_axis", "test_losses_and_optimizers_keep_their_arguments"],
    answers=["5.3"],
)
def test_cosine_similarity_keeps_its_axis(keras):
    """The metric `CosineSimilarity(axis=a)` is made again with the axis that it was made with."""
    assert again(keras.metrics, keras.metrics.CosineSimilarity(axis=1)).get_config().get("axis") == 1


@claim(
    ["keras>=3"],
    (AssertionError, AttributeError),
    ["test_cosine_similarity_keeps_its_axis", "test_losses_and_optimizers_keep_their_arguments"],
    answers=["5.3"],
)
def test_cosine_similarity_forgets_its_axis(keras):
    """The configuration of the metric `CosineSimilarity(axis=a)` is without the axis: it comes back with the last one."""
    assert "axis" not in keras.metrics.CosineSimilarity(axis=1).get_config()
