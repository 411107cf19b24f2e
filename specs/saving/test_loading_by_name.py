"""How do I load the weights of only some layers?"""

import logging
import re
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.models import reused, sequential, sgd

# The names say which arrays a layer has: see `chain`. Few orders, so that the models are built once.
orders = st.sampled_from([("a", "b", "c", "d", "e"), ("e", "x", "c", "a"), ("b", "d"), ("y", "c", "b", "a")])
other_sizes = st.sampled_from([1, 3])
BY_NAME = ["keras<3", "keras>=3.8", "tf.keras"]
WHOLE = ["test_the_example_with_a_whole_model", "test_an_error_follows_the_loading"]  # of what loads a whole model by name
SKIPPING = ["keras", "tf.keras>=2.1"]  # where there is a `skip_mismatch`


@reused
def chain(keras, *names, features=2, copy=0):
    """A model of the layers of these names, one after another; `("a", 5)` is a dense layer of 5 units by the name of a."""

    def layer(name):
        if isinstance(name, tuple):
            return keras.layers.Dense(name[1], use_bias=name[2:] != (False,), name=name[0])
        if name == "b":
            return keras.layers.BatchNormalization(name=name)
        return keras.layers.Conv1D(2, 1, use_bias=name != "d", name=name) if name in "cd" else keras.layers.Dense(2, name=name)

    return sequential(keras, (1, features), *map(layer, names))


def filled(model, value):
    """The model, its weights counted up from the value: no two are equal."""
    counts = np.cumsum([0] + [weight.size for weight in model.get_weights()])
    shapes = [weight.shape for weight in model.get_weights()]
    model.set_weights([value + n + np.arange(np.prod(shape)).reshape(shape) for n, shape in zip(counts, shapes)])
    return model


def saved(model, folders, name="whole.h5"):
    """The path of a `.h5` file with the model: what `load_weights(by_name=True)` reads on every Keras."""
    path = str(folders.mktemp("saved") / name)
    model.save(path)
    return path


def values(model, name):
    """The weights of the layer of that name, as nested lists."""
    return [weight.tolist() for weight in model.get_layer(name).get_weights()]


@claim(BY_NAME, ValueError, "test_an_error_follows_the_loading", answers=["5.9"], examples=8)
@given(source=orders, target=orders)
def test_layers_of_equal_name_are_loaded(keras, tmp_path_factory, source, target):
    """`load_weights("x.h5", by_name=True)` loads all weights of the layers whose names are in the file, in whatever order."""
    model, other = filled(chain(keras, *source), 100), filled(chain(keras, *target, copy=1), 900)
    other.load_weights(saved(model, tmp_path_factory), by_name=True)
    common = [name for name in target if name in source]
    assert [values(other, name) for name in common] == [values(model, name) for name in common]


@claim(BY_NAME, ValueError, "test_an_error_follows_the_loading", answers=["5.9"], examples=8)
@given(source=orders, target=orders)
def test_other_layers_keep_their_values(keras, tmp_path_factory, source, target):
    """`load_weights("x.h5", by_name=True)` leaves alone the layers whose names are not in the file."""
    model, other = filled(chain(keras, *source), 100), filled(chain(keras, *target, copy=1), 900)
    alone = [name for name in target if name not in source]
    before = [values(other, name) for name in alone]
    other.load_weights(saved(model, tmp_path_factory), by_name=True)
    assert [values(other, name) for name in alone] == before


@claim(["keras>=3,<3.8"], pytest.fail.Exception, "test_layers_of_equal_name_are_loaded", answers=["5.9"], examples=8)
@given(source=orders, target=orders)
def test_an_error_follows_the_loading(keras, tmp_path_factory, source, target):
    """`load_weights("x.h5", by_name=True)` loads layers of equal name, then raises ValueError; `skip_mismatch=True` avoids it.

    Keras 3 before 3.8 looks for all of the model's weights a second time, beside the layers (see keras#20537).
    """
    model, common = filled(chain(keras, *source), 100), [name for name in target if name in source]
    path = saved(model, tmp_path_factory)
    for options, raised in (
        ({}, pytest.raises(ValueError, match="top-level")),
        ({"skip_mismatch": True}, warnings.catch_warnings()),
    ):
        other = filled(chain(keras, *target, copy=1), 900)
        with raised:
            other.load_weights(path, by_name=True, **options)
        assert [values(other, name) for name in common] == [values(model, name) for name in common]


