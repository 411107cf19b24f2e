"""Where is the Keras configuration file stored?"""

import json
import os

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fixtures import configuration
from fixtures.claims import claim
from fixtures.configuration import BARE, FALLBACK, FILE, Start

DEFAULTS = {"floatx": "float32", "epsilon": 1e-07, "image_data_format": "channels_last"}
OTHERS = {"floatx": "float64", "epsilon": 0.001, "image_data_format": "channels_first"}
IN_WORDS = json.dumps(OTHERS)
CLOSED = {"plain": ""}, "{here}/plain/home"  # a home below a file: nobody can make or write it, root included


def with_file(**fields):
    """A start whose home holds a file of these fields."""
    return Start({FILE: json.dumps(fields)})


def found(started):
    """The settings of a start, but for the backend."""
    return {name: started.settings[name] for name in DEFAULTS}


def listing(keras):
    """What is in the working directory: a look."""
    return sorted(os.listdir("."))


UNCONFIGURED = Start().ahead()
CONFIGURED = Start({FILE: IN_WORDS}).ahead()
SPARSE = Start({FILE: '{"epsilon": 0.001, "batch_size": 32}'}).ahead()
TORN, EMPTY = Start({FILE: '{"floatx": "float64",'}).ahead(), Start({FILE: ""}).ahead()
HOMELESS = Start(CLOSED[0], HOME=CLOSED[1]).ahead()
BLOCKED = Start({"home/.keras": ""}).ahead()
ELSEWHERE = Start({FILE: IN_WORDS}, KERAS_HOME="{here}/a/project").ahead()
TILDE = Start(looks=[listing], KERAS_HOME="~/project").ahead()


@claim(answers=["18.1"])
def test_importing_keras_makes_the_file(keras):
    """Importing Keras makes `$HOME/.keras/keras.json` where there is none."""
    assert list(UNCONFIGURED().files) == [FILE]


@claim(needs=["windows"], answers=["18.1"])
def test_is_in_the_user_profile_on_windows(keras):
    """On Windows the file is `%USERPROFILE%\\.keras\\keras.json`, whether `HOME` is set or not."""
    started = Start({FILE: IN_WORDS}, HOME=None, USERPROFILE="{here}/home")()
    assert found(started) == OTHERS


@claim(answers=["18.3"])
def test_the_new_file_states_the_defaults(keras, evidence):
    """The new file holds four fields: floats are `float32`, epsilon 1e-07, images `channels_last`, the backend `tensorflow`."""
    text = UNCONFIGURED().files[FILE]
    evidence("keras.json", text)
    assert json.loads(text) == {"backend": "tensorflow", **DEFAULTS}
    assert found(UNCONFIGURED()) == DEFAULTS


@claim(answers=["18.3", "18.4"])
def test_the_new_file_names_tensorflow_whatever_is_used(keras):
    """The new file names TensorFlow as backend even where `KERAS_BACKEND` names another: the variable is not written down."""
    started = Start(KERAS_BACKEND="abacus")()
    assert json.loads(started.files[FILE])["backend"] == "tensorflow"


@claim(answers=["18.1"], examples=4)
@given(start=st.sampled_from([CONFIGURED, SPARSE, TORN, EMPTY]))
def test_a_file_that_is_there_is_never_written(keras, start):
    """A file that is there is left as it is: missing fields are not added, nor is a broken file repaired."""
    assert start().files == start.files


@claim(["keras"], AssertionError, "test_tf_keras_has_no_fallback", answers=["18.2"])
def test_falls_back_to_tmp(keras):
    """Where the home cannot be written to, the file is made, and read, in `/tmp/.keras` instead."""
    assert json.loads(HOMELESS().files.get(FALLBACK, "{}")) == {"backend": "tensorflow", **DEFAULTS}
    files, home = CLOSED
    assert found(Start({FALLBACK: IN_WORDS, **files}, HOME=home)()) == OTHERS


@claim(["tf.keras"], AssertionError, "test_falls_back_to_tmp", answers=["18.2"])
def test_tf_keras_has_no_fallback(keras):
    """Where the home cannot be written to, no file is made anywhere, and Keras starts with the defaults."""
    started = HOMELESS()
    assert started.files == CLOSED[0]
    assert found(started) == DEFAULTS


@claim(answers=["18.2"])
def test_goes_without_a_file_where_the_folder_cannot_be_made(keras):
    """Where the home can be written to but `.keras` cannot be made in it, there is no file, no fallback and no error."""
    started = BLOCKED()
    assert list(started.files) == ["home/.keras"]
    assert (started.raised, found(started)) == ("", DEFAULTS)


