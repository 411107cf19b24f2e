"""How do I save a whole model?"""

import io
import json
import zipfile

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.batches import set_rate
from fixtures.claims import claim
from fixtures.models import difference, sequential, sgd, siamese
from fixtures.trained import INPUTS, SAVED, TARGETS, filled, forked, named, plain_step, trained, trajectory

SAMPLES = [np.linspace(-1, 1, 16).reshape((2, 4, 2)), INPUTS]  # for a siamese
extensions = st.sampled_from([".h5", ".keras"])
NOT_3_2 = ["keras<3.2", "keras>=3.3", "tf.keras"]
STEP_REFUSED = (NotImplementedError, ValueError)  # a step with an optimizer that is prepared for nothing
NOT_COMPILED = (RuntimeError, ValueError)  # what a model that is not compiled raises at a step: Keras 2, Keras 3


def reloaded(keras, model, folders, name="model.keras", **options):
    """The model saved under that name, and loaded again: a `Path`, where Keras takes one."""
    path = named(keras, folders.mktemp("saved") / name)
    model.save(path)
    return keras.models.load_model(path, **options)


def stored(path, group="/"):
    """The arrays that an HDF5 file, or the one inside a `.keras` archive, holds in a group; none if there is no such group."""
    found = []
    content = io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5")) if zipfile.is_zipfile(path) else path
    with h5py.File(content, "r") as file:
        if group in file:
            file[group].visititems(lambda _, node: found.append(node[()]) if isinstance(node, h5py.Dataset) else None)
    return found


@claim(answers=["5.2"], examples=5)
@given(units=st.integers(1, 5), activation=st.sampled_from(["linear", "tanh", "relu"]))
def test_h5_holds_the_architecture(keras, tmp_path_factory, units, activation):
    """`model.save("x.h5")` writes the architecture into the file: every layer, with its arguments, as JSON."""
    layers = [keras.layers.Dense(units, activation=activation, name="one"), keras.layers.Dropout(0.25, name="two")]
    path = str(tmp_path_factory.mktemp("saved") / "x.h5")
    sequential(keras, (3,), *layers).save(path)
    with h5py.File(path, "r") as file:
        architecture = json.loads(file.attrs["model_config"])
    one, two = [layer["config"] for layer in architecture["config"]["layers"][1:]]
    assert (one["name"], one["units"], one["activation"]) == ("one", units, activation)
    assert (two["name"], two["rate"]) == ("two", 0.25)


@claim(answers=["5.2"])
def test_h5_holds_the_weights(keras, tmp_path_factory):
    """`model.save("x.h5")` writes every weight into the file, bit for bit, those that are not trained included."""
    model, path = siamese(keras), str(tmp_path_factory.mktemp("saved") / "x.h5")
    model.set_weights([np.random.uniform(0.5, 1, weight.shape) for weight in model.get_weights()])
    model.save(path)
    found = sorted(array.tobytes() for array in stored(path, "model_weights"))
    assert found == sorted(weight.tobytes() for weight in model.get_weights())


@claim(answers=["5.2"])
def test_h5_holds_the_training_configuration(keras, tmp_path_factory):
    """`model.save("x.h5")` writes the training configuration into the file: loss, metrics, and the optimizer's arguments."""
    path = str(tmp_path_factory.mktemp("saved") / "x.h5")
    trained(keras, "momentum", "h5").save(path)
    with h5py.File(path, "r") as file:
        configuration = json.loads(file.attrs["training_config"])
    optimizer = configuration["optimizer_config"]["config"]
    assert configuration["optimizer_config"]["class_name"].endswith("SGD")
    assert optimizer["momentum"] == 0.5
    assert optimizer.get("learning_rate", optimizer.get("lr")) == 0.25
    assert "mean_squared_error" in str(configuration["loss"])
    assert "mean_absolute_error" in str(configuration["metrics"])


@claim(answers=["5.2"])
def test_h5_holds_the_state_of_the_optimizer(keras, tmp_path_factory):
    """`model.save("x.h5")` writes the state of the optimizer into the file: for momentum, the last move of every weight."""
    model, path = trained(keras, "momentum", "h5"), str(tmp_path_factory.mktemp("saved") / "x.h5")
    model.set_weights([np.zeros(weight.shape) for weight in model.get_weights()])
    model.train_on_batch(INPUTS, TARGETS)  # from zero: the weights are now the move itself
    model.save(path)
    state = [array.tobytes() for array in stored(path, "optimizer_weights")]
    assert [state.count(move.tobytes()) for move in model.get_weights() if move.any()] == [1] * 4