@claim(["keras<3", "tf.keras"], ValueError, WHOLE, answers=["5.9"])
def test_the_printed_example(keras, tmp_path_factory):
    """As printed: `save_weights(fname)`, then `load_weights(fname, by_name=True)` loads `dense_1` and not `new_dense`.

    Keras 3 saves weights only as `.weights.h5`, and does not load those by name (keras#21676).
    """
    fname = str(tmp_path_factory.mktemp("saved") / "my_model_weights.h5")
    first = filled(chain(keras, ("dense_1", 2), ("dense_2", 3), features=3), 100)
    first.save_weights(fname)
    second = filled(chain(keras, ("dense_1", 2), ("new_dense", 10), features=3), 900)
    head = values(second, "new_dense")
    second.load_weights(fname, by_name=True)
    assert values(second, "dense_1") == values(first, "dense_1")
    assert values(second, "new_dense") == head


@claim(BY_NAME, ValueError, "test_an_error_follows_the_loading", answers=["5.9"])
def test_the_example_with_a_whole_model(keras, tmp_path_factory):
    """From the `.h5` file of a whole model, `load_weights(fname, by_name=True)` loads `dense_1` and not `new_dense`."""
    first = filled(chain(keras, ("dense_1", 2), ("dense_2", 3), features=3), 100)
    second = filled(chain(keras, ("dense_1", 2), ("new_dense", 10), features=3), 900)
    head = values(second, "new_dense")
    second.load_weights(saved(first, tmp_path_factory), by_name=True)
    assert values(second, "dense_1") == values(first, "dense_1")
    assert values(second, "new_dense") == head


@claim(["keras<3", "tf.keras<2.12"], ValueError, WHOLE, answers=["5.9"])
def test_weights_h5_is_loaded_by_name(keras, tmp_path_factory):
    """`load_weights("x.weights.h5", by_name=True)` loads the layers of equal name."""
    path = str(tmp_path_factory.mktemp("saved") / "x.weights.h5")
    model, other = filled(chain(keras, "a"), 100), filled(chain(keras, "a", "c"), 900)
    model.save_weights(path)
    other.load_weights(path, by_name=True)
    assert values(other, "a") == values(model, "a")


@claim(["tf.keras>=2.12"], (AssertionError, ValueError), WHOLE, answers=["5.9"])
def test_by_name_is_ignored_for_weights_h5(keras, tmp_path_factory):
    """`load_weights("x.weights.h5", by_name=True)` ignores `by_name`: it loads by order, into a layer of any name."""
    path = str(tmp_path_factory.mktemp("saved") / "x.weights.h5")
    model, other = filled(chain(keras, "a"), 100), filled(chain(keras, "y"), 900)
    model.save_weights(path)
    other.load_weights(path, by_name=True)
    assert values(other, "y") == values(model, "a")


@claim(["keras>=3"], pytest.fail.Exception, WHOLE, answers=["5.9"], examples=8)
@given(name=st.sampled_from(["x.weights.h5", "x.keras"]))
def test_new_files_are_not_loaded_by_name(keras, tmp_path_factory, name):
    """`by_name=True` is for the older `.h5` files only: with `.weights.h5` or `.keras` it raises ValueError (keras#21676).

    `skip_mismatch=True` skips what has another shape there too, where layers are loaded in order.
    """
    model, path = filled(chain(keras, "a", ("b", 3)), 100), str(tmp_path_factory.mktemp("saved") / name)
    other = filled(chain(keras, ("x", 2), ("y", 5)), 900)
    (model.save if name == "x.keras" else model.save_weights)(path)
    with pytest.raises(ValueError, match="by_name"):
        model.load_weights(path, by_name=True)
    before = values(other, "y")
    other.load_weights(path, skip_mismatch=True)
    assert [values(other, "x"), values(other, "y")] == [values(model, "a"), before]


@claim(
    ["keras>=3.11"],
    (AssertionError, TypeError, ValueError),
    ["test_skip_mismatch_needs_by_name", "test_there_is_no_skip_mismatch"],
    answers=["5.10"],
)
def test_skip_mismatch_skips_in_older_files_loaded_by_order(keras, tmp_path_factory):
    """`load_weights("x.h5", skip_mismatch=True)` loads layers in order, whatever their names, less arrays of another shape."""
    model, other = filled(chain(keras, ("a", 3), ("b", 2)), 100), filled(chain(keras, ("x", 5), ("y", 2)), 900)
    before, kernel = values(other, "x"), values(other, "y")[0]
    other.load_weights(saved(model, tmp_path_factory), skip_mismatch=True)
    assert [values(other, "x"), values(other, "y")] == [before, [kernel, values(model, "b")[1]]]


