"""What do the settings in the Keras configuration file change?"""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.configuration import FILE, Start, configured
from fixtures.models import sequential
from fixtures.tensors import array, eager, tensor

OLD = ["keras<3", "tf.keras"]
epsilons = st.sampled_from([1e-6, 1e-4, 0.01, 0.25])
LARGE, FINE = 70000.0, 1 + 2.0**-30  # float16 ends at 65504; float32 has 23 bits after the point


def costs_of_certain_errors(keras):
    """The crossentropies, each by its name, of a prediction that gives the true class no probability: a look."""
    targets = {"categorical": [[0, 1]], "sparse_categorical": [1], "binary": [[1]]}
    predictions = {name: tensor(keras, [[1, 0]] if "categorical" in name else [[0]]) for name in targets}
    costs = {name: getattr(keras.losses, name + "_crossentropy") for name in targets}
    return {name: array(keras, costs[name](tensor(keras, targets[name]), predictions[name])).item() for name in targets}


def assert_near_epsilon(keras, costs, epsilon):
    """Each cost is `-log(epsilon)`, in float32; before Keras 3 epsilon may be added once more to what is binary."""
    binary = [-np.log(epsilon)] + ([] if hasattr(keras, "ops") else [-np.log(2 * epsilon)])
    assert [costs["categorical"], costs["sparse_categorical"]] == pytest.approx([-np.log(epsilon)] * 2, rel=1e-6)
    assert min(abs(costs["binary"] - cost) for cost in binary) < 1e-5


def averaged(keras, layer=None):
    """What averaging over an image of 2 x 3 places and 4 channels, or 3 x 4 and 2 channels, leaves: a look."""
    layer = layer or keras.layers.GlobalAveragePooling2D()
    return array(keras, layer(tensor(keras, np.ones((1, 2, 3, 4))))).shape


def pooled_and_flattened(keras):
    """The shape of an image of 2 x 4 x 6 that is pooled by twos, and the order of one of 2 x 3 x 1 made flat: a look."""
    shape = keras.layers.MaxPooling2D(2).compute_output_shape((None, 2, 4, 6))
    flat = keras.layers.Flatten()(tensor(keras, np.arange(6.0).reshape(1, 2, 3, 1)))
    return [int(size) for size in tuple(shape)[1:]], array(keras, flat)[0].tolist()


def resized(keras):
    """The shapes of an image of 4 x 5 x 6 that is padded by ones, repeated by twos and cropped by ones: a look."""
    layers = [keras.layers.ZeroPadding2D(1), keras.layers.UpSampling2D(2), keras.layers.Cropping2D(1)]
    return [[int(size) for size in tuple(layer.compute_output_shape((None, 4, 5, 6)))[1:]] for layer in layers]


def channels_of_convolution(keras):
    """How many channels convolutions of each kind see in an image of 2 x 3 x 4: a look."""
    k = keras.layers
    layers = [k.Conv2D(1, 1), k.DepthwiseConv2D(1), k.SeparableConv2D(1, 1), k.Conv2DTranspose(1, 1)]
    for layer in layers:
        layer.build((None, 2, 3, 4))
    return [max(layer.get_weights()[0].shape) for layer in layers]


