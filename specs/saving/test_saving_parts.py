"""How do I save only the architecture, or only the weights?"""

import json

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import difference, input_layer, sequential, sgd, siamese
from fixtures.trained import SAVED, filled, scale_layer

INPUTS = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])
SAMPLES = [np.linspace(-1, 1, 16).reshape((2, 4, 2)), INPUTS]  # for a siamese
MISSING = (AttributeError, RuntimeError)  # what stands where YAML was: Keras 3, tf.keras


def drawn(model):
    """New values for the weights of a model."""
    return [np.random.uniform(0.1, 1, weight.shape) for weight in model.get_weights()]


def numbers(path):
    """How many numbers the arrays of an HDF5 file hold."""
    sizes = []
    with h5py.File(path, "r") as file:
        file.visititems(lambda _, node: sizes.append(getattr(node, "size", 0)))
    return sum(sizes)


def fourfold(targets, outputs):
    """A loss of the reader's own."""
    return 4 * (targets - outputs) ** 2


def equal(arrays, others):
    """Whether two lists of arrays are the same, bit for bit."""
    return len(arrays) == len(others) and all(np.array_equal(a, b) for a, b in zip(arrays, others))


SHARED = ["keras<3.2", "keras>=3.3", "tf.keras"]  # but in 3.2 a shared layer comes back as one


@claim(SHARED, AssertionError, "test_json_gives_a_shared_layer_one_input", needs=["float32"], answers=["5.5"])
def test_json_rebuilds_the_architecture(keras):
    """`model_from_json(model.to_json())` rebuilds the architecture: given the same weights, its outputs are identical."""
    for build, samples in SAVED.values():
        model = filled(build(keras))
        rebuilt = keras.models.model_from_json(model.to_json())
        assert [layer.name for layer in rebuilt.layers] == [layer.name for layer in model.layers]
        rebuilt.set_weights(model.get_weights())
        assert np.array_equal(rebuilt.predict_on_batch(samples), model.predict_on_batch(samples))


@claim(["keras<3", "keras>=3.7", "tf.keras"], ValueError, "test_weights_go_into_the_same_architecture", answers=["5.2", "5.5"])
def test_layers_that_are_used_in_turn_come_back(keras, tmp_path):
    """A model that uses two layers in turn, `b(a(b(a(x))))`, comes back from JSON and from a file with every use of them."""
    inputs, one, other = input_layer(keras, (3,)), keras.layers.Dense(3), keras.layers.Dense(3, activation="tanh")
    model = filled(keras.models.Model(inputs, other(one(other(one(inputs))))))
    model.save(str(tmp_path / "model.keras"))
    rebuilt = keras.models.model_from_json(model.to_json())
    rebuilt.set_weights(model.get_weights())
    for again in rebuilt, keras.models.load_model(str(tmp_path / "model.keras")):
        assert equal([again.predict_on_batch(INPUTS)], [model.predict_on_batch(INPUTS)])


@claim(["keras>=3.2,<3.3"], AssertionError, "test_json_rebuilds_the_architecture", answers=["5.5"])
def test_json_gives_a_shared_layer_one_input(keras):
    """`model_from_json` gives every use of a shared layer the same input: what was f(a) - f(b) gives zero.

    So it was in Keras 3.2 alone; a model that uses each layer once came back as it was.
    """
    model = difference(keras)
    rebuilt = keras.models.model_from_json(model.to_json())
    rebuilt.set_weights(model.get_weights())
    numbers = [np.array([[5.0], [7.0]]), np.array([[2.0], [3.0]])]
    assert np.array(model.predict_on_batch(numbers)).tolist() == [[3], [4]]
    assert np.array(rebuilt.predict_on_batch(numbers)).tolist() == [[0], [0]]


@claim(answers=["5.5"], examples=5)
@given(value=st.integers(3, 9))
def test_json_holds_no_weights(keras, value):
    """The JSON holds no weights: a rebuilt model has fresh ones, drawn by its initializers."""
    model = sequential(keras, (2,), keras.layers.Dense(2, kernel_initializer="random_uniform", bias_initializer="ones"))
    model.set_weights([np.full(weight.shape, value) for weight in model.get_weights()])
    kernel, bias = keras.models.model_from_json(model.to_json()).get_weights()
    assert np.abs(kernel).max() <= 0.05
    assert len(set(kernel.ravel())) > 1
    assert bias.tolist() == [1, 1]