@claim(
    ["keras<3.11", "tf.keras>=2.1"],
    (AssertionError, TypeError),
    ["test_skip_mismatch_skips_in_older_files_loaded_by_order", "test_there_is_no_skip_mismatch"],
    answers=["5.10"],
)
def test_skip_mismatch_needs_by_name(keras, tmp_path_factory):
    """Without `by_name=True`, `load_weights("x.h5", skip_mismatch=True)` skips nothing: another shape is an error, or loaded.

    It is loaded by Keras 2.3, and by 2.2 on Theano: the layer takes the shapes in the file, and nobody is told.
    """
    model, other = filled(chain(keras, "a", ("b", 3)), 100), filled(chain(keras, ("x", 2), ("y", 5)), 900)
    path, refusal = saved(model, tmp_path_factory), ""
    try:
        other.load_weights(path, skip_mismatch=True)
    except ValueError as error:
        refusal = str(error)
    assert re.search("(?i)shape|by_name", refusal) or values(other, "y") == values(model, "b")


@claim([], ValueError, "test_a_layer_of_another_shape_is_an_error", answers=["5.10"])
def test_mismatched_layers_are_skipped(keras, tmp_path_factory):
    """`load_weights("x.h5", by_name=True)` skips a layer whose name is in the file but whose shape is another.

    It is an error on every Keras, unless `skip_mismatch=True` is given.
    """
    path = saved(chain(keras, ("a", 2), features=3), tmp_path_factory)
    chain(keras, ("a", 5), features=3).load_weights(path, by_name=True)


@claim(answers=["5.10"], examples=10)
@given(units=other_sizes, bias=st.booleans())
def test_a_layer_of_another_shape_is_an_error(keras, tmp_path_factory, units, bias):
    """A layer whose name is in the file with other shapes, or another number of weights, is a ValueError that names it."""
    path = saved(chain(keras, ("same_name", 2), features=3), tmp_path_factory)
    other = chain(keras, ("same_name", units, bias), features=3)
    with pytest.raises(ValueError, match="same_name"):
        other.load_weights(path, by_name=True)


@claim(["keras<3", "tf.keras"], AssertionError, "test_an_error_leaves_half_of_it_loaded", answers=["5.10"])
def test_an_error_loads_nothing(keras, tmp_path_factory):
    """Where one layer's shape is an error, none is loaded: the model keeps all its weights."""
    path = saved(filled(chain(keras, ("a", 2), ("b", 2), features=3), 100), tmp_path_factory)
    other = filled(chain(keras, ("a", 2), ("b", 3), features=3), 900)
    before = values(other, "a")
    with pytest.raises(ValueError, match="shape"):
        other.load_weights(path, by_name=True)
    assert values(other, "a") == before


@claim(["keras>=3"], AssertionError, "test_an_error_loads_nothing", answers=["5.10"])
def test_an_error_leaves_half_of_it_loaded(keras, tmp_path_factory):
    """Where one layer's shape is an error, the layers before it in the file are loaded already, and stay so."""
    model = filled(chain(keras, ("a", 2), ("b", 2), features=3), 100)
    other = filled(chain(keras, ("a", 2), ("b", 3), features=3), 900)
    path = saved(model, tmp_path_factory)
    with pytest.raises(ValueError, match="shape"):
        other.load_weights(path, by_name=True)
    assert values(other, "a") == values(model, "a")


@claim(SKIPPING, TypeError, "test_there_is_no_skip_mismatch", answers=["5.10"], examples=10)
@given(units=other_sizes, source=st.sampled_from([("a", "c", ("odd", 2)), (("odd", 2), "c", "a")]))
def test_skip_mismatch_loads_the_other_layers(keras, tmp_path_factory, units, source):
    """With `skip_mismatch=True` a layer of other shapes keeps its weights, and all other layers of equal name are loaded."""
    model, other = filled(chain(keras, *source), 100), filled(chain(keras, "a", "c", ("odd", units)), 900)
    before = values(other, "odd")
    other.load_weights(saved(model, tmp_path_factory), by_name=True, skip_mismatch=True)
    assert [values(other, "a"), values(other, "c")] == [values(model, "a"), values(model, "c")]
    assert values(other, "odd") == before


@claim(["tf.keras<2.1"], pytest.fail.Exception, "test_skip_mismatch_loads_the_other_layers", answers=["5.10"])
def test_there_is_no_skip_mismatch(keras, tmp_path_factory):
    """`load_weights` knows no `skip_mismatch`: it raises TypeError, and loads nothing."""
    path = saved(filled(chain(keras, "a"), 100), tmp_path_factory)
    other = filled(chain(keras, "a", copy=1), 900)
    before = values(other, "a")
    with pytest.raises(TypeError, match="skip_mismatch"):
        other.load_weights(path, by_name=True, skip_mismatch=True)
    assert values(other, "a") == before