@claim(answers=["5.2"])
def test_include_optimizer_false_leaves_the_training_out(keras, tmp_path_factory):
    """`model.save("x.h5", include_optimizer=False)` leaves the training configuration and the optimizer out of the file."""
    path = str(tmp_path_factory.mktemp("saved") / "x.h5")
    trained(keras, "momentum", "h5").save(path, include_optimizer=False)
    with h5py.File(path, "r") as file:
        assert "model_weights" in file
        assert "model_config" in file.attrs
        assert "optimizer_weights" not in file
        assert "training_config" not in file.attrs


@claim(
    NOT_3_2,
    AssertionError,
    "test_a_shared_layer_comes_back_on_one_input",
    answers=["5.2", "5.3"],
    examples=10,
)
@given(kind=st.sampled_from(sorted(SAVED)), extension=extensions)
def test_load_model_gives_identical_outputs(keras, tmp_path_factory, kind, extension):
    """`load_model` gives a model with the same architecture and weights: its outputs are identical, bit for bit."""
    build, samples = SAVED[kind]
    model = filled(build(keras))
    loaded = reloaded(keras, model, tmp_path_factory, "model" + extension)
    assert [type(layer).__name__ for layer in loaded.layers] == [type(layer).__name__ for layer in model.layers]
    assert len(loaded.losses) == len(model.losses)  # penalties
    assert all(np.array_equal(a, b) for a, b in zip(loaded.get_weights(), model.get_weights()))
    assert np.array_equal(loaded.predict_on_batch(samples), model.predict_on_batch(samples))


@claim(["keras>=3.2,<3.3"], AssertionError, "test_load_model_gives_identical_outputs", answers=["5.2", "5.3"], examples=2)
@given(extension=extensions)
def test_a_shared_layer_comes_back_on_one_input(keras, tmp_path_factory, extension):
    """`load_model` gives every use of a shared layer the same input: what was f(a) - f(b) gives zero, and nobody is told.

    So it was in Keras 3.2 alone; a model that uses each layer once came back as it was.
    """
    model = difference(keras)
    loaded = reloaded(keras, model, tmp_path_factory, "model" + extension)
    numbers = [np.array([[5.0], [7.0]]), np.array([[2.0], [3.0]])]
    assert np.array(model.predict_on_batch(numbers)).tolist() == [[3], [4]]
    assert np.array(loaded.predict_on_batch(numbers)).tolist() == [[0], [0]]