@claim(["keras<3", "tf.keras"], pytest.fail.Exception, "test_json_holds_the_training_configuration", answers=["5.5"])
def test_a_model_from_json_is_not_compiled(keras):
    """The JSON holds nothing of how the model was compiled: a rebuilt model is not compiled."""
    model = sequential(keras, (3,), keras.layers.Dense(1))
    model.compile(optimizer=sgd(keras), loss="mean_squared_error")
    rebuilt = keras.models.model_from_json(model.to_json())
    with pytest.raises((RuntimeError, ValueError), match="compile"):
        rebuilt.test_on_batch(INPUTS, INPUTS[:, :1])


@claim(["keras>=3"], RuntimeError, "test_a_model_from_json_is_not_compiled", answers=["5.5"])
def test_json_holds_the_training_configuration(keras):
    """The JSON of a compiled model holds its training configuration too: a rebuilt model is compiled with its loss and rate."""
    model = sequential(keras, (3,), keras.layers.Dense(1, kernel_initializer="zeros"))
    model.compile(optimizer=sgd(keras, 0.125), loss="mean_absolute_error")
    rebuilt = keras.models.model_from_json(model.to_json())
    assert rebuilt.test_on_batch(INPUTS, 3 * INPUTS[:, :1]) == 3 * np.abs(INPUTS[:, 0]).mean()
    settings = rebuilt.optimizer.get_config()
    assert settings.get("learning_rate", settings.get("lr")) == 0.125


@claim(answers=["5.5"], examples=5)
@given(units=st.integers(1, 9), use_bias=st.booleans(), rate=st.sampled_from([0.25, 0.5]))
def test_the_json_can_be_edited(keras, units, use_bias, rate):
    """The JSON can be edited by hand, and the edits take effect in the model that is made from it."""
    model = sequential(keras, (3,), keras.layers.Dropout(0.125, name="drop"), keras.layers.Dense(2, name="dense"))
    text = json.loads(model.to_json())
    layers = {layer["config"]["name"]: layer["config"] for layer in text["config"]["layers"]}
    layers["dense"].update(units=units, use_bias=use_bias)
    layers["drop"]["rate"] = rate
    edited = keras.models.model_from_json(json.dumps(text))
    assert [weight.shape for weight in edited.get_weights()] == [(3, units), (units,)][: 1 + use_bias]
    assert edited.get_layer("drop").rate == rate
    assert tuple(edited.output_shape) == (None, units)


@claim(["keras<3", "tf.keras<2.3"], MISSING, "test_yaml_is_refused", answers=["5.6"])
def test_to_yaml_writes_the_architecture(keras):
    """`model.to_yaml()` writes the architecture as YAML."""
    model = sequential(keras, (3,), keras.layers.Dense(2, name="dense"))
    text = model.to_yaml()
    assert "name: dense" in text
    assert "units: 2" in text


@claim(["keras>=2.2.5,<3"], (*MISSING, TypeError), "test_yaml_is_refused", answers=["5.6"])
def test_model_from_yaml_rebuilds_the_architecture(keras):
    """`model_from_yaml(model.to_yaml())` rebuilds the architecture.

    Keras up to 2.2.4 and TensorFlow up to 2.2 read YAML in a way that PyYAML 6 no longer has (keras#10787, keras#13345).
    """
    model = sequential(keras, (3,), keras.layers.Dense(2))
    rebuilt = keras.models.model_from_yaml(model.to_yaml())
    assert [weight.shape for weight in rebuilt.get_weights()] == [(3, 2), (2,)]


@claim(
    ["keras<2.2.5", "keras>=3", "tf.keras"],
    pytest.fail.Exception,
    "test_model_from_yaml_rebuilds_the_architecture",
    answers=["5.6"],
)
def test_yaml_is_refused(keras):
    """A model is not rebuilt from YAML: the functions are gone, refuse because it is unsafe, or fail on a current PyYAML.

    Keras 3 has neither function, tf.keras raises RuntimeError, also in the last patch releases of TensorFlow 2.3, 2.4 and
    2.5, and Keras up to 2.2.4 and older TensorFlow fail with PyYAML 6 (keras#13345).
    """
    with pytest.raises((*MISSING, TypeError), match=r"yaml|Loader"):
        keras.models.model_from_yaml("class_name: Sequential\nconfig: []\nbackend: tensorflow\n")