@claim(answers=["18.R3"])
def test_keras_home_takes_the_place_of_the_folder(keras):
    """`KERAS_HOME` takes the place of `$HOME/.keras`: the file is made and read there, and what the home holds is ignored."""
    started = ELSEWHERE()
    assert found(started) == DEFAULTS
    assert sorted(started.files) == ["a/project/keras.json", FILE]
    assert found(Start({"project/keras.json": IN_WORDS}, KERAS_HOME="{here}/project")()) == OTHERS


@claim(answers=["18.R3"])
def test_keras_home_does_not_know_the_tilde(keras):
    """A `~` in `KERAS_HOME` that no shell has replaced makes a folder named `~` in the working directory, and no file in it."""
    started = TILDE()
    assert started.seen["listing"] == ["home", "~"]
    assert started.files == {}


@claim(answers=["18.R3"])
def test_an_empty_keras_home_is_the_working_directory(keras):
    """A `KERAS_HOME` that is set but empty is the working directory: `keras.json` is made there."""
    assert list(Start(KERAS_HOME="")().files) == ["keras.json"]


def a_project(import_keras, folder):
    """The start of a program whose folder holds `settings/keras.json`: a job."""
    os.environ["KERAS_HOME"] = os.path.join(folder, "settings")
    keras = configuration.bring_in(import_keras)  # import keras
    return keras.backend.floatx(), keras.backend.image_data_format()


@claim(answers=["18.R3"])
def test_a_project_carries_its_configuration(keras, tmp_path):
    """Example: a project that sets `KERAS_HOME` to a folder of its own, before it imports Keras, runs alike for everybody."""
    settings = tmp_path / "settings"
    settings.mkdir()
    (settings / "keras.json").write_text('{"floatx": "float16", "image_data_format": "channels_first"}')
    assert BARE.run(a_project, str(tmp_path)) == ("float16", "channels_first")


@claim(answers=["18.4"])
def test_every_field_is_read(keras):
    """`floatx`, `epsilon` and `image_data_format` are what the file says, once Keras is imported."""
    assert found(CONFIGURED()) == OTHERS


@claim(answers=["18.4"])
def test_a_missing_field_has_its_default(keras):
    """A field that the file leaves out has its default; one that Keras does not know is ignored."""
    assert found(SPARSE()) == {**DEFAULTS, "epsilon": 0.001}


@claim(["keras"], AssertionError, "test_tf_keras_stays_on_tensorflow", answers=["18.4"])
def test_the_backend_is_the_one_in_the_file(keras):
    """The backend is the one that the file names, and where there is no such backend, Keras does not start."""
    own = keras.backend.backend()
    assert Start({FILE: json.dumps({"backend": own})}, KERAS_BACKEND=None)().settings.get("backend") == own
    assert "abacus" in Start({FILE: '{"backend": "abacus"}'}, KERAS_BACKEND=None)().raised


@claim(["keras"], AssertionError, "test_tf_keras_stays_on_tensorflow", answers=["18.4"])
def test_keras_backend_wins_over_the_file(keras):
    """The variable `KERAS_BACKEND` wins over the file's `backend`."""
    own = keras.backend.backend()
    assert Start({FILE: '{"backend": "abacus"}'}, KERAS_BACKEND=own)().settings.get("backend") == own
    assert "abacus" in Start({FILE: json.dumps({"backend": own})}, KERAS_BACKEND="abacus")().raised


@claim(["keras"], AssertionError, "test_tf_keras_stays_on_tensorflow", answers=["18.4"])
def test_an_empty_keras_backend_leaves_it_to_the_file(keras):
    """A `KERAS_BACKEND` that is set but empty leaves the choice to the file."""
    assert "abacus" in Start({FILE: '{"backend": "abacus"}'}, KERAS_BACKEND="")().raised


@claim(answers=["18.4"])
def test_the_backend_is_tensorflow_if_none_is_named(keras):
    """Where nothing names a backend it is TensorFlow; if that is not installed, Keras does not start.

    It may be named by the file or by `KERAS_BACKEND`.
    """
    started = Start({FILE: "{}"}, KERAS_BACKEND=None)()
    if started.raised:
        assert "No module named 'tensorflow'" in started.raised
    else:
        assert started.settings["backend"] == "tensorflow"


@claim(["tf.keras"], AssertionError, "test_the_backend_is_the_one_in_the_file", answers=["18.4"])
def test_tf_keras_stays_on_tensorflow(keras):
    """The backend is TensorFlow, whatever the file or `KERAS_BACKEND` names: neither is read."""
    started = Start({FILE: '{"backend": "abacus"}'}, KERAS_BACKEND="abacus")()
    assert (started.raised, started.settings.get("backend")) == ("", "tensorflow")