@claim(answers=["5.2", "5.3"], examples=8)
@given(extension=extensions)
def test_load_model_compiles(keras, tmp_path_factory, extension):
    """With its loss named in full, `load_model` gives a compiled model, with loss and metrics, if the saved one was."""
    model = trained(keras, "rmsprop", extension)
    loaded = reloaded(keras, model, tmp_path_factory, "model" + extension)
    results = loaded.evaluate(INPUTS, TARGETS, verbose=0)
    errors = model.predict_on_batch(INPUTS) - TARGETS
    assert results == pytest.approx([np.mean(errors**2), np.mean(np.abs(errors))], rel=1e-5)  # float32: 2 * 16 roundings
    assert len(model.get_weights()) == len(loaded.get_weights()) == 4

    of_logits = hasattr(keras, "ops") and extension == ".keras"
    classes = sequential(keras, (3,), keras.layers.Dense(3, activation="linear" if of_logits else "softmax"))
    weighted = {"weighted_metrics": ["mean_absolute_error"]} if hasattr(keras.metrics, "Metric") else {}  # lost in 2.2
    loss = keras.losses.CategoricalCrossentropy(from_logits=True) if of_logits else "categorical_crossentropy"
    classes.compile(optimizer="sgd", loss=loss, metrics=["accuracy"], **weighted)
    loaded = reloaded(keras, classes, tmp_path_factory, "classes" + extension)
    shares = np.array(classes.predict_on_batch(INPUTS))
    labels = np.eye(3)[[shares[0].argmax(), shares[1].argmin()]]
    results = loaded.evaluate(INPUTS, labels, sample_weight=np.array([0.0, 1.0]), verbose=0)
    assert results[1:] == pytest.approx([0.5, np.mean(np.abs(shares[1] - labels[1]))][: 1 + len(weighted)], rel=1e-5)
    scores = shares[1] if of_logits else np.log(shares[1])
    samples = 2 if weighted else 1  # Keras 2.2 divides by the number of weights that are not zero
    assert results[0] == pytest.approx((np.log(np.sum(np.exp(scores))) - scores @ labels[1]) / samples, rel=1e-5)

    double = filled(forked(keras, copy=2))
    double.compile(optimizer="sgd", loss=["mean_squared_error", "mean_absolute_error"], loss_weights=[0.25, 0.5])
    loaded = reloaded(keras, double, tmp_path_factory, "double" + extension)
    first, second = double.predict_on_batch(INPUTS)
    kernel, bias = double.get_weights()[:2]  # of the layer with penalties
    penalties = 0.25 * np.sum(np.abs(kernel)) + 0.5 * np.sum(bias**2)
    errors = 0.25 * np.mean((first - 1) ** 2) + 0.5 * np.mean(np.abs(second - 1))
    results = loaded.evaluate(INPUTS, [np.ones((2, 2))] * 2, verbose=0)
    counts = (1, 2) if keras.backend.backend() == "jax" else (1,)  # Keras 3.0 and 3.1 on JAX count penalties twice
    assert np.ravel(results)[0] in [pytest.approx(errors + count * penalties, rel=1e-5) for count in counts]


@claim(
    ["keras<3", "keras>=3.3", "tf.keras"],
    pytest.fail.Exception,
    "test_h5_is_compiled_in_any_case",
    answers=["5.3"],
    examples=8,
)
@given(extension=extensions, compiled=st.booleans())
def test_load_model_leaves_uncompiled(keras, tmp_path_factory, extension, compiled):
    """`load_model` gives a model that is not compiled if the saved one was not, or with `compile=False`."""
    model = trained(keras, "sgd", extension) if compiled else siamese(keras)
    loaded = reloaded(keras, model, tmp_path_factory, "model" + extension, **({"compile": False} if compiled else {}))
    with pytest.raises(NOT_COMPILED, match="compile"):
        loaded.test_on_batch(INPUTS if compiled else SAMPLES, TARGETS)


@claim(["keras>=3,<3.3"], AssertionError, "test_load_model_leaves_uncompiled", answers=["5.3"])
def test_h5_is_compiled_in_any_case(keras, tmp_path_factory):
    """`load_model("x.h5", compile=False)` compiles none the less, where the saved model was compiled."""
    model = trained(keras, "sgd", ".h5")
    loaded = reloaded(keras, model, tmp_path_factory, "model.h5", compile=False)
    assert getattr(loaded, "optimizer", None) is not None
    loss = np.mean((model.predict_on_batch(INPUTS) - TARGETS) ** 2)
    assert loaded.evaluate(INPUTS, TARGETS, verbose=0)[0] == pytest.approx(loss, rel=1e-5)


@claim(["keras<3", "tf.keras"], (TypeError, ValueError), "test_load_model_compiles", answers=["5.3"])
def test_short_name_of_a_loss(keras, tmp_path_factory):
    """A `.h5` file of a model that was compiled with a short name for its loss, `loss="mse"`, can be loaded.

    Keras 3 stops at the name, as it does not tell the loss from a metric; the full name, `mean_squared_error`, is read.
    """
    model = sequential(keras, (3,), keras.layers.Dense(1))
    model.compile(optimizer="sgd", loss="mse")
    loaded = reloaded(keras, model, tmp_path_factory, "model.h5")
    loss = loaded.test_on_batch(INPUTS, np.zeros((2, 1)))
    assert loss == pytest.approx(np.mean(loaded.predict_on_batch(INPUTS) ** 2), rel=1e-5)


@claim(answers=["5.4"], examples=8)
@given(optimizer=st.sampled_from(["momentum", "rmsprop", "decaying", "accumulating"]))
def test_training_goes_on_from_a_keras_file(keras, tmp_path_factory, optimizer):
    """Training that goes on with the model of a `.keras` file equals, step by step, training that was never interrupted."""
    model = trained(keras, optimizer)
    loaded = reloaded(keras, model, tmp_path_factory, "model.keras")
    assert np.array_equal(trajectory(loaded), trajectory(model))