@claim(SHARED, AssertionError, "test_json_gives_a_shared_layer_one_input", needs=["training"], answers=["5.R2", "5.5", "5.7"])
def test_json_and_weights_rebuild_the_model(keras, tmp_path_factory):
    """The architecture in a JSON file and the weights in an HDF5 file together rebuild the model: outputs are identical."""
    folder, model = tmp_path_factory.mktemp("saved"), siamese(keras)
    model.set_weights(drawn(model))
    (folder / "model.json").write_text(model.to_json())
    model.save_weights(str(folder / "model.weights.h5"))

    rebuilt = keras.models.model_from_json((folder / "model.json").read_text())
    rebuilt.load_weights(str(folder / "model.weights.h5"))
    assert np.array_equal(rebuilt.predict_on_batch(SAMPLES), model.predict_on_batch(SAMPLES))


@claim(answers=["5.7"], examples=8)
@given(kind=st.sampled_from(sorted(SAVED)), sign=st.sampled_from([1, -1]))
def test_weights_go_into_the_same_architecture(keras, tmp_path_factory, kind, sign):
    """`save_weights` and `load_weights` carry every weight, bit for bit, into a model of the same architecture, by order."""
    path = str(tmp_path_factory.mktemp("saved") / "model.weights.h5")
    build, _ = SAVED[kind]
    model, other = filled(build(keras)), filled(build(keras, copy=1))
    model.set_weights([sign * weight for weight in model.get_weights()])
    model.save_weights(path)
    other.load_weights(path)
    assert equal(other.get_weights(), model.get_weights())
    if hasattr(keras, "ops"):  # which has bfloat16, as HDF5 has not
        model = sequential(keras, (3,), keras.layers.Dense(2, dtype="bfloat16"))
        other = keras.models.model_from_json(model.to_json())
        assert other.layers[-1].compute_dtype == "bfloat16"
        model.save_weights(path)
        other.load_weights(path)
        assert equal(other.get_weights(), model.get_weights())


@claim(
    ["keras[tensorflow]<2.3", "keras>=3", "tf.keras>=2"],
    pytest.fail.Exception,
    "test_layers_of_other_sizes_take_those_of_the_file",
    answers=["5.7"],
    examples=4,
)
@given(
    units=st.lists(st.integers(1, 3), min_size=2, max_size=3).filter(lambda units: units != [2, 2]),
    method=st.sampled_from([("save", "model.h5"), ("save_weights", "model.weights.h5")]),
)
def test_another_architecture_is_refused(keras, tmp_path_factory, units, method):
    """`load_weights` into another architecture, with more layers or other shapes, raises ValueError.

    So does the `.h5` file of a whole model into one with fewer layers.
    """
    path = str(tmp_path_factory.mktemp("saved") / method[1])
    getattr(sequential(keras, (3,), keras.layers.Dense(2), keras.layers.Dense(2)), method[0])(path)
    for sizes in [units, [2]] if method[0] == "save" else [units]:
        other = sequential(keras, (3,), *[keras.layers.Dense(n) for n in sizes])
        with pytest.raises(ValueError, match=r"(?i)layer|shape"):
            other.load_weights(path)


@claim(["keras[theano]", "keras>=2.3,<3", "tf.keras<2"], ValueError, "test_another_architecture_is_refused", answers=["5.7"])
def test_layers_of_other_sizes_take_those_of_the_file(keras, tmp_path_factory):
    """`load_weights` into layers of other sizes gives their weights the shapes in the file, and tells nobody."""
    path = str(tmp_path_factory.mktemp("saved") / "model.weights.h5")
    model, other = (sequential(keras, (3,), keras.layers.Dense(2), keras.layers.Dense(n)) for n in (2, 5))
    model.save_weights(path)
    other.load_weights(path)
    assert equal(other.get_weights(), model.get_weights())