@claim(
    [],
    (AssertionError, TypeError),
    ["test_skip_mismatch_skips_arrays", "test_there_is_no_skip_mismatch"],
    answers=["5.10"],
)
def test_skip_mismatch_skips_whole_layers(keras, tmp_path_factory):
    """With `skip_mismatch=True` a layer is loaded whole or not at all."""
    model = filled(chain(keras, ("a", 2), features=3), 100)
    other = filled(chain(keras, ("a", 2), features=4), 900)
    before = values(other, "a")
    other.load_weights(saved(model, tmp_path_factory), by_name=True, skip_mismatch=True)
    assert values(other, "a") == before


@claim(SKIPPING, TypeError, "test_there_is_no_skip_mismatch", answers=["5.10"])
def test_skip_mismatch_skips_arrays(keras, tmp_path_factory):
    """`skip_mismatch=True` skips arrays, not layers: where only the kernel's shape is another, the bias is loaded."""
    model = filled(chain(keras, ("a", 2), features=3), 100)
    other = filled(chain(keras, ("a", 2), features=4), 900)
    kernel = values(other, "a")[0]
    other.load_weights(saved(model, tmp_path_factory), by_name=True, skip_mismatch=True)
    assert values(other, "a") == [kernel, values(model, "a")[1]]


@claim(SKIPPING, TypeError, "test_there_is_no_skip_mismatch", answers=["5.10"], examples=8)
@given(bias=st.booleans())
def test_skip_mismatch_skips_another_number_of_weights(keras, tmp_path_factory, bias):
    """With `skip_mismatch=True` a layer that has more or fewer weights than in the file is skipped whole."""
    model = filled(chain(keras, ("a", 2, bias), "c", features=3), 100)
    other = filled(chain(keras, ("a", 2, not bias), "c", features=3), 900)
    before = values(other, "a")
    other.load_weights(saved(model, tmp_path_factory), by_name=True, skip_mismatch=True)
    assert values(other, "a") == before
    assert values(other, "c") == values(model, "c")


@claim(
    ["keras"],
    (pytest.fail.Exception, TypeError),
    ["test_skip_mismatch_logs", "test_there_is_no_skip_mismatch"],
    answers=["5.10"],
)
def test_skip_mismatch_warns(keras, tmp_path_factory):
    """`skip_mismatch=True` warns of each layer that it skips, by name, with a Python warning."""
    path = saved(chain(keras, ("a", 2), features=3), tmp_path_factory)
    with pytest.warns(UserWarning, match=r"Skipping .*\ba\b"):
        chain(keras, ("a", 5), features=3).load_weights(path, by_name=True, skip_mismatch=True)


@claim(
    ["tf.keras>=2.1"],
    (AssertionError, TypeError),
    ["test_skip_mismatch_warns", "test_there_is_no_skip_mismatch"],
    answers=["5.10"],
)
def test_skip_mismatch_logs(keras, tmp_path_factory):
    """`skip_mismatch=True` tells of each layer that it skips in TensorFlow's log, at the level of a warning."""
    path, records = saved(chain(keras, ("a", 2), features=3), tmp_path_factory), []
    handler = logging.Handler(logging.WARNING)
    handler.emit = records.append
    logging.getLogger("tensorflow").addHandler(handler)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        chain(keras, ("a", 5), features=3).load_weights(path, by_name=True, skip_mismatch=True)
    logging.getLogger("tensorflow").removeHandler(handler)
    assert any(re.search(r"Skipping .*(layer|named) a\b", record.getMessage()) for record in records)


@claim(BY_NAME, ValueError, "test_an_error_follows_the_loading", answers=["5.R3"])
def test_transfer_to_a_network_with_a_new_head(keras, tmp_path_factory):
    """What it is for: a new network takes over the trained layers of another by name, freezes them and trains a new head."""
    inputs, targets = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]]), np.array([[1.0], [-2.0]])

    def trunk():  # a model within the model, whose weights that are trained come after some that are not
        return keras.models.Sequential([keras.layers.BatchNormalization(input_shape=(3,)), keras.layers.Dense(4)], name="base")

    first = filled(sequential(keras, (3,), trunk(), keras.layers.Dense(10, name="head")), 1)
    path = saved(first, tmp_path_factory)

    base = trunk()
    second = sequential(keras, (3,), base, keras.layers.Dense(1, name="new_head"))
    second.load_weights(path, by_name=True)
    base.trainable = False
    second.compile(optimizer=sgd(keras, 0.01), loss="mean_squared_error")
    head = values(second, "new_head")
    second.fit(inputs, targets, verbose=0)
    assert values(second, "base") == values(first, "base")
    assert values(second, "new_head") != head
