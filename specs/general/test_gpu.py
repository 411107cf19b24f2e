"""How can I run Keras on a GPU?"""

import functools
import os
import subprocess
import sys
import tempfile

from hypothesis import given
from hypothesis import strategies as st

from fixtures.claims import claim
from fixtures.configuration import FILE, Start
from fixtures.placement import gpus, hidden, listed, numbers, places, right_numbers

HIDDEN = Start(looks=[places, numbers, listed, gpus, hidden], CUDA_VISIBLE_DEVICES="").ahead()
OLD = ["keras<3", "tf.keras"]
unknown = st.sampled_from(["abacus", "Tensorflow", "tf", "mxnet"])


@claim(needs=["gpu"], answers=["2.1"])
def test_variables_and_results_are_on_the_gpu(keras):
    """Where a GPU is visible, a layer's variables and its results are on it, with no code of the user's."""
    assert places(keras) == ["gpu"]


@claim(needs=["gpu"], answers=["2.2"])
def test_a_gpu_gives_the_right_numbers(keras):
    """On a GPU a small program of whole numbers gives what arithmetic says: predictions, and weights after training."""
    assert numbers(keras) == right_numbers()


@claim(answers=["2.2"])
def test_no_gpu_is_needed(keras):
    """Example: with the GPUs hidden, by `CUDA_VISIBLE_DEVICES=""`, the same program gives the same numbers.

    They are whole, and so equal to those of arithmetic to the last bit: predictions, and weights after training.
    """
    assert HIDDEN().seen["numbers"] == right_numbers()


@claim(answers=["2.2"])
def test_all_is_on_the_cpu_where_no_gpu_is_visible(keras):
    """With the GPUs hidden, by `CUDA_VISIBLE_DEVICES=""`, a layer's variables and its results are on the CPU.

    Keras lists no other device, and leaves the GPUs hidden.
    """
    assert HIDDEN().seen["places"] == ["cpu"]
    assert HIDDEN().seen["listed"] in (["cpu"], None)  # with PyTorch, and before Keras 3, it has no list
    assert HIDDEN().seen["gpus"] == []
    assert HIDDEN().seen["hidden"]


@claim([], AssertionError, "test_an_unknown_backend_is_never_used", answers=["2.4"], examples=4)
@given(name=unknown)
def test_the_refusal_names_the_choices(keras, name):
    """An unknown `KERAS_BACKEND` is refused with an error that names the backends there are."""
    assert "tensorflow" in Start(KERAS_BACKEND=name)().raised


@claim(answers=["2.4"], examples=4)
@given(name=unknown)
def test_an_unknown_backend_is_never_used(keras, name):
    """An unknown `KERAS_BACKEND` is never replaced by a guess: Keras does not start, and tf.keras ignores it."""
    started = Start(KERAS_BACKEND=name)()
    assert started.raised.endswith(name) or started.settings["backend"] == "tensorflow"


@claim(["keras"], AssertionError, "test_tf_keras_has_one_backend", answers=["2.4"], examples=4)
@given(name=unknown)
def test_an_unknown_backend_is_refused(keras, name):
    """An unknown `KERAS_BACKEND` stops the import with a ValueError that names it, and only it. Capitals count."""
    assert Start(KERAS_BACKEND=name)().raised == f"ValueError: Unable to import backend : {name}"


@claim(["tf.keras"], AssertionError, "test_an_unknown_backend_is_refused", answers=["2.4"], examples=2)
@given(name=unknown)
def test_tf_keras_has_one_backend(keras, name):
    """`KERAS_BACKEND` is ignored, unknown names included: the backend is TensorFlow."""
    started = Start(KERAS_BACKEND=name)()
    assert (started.raised, started.settings.get("backend")) == ("", "tensorflow")


THEANO, CNTK = Start(KERAS_BACKEND="theano").ahead(), Start(KERAS_BACKEND="cntk").ahead()
FILED = Start({FILE: '{"backend": "theano"}'}, KERAS_BACKEND=None).ahead()


@claim(["keras>=3"], AssertionError, "test_keras_2_knows_theano", answers=["2.4"])
def test_theano_is_an_unknown_backend(keras):
    """`KERAS_BACKEND=theano` and `cntk`, or such a `keras.json`, are refused as any other unknown name, installed or not."""
    for start in (THEANO, CNTK, FILED):
        assert start().raised.startswith("ValueError: Unable to import backend : ")


@claim(OLD, AssertionError, "test_theano_is_an_unknown_backend", answers=["2.4"])
def test_keras_2_knows_theano(keras):
    """`KERAS_BACKEND=theano` stops Keras 2 only where there is no Theano to import; tf.keras ignores it."""
    assert THEANO().raised in ("", "ModuleNotFoundError: No module named 'theano'")


PROGRAM = """
import theano
{line}
told = theano.config.floatX
import keras
weights = keras.models.Sequential([keras.layers.Dense(1, input_shape=(1,))]).get_weights()
print(told, theano.config.floatX, weights[0].dtype)
"""


@functools.lru_cache(maxsize=None)
def on_theano(way):
    """What floats are for Theano before and after Keras is imported, and in Keras's weights, float64 being asked for so."""
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, ".theanorc")
        with open(file, "w") as settings:
            settings.write("[global]\nfloatX = float64\n")
        variables = {"THEANO_FLAGS": {"THEANO_FLAGS": "floatX=float64"}, ".theanorc": {"THEANORC": file}}.get(way, {})
        program = PROGRAM.format(line='theano.config.floatX = "float64"' if way == "theano.config" else "")
        environment = {**os.environ, "KERAS_BACKEND": "theano", **variables}
        return subprocess.check_output([sys.executable, "-c", program], env=environment).decode().split()


ways = st.sampled_from(["THEANO_FLAGS", ".theanorc", "theano.config"])


@claim(needs=["theano"], answers=["2.3"], examples=6)
@given(way=ways)
def test_three_ways_set_theano_s_float_type(keras, way):
    """`THEANO_FLAGS=floatX=float64`, the same in `.theanorc`, and `theano.config.floatX` in code, set Theano's float type."""
    assert on_theano(way)[0] == "float64"


@claim([], AssertionError, "test_keras_sets_theano_s_float_type", needs=["theano"], answers=["2.3"], examples=6)
@given(way=ways)
def test_keras_follows_theano_s_float_type(keras, way):
    """The float type that Theano is told in one of the three ways is that of Keras's weights."""
    assert on_theano(way)[2] == "float64"


@claim(needs=["theano"], answers=["2.3"], examples=6)
@given(way=ways)
def test_keras_sets_theano_s_float_type(keras, way):
    """Importing Keras sets `theano.config.floatX` to Keras's own `floatx`, whatever Theano was told before."""
    assert on_theano(way)[1:] == ["float32", "float32"]