@claim(["keras<3", "tf.keras<2.12"], pytest.fail.Exception, "test_layers_that_are_missing_go_unnoticed", answers=["5.7"])
def test_an_architecture_with_fewer_layers_is_refused(keras, tmp_path_factory):
    """`load_weights` into an architecture with fewer layers than the `.weights.h5` file has raises ValueError."""
    path = str(tmp_path_factory.mktemp("saved") / "model.weights.h5")
    sequential(keras, (3,), keras.layers.Dense(2), keras.layers.Dense(2)).save_weights(path)
    with pytest.raises(ValueError, match="layers"):
        sequential(keras, (3,), keras.layers.Dense(2)).load_weights(path)


@claim(["keras>=3", "tf.keras>=2.12"], ValueError, "test_an_architecture_with_fewer_layers_is_refused", answers=["5.7"])
def test_layers_that_are_missing_go_unnoticed(keras, tmp_path_factory):
    """`load_weights` into an architecture with fewer layers than the `.weights.h5` file has fills those that there are."""
    path = str(tmp_path_factory.mktemp("saved") / "model.weights.h5")
    model, other = (
        sequential(keras, (3,), keras.layers.Dense(2), keras.layers.Dense(2)),
        sequential(keras, (3,), keras.layers.Dense(2)),
    )
    model.set_weights(drawn(model))
    model.save_weights(path)
    other.load_weights(path)
    assert equal(other.get_weights(), model.get_weights()[:2])


@claim(["keras<3", "tf.keras"], ValueError, "test_only_weights_h5_is_accepted", answers=["5.7"])
def test_the_printed_file_name_is_accepted(keras, tmp_path_factory):
    """`model.save_weights("my_model_weights.h5")` saves the weights, as printed; `load_weights` reads them back."""
    path = str(tmp_path_factory.mktemp("saved") / "my_model_weights.h5")
    model, other = siamese(keras), siamese(keras, copy=1)
    model.save_weights(path)
    other.load_weights(path)
    assert equal(other.get_weights(), model.get_weights())


@claim(["keras>=3"], pytest.fail.Exception, "test_the_printed_file_name_is_accepted", answers=["5.7"], examples=20)
@given(
    ending=st.sampled_from(
        ["_weights.h5", ".h5", ".hdf5", ".keras", "", ".weights", ".weights.hdf5", ".h5.weights", "weights.h5"]
    )
)
def test_only_weights_h5_is_accepted(keras, tmp_path_factory, ending):
    """`save_weights` accepts no file name but one that ends in `.weights.h5`: any other raises ValueError (keras#20490)."""
    folder = tmp_path_factory.mktemp("saved")
    with pytest.raises(ValueError, match=r"must end in `\.weights\.h5`"):
        siamese(keras).save_weights(str(folder / ("model" + ending)))
    assert list(folder.iterdir()) == []


@claim(["keras<3", "tf.keras<2.12"], AssertionError, "test_weights_files_hold_the_optimizer", answers=["5.7", "5.R1"])
def test_weights_files_hold_weights_only(keras, tmp_path_factory):
    """`save_weights("x.weights.h5")` of a compiled model writes its weights and no other number."""
    model, path = sequential(keras, (3,), keras.layers.Dense(5)), str(tmp_path_factory.mktemp("saved") / "x.weights.h5")
    model.compile(optimizer=sgd(keras, momentum=0.5), loss="mean_squared_error")
    model.train_on_batch(INPUTS, np.ones((2, 5)))
    model.save_weights(path)
    assert numbers(path) == model.count_params()


@claim(["keras>=3", "tf.keras>=2.12"], AssertionError, "test_weights_files_hold_weights_only", answers=["5.7", "5.R1"])
def test_weights_files_hold_the_optimizer(keras, tmp_path_factory):
    """`save_weights("x.weights.h5")` of a compiled model writes its optimizer's state too: with momentum, as large."""
    model, path = sequential(keras, (3,), keras.layers.Dense(5)), str(tmp_path_factory.mktemp("saved") / "x.weights.h5")
    model.compile(optimizer=sgd(keras, momentum=0.5), loss="mean_squared_error")
    model.train_on_batch(INPUTS, np.ones((2, 5)))
    model.save_weights(path)
    assert numbers(path) // model.count_params() == 2