def identity(keras):
    """A model that gives back the number it is given."""
    return sequential(keras, (1,), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones"))


def types_and_numbers(keras):
    """The types of weights and predictions, and what becomes of two numbers that go through a model: a look."""
    model = identity(keras)
    predictions = model.predict(np.array([[LARGE], [FINE]]), verbose=0)
    return str(model.get_weights()[0].dtype), str(predictions.dtype), predictions[:, 0].tolist()


def types_of_weights(keras):
    """The types of the weights of layers of several kinds: a look."""
    layers = [keras.layers.Embedding(2, 1), keras.layers.LSTM(1, recurrent_initializer="zeros")]
    if eager(keras):  # Keras 2.2.5 cannot make it of another type than float32
        layers.insert(1, keras.layers.BatchNormalization())
    return sorted({str(weight.dtype) for weight in sequential(keras, (3,), *layers).get_weights()})


def squared(keras):
    """What Keras 3 makes of the squared error of a difference that float32 does not know: a look."""
    loss = keras.losses.MeanSquaredError() if hasattr(keras, "ops") else None
    return loss and float(array(keras, loss(np.array([[1.0]]), np.array([[FINE]]))))


def accumulated(keras):
    """What Keras 3's mean of a number is that float32 does not know: a look."""
    return float(array(keras, keras.metrics.Mean()(np.array([FINE])))) if hasattr(keras, "ops") else None


def of_types(*names):
    """A start for each of these float types."""
    looks = [types_and_numbers, types_of_weights, squared, accumulated]
    return {name: Start({FILE: json.dumps({"floatx": name})}, looks=looks).ahead() for name in names}


def dtype_of(model):
    """The type of a model's weights."""
    return str(model.get_weights()[0].dtype)


def set_before_the_first_layer(keras):
    """The type of the weights of the first layer, `set_floatx("float16")` having been called before: a look."""
    keras.backend.set_floatx("float16")
    return dtype_of(identity(keras))


def set_between_two_layers(keras):
    """The types of two layers' weights, `set_floatx("float16")` having been called between them: a look."""
    first = identity(keras)
    keras.backend.set_floatx("float16")
    second = identity(keras)
    return [dtype_of(first), dtype_of(second)]


def policy_between_two_layers(keras):
    """The types of two layers' weights, `set_dtype_policy("float16")` having been called between them: a look."""
    first = identity(keras)
    keras.config.set_dtype_policy("float16")
    return [dtype_of(first), dtype_of(identity(keras))]


EFFECTS = Start(
    {FILE: '{"epsilon": 0.001, "image_data_format": "channels_first"}'},
    looks=[costs_of_certain_errors, averaged, channels_of_convolution, pooled_and_flattened, resized],
).ahead()
FLOATS = of_types("float16", "float32", "float64")
FIRST = Start(looks=[set_before_the_first_layer]).ahead()
BETWEEN = Start(looks=[set_between_two_layers]).ahead()


@claim(answers=["18.4", "18.R1"])
def test_the_file_s_epsilon_is_computed_with(keras):
    """With `"epsilon": 0.001` in the file a prediction of 0 for the true class costs `-log(0.001)`, without a line of code."""
    assert_near_epsilon(keras, EFFECTS().seen["costs_of_certain_errors"], 0.001)


@claim(answers=["18.R1"], examples=4)
@given(epsilon=epsilons)
def test_epsilon_keeps_a_crossentropy_finite(keras, epsilon):
    """Epsilon stands for 0 in a logarithm: a prediction of 0 for the true class costs `-log(epsilon)`, not infinity."""
    with configured(keras, epsilon=epsilon):
        assert_near_epsilon(keras, costs_of_certain_errors(keras), epsilon)
        if hasattr(keras, "ops"):
            divergence = keras.losses.kl_divergence(tensor(keras, [[1.0, 0.0]]), tensor(keras, [[0.0, 1.0]]))
            assert array(keras, divergence).item() == pytest.approx((epsilon - 1) * np.log(epsilon), rel=1e-6)


@claim(answers=["18.R1"], examples=4)
@given(epsilon=epsilons, target=st.sampled_from([0.0, 2.0]))
def test_epsilon_keeps_a_percentage_finite(keras, epsilon, target):
    """Epsilon stands for 0 in a division: `mean_absolute_percentage_error` divides by it where the target is 0."""
    with configured(keras, epsilon=epsilon):
        percent = keras.losses.mean_absolute_percentage_error(tensor(keras, [[target]]), tensor(keras, [[3.0]]))
        assert array(keras, percent).item() == pytest.approx(100 * abs(3 - target) / max(target, epsilon), rel=1e-6)


@claim(answers=["18.R1"], examples=4)
@given(epsilon=epsilons, length=st.sampled_from([0.0, 5.0]))
def test_epsilon_keeps_a_norm_from_zero(keras, epsilon, length):
    """Epsilon is added to a norm that is divided by: under the constraint `UnitNorm`, weights that are 0 stay 0."""
    weights = np.array([[0.6], [0.8]]) * length
    with configured(keras, epsilon=epsilon):
        limited = array(keras, keras.constraints.UnitNorm(axis=0)(tensor(keras, weights)))
    np.testing.assert_allclose(limited, weights / (length + epsilon), rtol=1e-6)


@claim(answers=["18.R1"], examples=2)
@given(epsilon=epsilons)
def test_batch_normalization_has_an_epsilon_of_its_own(keras, epsilon):
    """A `BatchNormalization` adds its own epsilon, 0.001, to the variance, whatever Keras's epsilon is."""
    with configured(keras, epsilon=epsilon):
        normalized = array(keras, keras.layers.BatchNormalization()(tensor(keras, [[3.0]]), training=False))
    assert normalized.item() == pytest.approx(3 / np.sqrt(1 + 0.001), rel=1e-6)  # of mean 0 and variance 1


@claim(["keras<3"], AssertionError, "test_optimizers_have_an_epsilon_of_their_own", answers=["18.R1"])
def test_optimizers_take_keras_s_epsilon(keras):
    """Adagrad, Adam and RMSprop take Keras's epsilon where they are given none."""
    with configured(keras, epsilon=0.25):
        assert epsilons_of_optimizers(keras) == [0.25] * 3


@claim(["keras>=3", "tf.keras"], AssertionError, "test_optimizers_take_keras_s_epsilon", answers=["18.R1"])
def test_optimizers_have_an_epsilon_of_their_own(keras):
    """Adagrad, Adam and RMSprop have an epsilon of their own, 1e-07, whatever Keras's is."""
    with configured(keras, epsilon=0.25):
        assert epsilons_of_optimizers(keras) == [1e-07] * 3


def epsilons_of_optimizers(keras):
    """The epsilon of three optimizers that are given none."""
    return [optimizer().get_config()["epsilon"] for optimizer in map(keras.optimizers.__dict__.get, OPTIMIZERS)]


OPTIMIZERS = ("Adagrad", "Adam", "RMSprop")


@claim(["keras<2.2.5", "keras>=2.3", "tf.keras"], ValueError, "test_set_epsilon_asks_for_a_number", answers=["18.R1"])
def test_set_epsilon_checks_nothing(keras):
    """`set_epsilon` takes whatever it is given, a text too; only the file's epsilon is checked."""
    with configured(keras, epsilon="tiny"):
        assert keras.backend.epsilon() == "tiny"


@claim(["keras>=2.2.5,<2.3"], AssertionError, "test_set_epsilon_checks_nothing", answers=["18.R1"])
def test_set_epsilon_asks_for_a_number(keras):
    """`set_epsilon` makes a float of what it is given, a text of digits too, and refuses what is none with a ValueError."""
    with configured(keras, epsilon="0.25"):
        assert keras.backend.epsilon() == 0.25
        with pytest.raises(ValueError, match="tiny"):
            keras.backend.set_epsilon("tiny")


@claim(answers=["18.4", "18.R2"], examples=2)
@given(floatx=st.sampled_from(["float16", "float32"]))
def test_floatx_is_the_type_of_weights_and_predictions(keras, floatx):
    """Weights are made, and predictions given, in the file's `floatx`: float16 or float32."""
    weights, predictions, _ = FLOATS[floatx]().seen["types_and_numbers"]
    assert (weights, predictions) == (floatx, floatx)


@claim(
    ["keras[tensorflow,theano]", "keras[torch]<3.15", "tf.keras"],
    AssertionError,
    "test_float64_is_computed_in_float32",
    answers=["18.4", "18.R2"],
)
def test_floatx_may_be_float64(keras):
    """With `"floatx": "float64"` in the file weights and predictions are of float64, and tell 1 + 2**-30 from 1."""
    assert FLOATS["float64"]().seen["types_and_numbers"] == ("float64", "float64", [LARGE, FINE])
    assert FLOATS["float64"]().seen["types_of_weights"] == ["float64"]
    assert FLOATS["float64"]().seen["squared"] in (None, 2.0**-60)
    assert FLOATS["float64"]().seen["accumulated"] in (None, FINE)


@claim(["keras[jax]", "keras[torch]>=3.15"], AssertionError, "test_floatx_may_be_float64", answers=["18.4", "18.R2"])
def test_float64_is_computed_in_float32(keras):
    """With `"floatx": "float64"` in the file a `Dense` layer computes in float32 all the same.

    JAX has no float64 unless it is told to; on PyTorch, since Keras 3.15, the weights are of float64, but the
    product with them is rounded (keras#23704).
    """
    assert FLOATS["float64"]().seen["types_and_numbers"][1:] == ("float32", [LARGE, 1.0])


def enabled(keras):
    """What becomes of types and numbers when JAX has been told to use float64: a look."""
    import jax

    jax.config.update("jax_enable_x64", True)
    return types_and_numbers(keras)


@claim(needs=["jax"], answers=["18.R2"])
def test_jax_has_float64_only_where_it_is_enabled(keras):
    """On JAX `"floatx": "float64"` gives float32, unless `jax.config.update("jax_enable_x64", True)` comes first."""
    assert FLOATS["float64"]().seen["types_and_numbers"] == ("float32", "float32", [LARGE, 1.0])
    assert Start({FILE: '{"floatx": "float64"}'}, looks=[enabled])().seen["enabled"] == ("float64", "float64", [LARGE, FINE])


@claim(needs=["float32"], answers=["18.R2"])
def test_floatx_decides_range_and_precision(keras, evidence):
    """With float16 numbers above 65504 are infinite; float32 takes them, but does not tell 1 + 2**-30 from 1."""
    numbers = {name: start().seen["types_and_numbers"][2] for name, start in FLOATS.items()}
    evidence("what becomes of 70000 and 1 + 2**-30", numbers)
    assert numbers["float16"] == [np.inf, 1.0]
    assert numbers["float32"] == [LARGE, 1.0]


@claim(answers=["18.R2"])
def test_set_floatx_decides_before_the_first_layer(keras):
    """`set_floatx`, called before the first layer is made, sets the type of all weights as the file does."""
    assert FIRST().seen["set_before_the_first_layer"] == "float16"


@claim(OLD, AssertionError, "test_set_floatx_comes_too_late_after_the_first_layer", answers=["18.R2"])
def test_set_floatx_changes_later_layers(keras):
    """`set_floatx` changes the type of the layers that are made afterwards, and leaves those that are there."""
    assert BETWEEN().seen["set_between_two_layers"] == ["float32", "float16"]


@claim(["keras>=3"], AssertionError, "test_set_floatx_changes_later_layers", answers=["18.R2"])
def test_set_floatx_comes_too_late_after_the_first_layer(keras):
    """After the first layer `set_floatx` changes no layer's type any more; `keras.config.set_dtype_policy` does."""
    assert BETWEEN().seen["set_between_two_layers"] == ["float32", "float32"]
    seen = Start(looks=[policy_between_two_layers])().seen
    assert seen["policy_between_two_layers"] == ["float32", "float16"]


BFLOAT16 = Start({FILE: '{"floatx": "bfloat16"}'}).ahead()


@claim(answers=["18.4", "18.R2"])
def test_floatx_is_one_of_three(keras):
    """The file's `floatx` may be float16, float32 or float64; `bfloat16` stops the import."""
    assert {name: start().settings.get("floatx") for name, start in FLOATS.items()} == {name: name for name in FLOATS}
    assert BFLOAT16().raised != ""


@claim(OLD, AssertionError, "test_floatx_is_one_of_three", answers=["18.4", "18.R2"])
def test_the_file_takes_what_the_setter_takes(keras):
    """The file takes each `floatx` that `set_floatx` takes.

    On Keras 3 `set_floatx` takes `bfloat16`, and the file does not.
    """
    taken = []
    for floatx in (*FLOATS, "bfloat16"):
        try:
            with configured(keras, floatx=floatx):
                taken.append(floatx)
        except ValueError:
            continue
    starts = {"bfloat16": BFLOAT16, **FLOATS}
    assert [floatx for floatx in taken if starts[floatx]().raised] == []


@claim(answers=["18.4"])
def test_the_file_s_image_data_format_is_the_layers_default(keras):
    """With `channels_first` in the file, layers take an image of 2 x 3 x 4 for one of 2 channels; else for one of 4."""
    assert EFFECTS().seen["averaged"] == (1, 2)
    assert EFFECTS().seen["channels_of_convolution"] == [2] * 4
    assert EFFECTS().seen["pooled_and_flattened"] == ([2, 2, 3], [0, 3, 1, 4, 2, 5])
    assert (averaged(keras), channels_of_convolution(keras)) == ((1, 4), [4] * 4)
    assert pooled_and_flattened(keras) == ([1, 2, 6], [0, 1, 2, 3, 4, 5])
    assert EFFECTS().seen["resized"] == [[4, 7, 8], [4, 10, 12], [4, 3, 4]]
    assert resized(keras) == [[6, 7, 6], [8, 10, 6], [2, 3, 6]]


@claim(answers=["18.4"])
def test_a_layer_keeps_the_image_data_format_it_was_made_with(keras):
    """`set_image_data_format` changes the layers made afterwards, but for those that are given a `data_format`."""
    pooling = keras.layers.GlobalAveragePooling2D
    before = pooling()
    with configured(keras, image_data_format="channels_first"):
        shapes = [averaged(keras, layer) for layer in (before, pooling(), pooling(data_format="channels_last"))]
    assert shapes == [(1, 4), (1, 2), (1, 4)]


@claim(answers=["18.4"], examples=5)
@given(
    wrong=st.sampled_from(
        [("floatx", "int8"), ("floatx", "float"), ("floatx", "FLOAT32"), ("image_data_format", "th"), ("image_data_format", "")]
    )
)
def test_setters_refuse_wrong_values(keras, wrong):
    """`set_floatx` and `set_image_data_format` refuse a value that they do not know with a ValueError, and change nothing."""
    name, value = wrong
    before = getattr(keras.backend, name)()
    with pytest.raises(ValueError, match=r"Unknown|must be one of"):
        getattr(keras.backend, f"set_{name}")(value)
    assert getattr(keras.backend, name)() == before


def set_everything(keras):
    """Sets all that can be set, and tells what is in force: a look."""
    keras.backend.set_floatx("float16")
    keras.backend.set_epsilon(0.25)
    keras.backend.set_image_data_format("channels_first")
    return keras.backend.floatx(), keras.backend.epsilon(), keras.backend.image_data_format()


@claim(answers=["18.4"])
def test_setters_write_no_file(keras):
    """Example: the three setters replace what the file says until the program ends, and write nothing."""
    started = Start({FILE: "{}"}, looks=[set_everything])()
    assert started.seen["set_everything"] == ("float16", 0.25, "channels_first")
    assert started.files == {FILE: "{}"}