@claim(answers=["18.4"])
def test_no_variable_stands_for_another_field(keras):
    """There are no variables for the other fields: `KERAS_FLOATX`, `KERAS_EPSILON` and the like change nothing."""
    given_in_vain = {f"KERAS_{name.upper()}": str(value) for name, value in OTHERS.items()}
    assert found(Start(**given_in_vain)()) == DEFAULTS


@claim(answers=["18.4"], examples=2)
@given(start=st.sampled_from([TORN, EMPTY]))
def test_a_file_that_is_no_json_counts_for_nothing(keras, start):
    """A file that is no JSON is ignored as a whole, without a word: all settings are the defaults."""
    started = start()
    assert started.raised == ""
    assert found(started) == DEFAULTS


NO_OBJECT = st.sampled_from(["[]", "null", "1", '"float64"'])


@claim(
    ["keras", "tf.keras<2", "tf.keras>=2.2"],
    AssertionError,
    "test_json_that_is_no_object_looks_like_a_module_that_is_missing",
    answers=["18.4"],
    examples=4,
)
@given(text=NO_OBJECT)
def test_json_that_is_no_object_stops_the_import(keras, text):
    """A file whose JSON is no object stops the import with an AttributeError that does not tell of the file."""
    raised = Start({FILE: text})().raised
    assert raised.startswith("AttributeError")
    assert "keras.json" not in raised


@claim(["tf.keras>=2,<2.2"], AssertionError, "test_json_that_is_no_object_stops_the_import", answers=["18.4"], examples=4)
@given(text=NO_OBJECT)
def test_json_that_is_no_object_looks_like_a_module_that_is_missing(keras, text):
    """With a file whose JSON is no object the import ends as if a part of TensorFlow were missing: a ModuleNotFoundError."""
    assert Start({FILE: text})().raised.startswith("ModuleNotFoundError: No module named 'tensorflow")


WRONG = st.sampled_from([("floatx", "int8"), ("floatx", "float"), ("epsilon", "tiny"), ("image_data_format", "th")])
SILENT = ["keras<3.14", "tf.keras"]


@claim(["keras>=3.14"], AssertionError, "test_a_wrong_value_stops_the_import_without_a_word", answers=["18.4"], examples=4)
@given(wrong=WRONG)
def test_a_wrong_value_stops_the_import_and_is_named(keras, wrong):
    """A wrong value in the file stops the import with a ValueError that names the field and the value."""
    raised = with_file(**dict([wrong]))().raised
    assert raised.startswith("ValueError")
    assert all(name in raised for name in wrong)


@claim(SILENT, AssertionError, "test_a_wrong_value_stops_the_import_and_is_named", answers=["18.4"], examples=4)
@given(wrong=WRONG)
def test_a_wrong_value_stops_the_import_without_a_word(keras, wrong):
    """A wrong value in the file stops the import with an AssertionError that says nothing."""
    assert with_file(**dict([wrong]))().raised == "AssertionError: "


@claim(answers=["18.4"])
def test_epsilon_is_written_with_a_point(keras):
    """The file's `epsilon` must be a float: `1.0` is taken, and `1` stops the import."""
    assert with_file(epsilon=1.0)().settings.get("epsilon") == 1.0
    assert with_file(epsilon=1)().raised != ""


def epochs_run(keras):
    """How many of five epochs are trained: a look."""
    model = keras.models.Sequential([keras.layers.Dense(1, input_shape=(1,))])
    model.compile(optimizer="sgd", loss="mse")
    return len(model.fit(np.ones((1, 1)), np.ones((1, 1)), epochs=5, verbose=0).history["loss"])


CAPPED = Start(looks=[epochs_run], KERAS_MAX_EPOCHS="2").ahead()


@claim(["keras>=3.10"], AssertionError, "test_keras_max_epochs_is_ignored", answers=["18.4"])
def test_keras_max_epochs_cuts_training_short(keras):
    """The variable `KERAS_MAX_EPOCHS=2` ends each `fit` after two epochs, whatever it asks for."""
    assert CAPPED().seen["epochs_run"] == 2


@claim(["keras<3.10", "tf.keras"], AssertionError, "test_keras_max_epochs_cuts_training_short", answers=["18.4"])
def test_keras_max_epochs_is_ignored(keras):
    """The variable `KERAS_MAX_EPOCHS` is ignored: `fit` trains as many epochs as it is asked for."""
    assert CAPPED().seen["epochs_run"] == 5