@claim(answers=["5.R4"], examples=10)
@given(store=st.sampled_from(["model.h5", "model.keras", "json"]))
def test_a_custom_layer_must_be_named(keras, tmp_path_factory, store):
    """A saved layer of your own holds its class's name and arguments, not its code: loading without the class is an error."""
    path = str(tmp_path_factory.mktemp("saved") / store)
    model = sequential(keras, (3,), scale_layer(keras, registered=False)(by=3.0))
    assert '"Scale"' in model.to_json()
    assert '"by": 3.0' in model.to_json()
    assert "inputs * self.by" not in model.to_json()
    model.save(path) if store != "json" else None
    with pytest.raises((TypeError, ValueError)):  # tf.keras 2.15 does not even name the class
        keras.models.load_model(path) if store != "json" else keras.models.model_from_json(model.to_json())


@claim(
    ["keras<3", "keras>=3.3", "tf.keras"],
    ValueError,
    "test_custom_objects_do_not_reach_an_h5_file",
    answers=["5.R4"],
    examples=10,
)
@given(store=st.sampled_from(["model.h5", "model.keras", "json"]), scope=st.booleans())
def test_custom_objects_name_the_custom_layer(keras, tmp_path_factory, store, scope):
    """With `custom_objects={name: class}` a model with a layer of your own comes back, the layer with its arguments.

    `with CustomObjectScope({name: class}):` around the loading does the same. A loss of your own is named likewise.
    """
    path, scale = str(tmp_path_factory.mktemp("saved") / store), scale_layer(keras, registered=False)
    custom = {"Scale": scale, "fourfold": fourfold}
    model = sequential(keras, (3,), keras.models.Sequential([scale(by=3.0, input_shape=(3,))]))
    model.compile(optimizer="sgd", loss=fourfold)
    model.save(path) if store != "json" else None
    load = keras.models.model_from_json if store == "json" else keras.models.load_model
    with keras.utils.CustomObjectScope(custom if scope else {}):
        loaded = load(model.to_json() if store == "json" else path, **({} if scope else {"custom_objects": custom}))
    assert isinstance(loaded.layers[-1].layers[-1], scale)
    assert loaded.layers[-1].layers[-1].by == 3.0
    if store != "json":
        assert np.ravel(loaded.evaluate(np.ones((1, 3)), np.ones((1, 3)), verbose=0))[0] == 4 * (3 - 1) ** 2


@claim(["keras>=3,<3.3"], pytest.fail.Exception, "test_custom_objects_name_the_custom_layer", answers=["5.R4"])
def test_custom_objects_do_not_reach_an_h5_file(keras, tmp_path_factory):
    """`custom_objects` do not reach the layers in a `.h5` file: an error names the class. Register the layer instead."""
    model, path = (
        sequential(keras, (3,), scale_layer(keras, registered=False)()),
        str(tmp_path_factory.mktemp("saved") / "x.h5"),
    )
    model.save(path)
    with pytest.raises(ValueError, match="Scale"):
        keras.models.load_model(path, custom_objects={"Scale": scale_layer(keras, registered=False)})


@claim(
    ["keras>=3", "tf.keras>=2.1"],
    AttributeError,
    "test_custom_objects_name_the_custom_layer",
    answers=["5.R4"],
    examples=10,
)
@given(store=st.sampled_from(["model.h5", "model.keras", "json"]))
def test_a_registered_layer_needs_no_custom_objects(keras, tmp_path_factory, store):
    """A layer registered with `register_keras_serializable()` comes back without `custom_objects`.

    It is in `keras.saving`, in TensorFlow before 2.12 in `keras.utils` only.
    """
    path, scale = str(tmp_path_factory.mktemp("saved") / store), scale_layer(keras, registered=True)
    model = sequential(keras, (3,), scale(by=3.0))
    model.save(path) if store != "json" else None
    loaded = keras.models.load_model(path) if store != "json" else keras.models.model_from_json(model.to_json())
    assert isinstance(loaded.layers[-1], scale)
    assert loaded.layers[-1].by == 3.0