@claim(["keras<3", "tf.keras"], STEP_REFUSED, "test_h5_must_be_compiled_anew", answers=["5.2", "5.4"], examples=8)
@given(optimizer=st.sampled_from(["momentum", "rmsprop", "decaying"]))
def test_training_goes_on_from_an_h5_file(keras, tmp_path_factory, optimizer):
    """Training that goes on with the model of a `.h5` file equals, step by step, training that was never interrupted.

    Keras 3 prepares the loaded optimizer for no weights at all, and so refuses the first step.
    """
    model = trained(keras, optimizer, "h5")
    loaded = reloaded(keras, model, tmp_path_factory, "model.h5")
    assert np.array_equal(trajectory(loaded), trajectory(model))


@claim(["keras>=3"], pytest.fail.Exception, "test_training_goes_on_from_an_h5_file", answers=["5.4"])
def test_h5_must_be_compiled_anew(keras, tmp_path_factory):
    """A compiled model loaded from a `.h5` file refuses to train until it is compiled anew, which starts a fresh optimizer."""
    model = trained(keras, "momentum", "h5")
    loaded = reloaded(keras, model, tmp_path_factory, "model.h5")
    with pytest.raises(STEP_REFUSED, match=r"(?i)optimizer|numpy\(\)"):
        loaded.train_on_batch(INPUTS, TARGETS)
    loaded.compile(optimizer=sgd(keras, 0.25, momentum=0.5), loss="mean_squared_error")
    expected = plain_step(loaded)
    loaded.train_on_batch(INPUTS, TARGETS)
    assert loaded.get_weights()[0] == pytest.approx(expected, rel=1e-4)


@claim(varies_on=["keras<3"], answers=["5.4"])
def test_training_goes_on_with_adam(keras, tmp_path_factory, evidence):
    """Training with Adam that goes on with the model of a `.keras` file equals training that was never interrupted.

    In Keras 2.2.4 on TensorFlow 1 the step's number is raised while it is read: two equal runs may differ, loaded or not.
    """
    model = trained(keras, "adam")
    loaded = reloaded(keras, model, tmp_path_factory, "model.keras")
    alike = np.all(trajectory(loaded, 6) == trajectory(model, 6), axis=1)
    evidence("equal steps, of 6", int(alike.sum()))
    assert alike.all()


@claim(answers=["5.2", "5.4"], examples=8)
@given(extension=extensions)
def test_a_learning_rate_changed_before_saving_comes_back(keras, tmp_path_factory, extension):
    """A learning rate that was changed after `compile` is saved as it is, and comes back."""
    model = trained(keras, "sgd", "rate" + extension)
    set_rate(keras, model.optimizer, 0.125)
    settings = reloaded(keras, model, tmp_path_factory, "model" + extension).optimizer.get_config()
    assert settings.get("learning_rate", settings.get("lr")) == 0.125


@claim(["keras[theano]", "keras>=2.3", "tf.keras"], AssertionError, "test_moving_averages_start_afresh", answers=["5.4"])
def test_moving_averages_go_on(keras, tmp_path_factory):
    """The moving averages of BatchNormalization go on after loading: the next batch is averaged with those before the file."""
    model = sequential(keras, (3,), keras.layers.BatchNormalization(momentum=0.5))
    model.compile(optimizer=sgd(keras, 0.0), loss="mean_squared_error")
    model.train_on_batch(INPUTS, INPUTS)
    loaded = reloaded(keras, model, tmp_path_factory)
    loaded.train_on_batch(4 * INPUTS, INPUTS)
    assert loaded.get_weights()[2] == pytest.approx((0.5 * 0.5 + 0.5 * 4) * INPUTS.mean(axis=0), rel=1e-6)


@claim(["keras[tensorflow]<2.3"], AssertionError, "test_moving_averages_go_on", answers=["5.4"])
def test_moving_averages_start_afresh(keras, tmp_path_factory):
    """After loading, the moving averages of BatchNormalization start afresh: the next batch replaces those in the file.

    Keras 2.2 on TensorFlow divides by the number of batches seen, which it does not save.
    """
    model = sequential(keras, (3,), keras.layers.BatchNormalization(momentum=0.5))
    model.compile(optimizer=sgd(keras, 0.0), loss="mean_squared_error")
    model.train_on_batch(INPUTS, INPUTS)
    loaded = reloaded(keras, model, tmp_path_factory)
    loaded.train_on_batch(4 * INPUTS, INPUTS)
    assert loaded.get_weights()[2] == pytest.approx(4 * INPUTS.mean(axis=0), rel=1e-6)


@claim(["keras<3", "tf.keras"], AssertionError, "test_h5_takes_the_optimizer_out_of_the_model", answers=["5.4"])
def test_h5_leaves_the_model_as_it_was(keras, tmp_path_factory):
    """Saving as `.h5` changes nothing in the model: a `.keras` file saved after it holds the same optimizer."""
    model = trained(keras, "momentum", "both")
    model.save(str(tmp_path_factory.mktemp("saved") / "model.h5"))
    assert type(reloaded(keras, model, tmp_path_factory, "model.keras").optimizer).__name__ == "SGD"


@claim(["keras>=3"], AssertionError, "test_h5_leaves_the_model_as_it_was", answers=["5.4"])
def test_h5_takes_the_optimizer_out_of_the_model(keras, tmp_path_factory):
    """Saving as `.h5` takes the optimizer out of what the model saves next: its `.keras` file comes back with RMSprop."""
    model = trained(keras, "momentum", "both")
    model.save(str(tmp_path_factory.mktemp("saved") / "model.h5"))
    assert type(reloaded(keras, model, tmp_path_factory, "model.keras").optimizer).__name__ == "RMSprop"


@claim(answers=["5.R1"], examples=10)
@given(kind=st.sampled_from([("momentum", 2), ("rmsprop", 2), ("adam", 3)]))
def test_the_state_of_the_optimizer_multiplies_the_file(keras, tmp_path_factory, evidence, kind):
    """A saved model holds for each weight what its optimizer remembers: twice the numbers for momentum, for Adam three times.

    In float32 that is 4, 8 and 12 bytes a weight; what else is in the file does not grow with the weights.
    """
    optimizer, times = kind
    model, path = trained(keras, optimizer), str(tmp_path_factory.mktemp("saved") / "model.keras")
    model.save(path)
    size = sum(array.nbytes for array in stored(path)) / model.count_params()
    evidence("bytes a weight: " + optimizer, size)
    assert size // 4 == times


@claim(["keras>=3", "tf.keras<2.11"], AssertionError, "test_plain_sgd_is_saved_like_momentum", answers=["5.R1"])
def test_plain_sgd_adds_nothing(keras, tmp_path_factory):
    """With SGD without momentum, a saved model holds no more numbers a weight than the weights alone."""
    model, path = trained(keras, "sgd"), str(tmp_path_factory.mktemp("saved") / "model.keras")
    model.save(path)
    assert sum(array.size for array in stored(path)) // model.count_params() == 1


@claim(["keras<3", "tf.keras>=2.11"], AssertionError, "test_plain_sgd_adds_nothing", answers=["5.R1"])
def test_plain_sgd_is_saved_like_momentum(keras, tmp_path_factory):
    """With SGD without momentum, a saved model is as large as with momentum: twice the numbers of the weights."""
    model, path = trained(keras, "sgd"), str(tmp_path_factory.mktemp("saved") / "model.keras")
    model.save(path)
    assert sum(array.size for array in stored(path)) // model.count_params() == 2


@claim(answers=["5.2", "5.3"])
def test_the_printed_example(keras, tmp_path_factory):
    """Save as `my_model.h5`, delete, `load_model`: the model is back, compiled, and gives the same outputs and loss."""
    path = str(tmp_path_factory.mktemp("saved") / "my_model.h5")
    model = trained(keras, "adam", "h5")
    outputs, losses = model.predict_on_batch(INPUTS), model.evaluate(INPUTS, TARGETS, verbose=0)
    model.save(path)
    del model
    model = keras.models.load_model(path)
    assert np.array_equal(model.predict_on_batch(INPUTS), outputs)
    assert model.evaluate(INPUTS, TARGETS, verbose=0) == pytest.approx(losses, rel=1e-6)
