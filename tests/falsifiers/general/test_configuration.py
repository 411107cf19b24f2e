"""Faults for: Where is the Keras configuration file stored?"""

import json
import os

from fixtures import configuration
from specs.general import test_configuration as spec
from tests.falsifiers import falsifies
from tests.falsifiers.general import start_faults as faults

SILENT = spec.SILENT
NAMING = ["keras>=3.14"]


@falsifies(
    spec.test_importing_keras_makes_the_file,
    spec.test_keras_home_takes_the_place_of_the_folder,
    spec.test_keras_home_does_not_know_the_tilde,
    in_interpreter=True,
)
@falsifies(spec.test_falls_back_to_tmp, on=["keras"], in_interpreter=True)
def makes_no_folder(import_keras, patch):
    """The folder is not made."""
    faults.before(patch, lambda: patch.setattr(os, "makedirs", lambda path, *args, **options: None))


@falsifies(spec.test_is_in_the_user_profile_on_windows, in_interpreter=True)
def forgets_the_profile(import_keras, patch):
    """`USERPROFILE` is not read."""
    faults.without_variable(patch, "USERPROFILE")


@falsifies(spec.test_the_new_file_states_the_defaults, in_interpreter=True)
def writes_another_epsilon(import_keras, patch):
    """The new file has an epsilon that is ten times smaller."""
    faults.writes(patch, lambda content: {**content, "epsilon": 1e-08})


@falsifies(spec.test_the_new_file_states_the_defaults, in_interpreter=True)
def writes_no_backend(import_keras, patch):
    """The new file names no backend."""
    faults.writes(patch, lambda content: faults.without(content, "backend"))


@falsifies(spec.test_the_new_file_names_tensorflow_whatever_is_used, in_interpreter=True)
def writes_the_variable_down(import_keras, patch):
    """The new file names the backend of `KERAS_BACKEND`."""
    faults.writes(patch, lambda content: {**content, "backend": os.environ["KERAS_BACKEND"]})


@falsifies(spec.test_a_file_that_is_there_is_never_written, in_interpreter=True)
def completes_the_file(import_keras, patch):
    """What is in force is written to the file, whether there was one or not."""

    def write(keras):
        with open(faults.file(), "w") as file:
            json.dump({"epsilon": keras.backend.epsilon(), "floatx": keras.backend.floatx()}, file)

    faults.after(patch, write)


@falsifies(spec.test_falls_back_to_tmp, spec.test_tf_keras_has_no_fallback, on=["keras"], in_interpreter=True)
def takes_any_home_for_writable(import_keras, patch):
    """Any home counts as one that can be written to."""
    faults.before(patch, lambda: patch.setattr(os, "access", lambda path, mode: True))


@falsifies(spec.test_falls_back_to_tmp, spec.test_tf_keras_has_no_fallback, on=["tf.keras"], in_interpreter=True)
def falls_back(import_keras, patch):
    """Where the home cannot be written to, /tmp is taken."""

    def act():
        if not os.access(os.environ["HOME"], os.W_OK):
            os.environ["KERAS_HOME"] = "/tmp/.keras"

    faults.before(patch, act)


@falsifies(spec.test_goes_without_a_file_where_the_folder_cannot_be_made, in_interpreter=True)
def falls_back_from_a_file(import_keras, patch):
    """Where `.keras` is no folder, /tmp is taken."""

    def act():
        if os.path.isfile(os.path.dirname(faults.file())):
            os.environ["KERAS_HOME"] = "/tmp/.keras"

    faults.before(patch, act)


@falsifies(
    spec.test_keras_home_takes_the_place_of_the_folder,
    spec.test_keras_home_does_not_know_the_tilde,
    spec.test_an_empty_keras_home_is_the_working_directory,
    spec.test_a_project_carries_its_configuration,
    in_interpreter=True,
)
def forgets_keras_home(import_keras, patch):
    """`KERAS_HOME` is not read."""
    faults.without_variable(patch, "KERAS_HOME")


@falsifies(spec.test_keras_home_does_not_know_the_tilde, in_interpreter=True)
def knows_the_tilde(import_keras, patch):
    """A `~` in `KERAS_HOME` is the home."""

    def act():
        if "KERAS_HOME" in os.environ:
            os.environ["KERAS_HOME"] = os.path.expanduser(os.environ["KERAS_HOME"])

    faults.before(patch, act)


@falsifies(spec.test_every_field_is_read, in_interpreter=True)
def forgets_epsilon(import_keras, patch):
    """The file's epsilon is not read."""
    faults.reads(patch, lambda content: faults.without(content, "epsilon"))


@falsifies(spec.test_every_field_is_read, in_interpreter=True)
def forgets_floatx(import_keras, patch):
    """The file's `floatx` is not read."""
    faults.reads(patch, lambda content: faults.without(content, "floatx"))


@falsifies(spec.test_every_field_is_read, in_interpreter=True)
def forgets_image_data_format(import_keras, patch):
    """The file's `image_data_format` is not read."""
    faults.reads(patch, lambda content: faults.without(content, "image_data_format"))


@falsifies(spec.test_a_missing_field_has_its_default, in_interpreter=True)
def takes_float16_for_missing(import_keras, patch):
    """A `floatx` that is missing in the file is float16."""
    faults.reads(patch, lambda content: {"floatx": "float16", **content})


@falsifies(
    spec.test_the_backend_is_the_one_in_the_file,
    spec.test_an_empty_keras_backend_leaves_it_to_the_file,
    on=["keras"],
    in_interpreter=True,
)
def forgets_the_backend(import_keras, patch):
    """The file's backend is not read."""
    faults.reads(patch, lambda content: faults.without(content, "backend"))


@falsifies(spec.test_keras_backend_wins_over_the_file, on=["keras"], in_interpreter=True)
def forgets_keras_backend(import_keras, patch):
    """`KERAS_BACKEND` is not read."""
    faults.without_variable(patch, "KERAS_BACKEND")


@falsifies(spec.test_the_backend_is_the_one_in_the_file, on=["tf.keras"], in_interpreter=True)
@falsifies(spec.test_keras_backend_wins_over_the_file, on=["tf.keras"], in_interpreter=True)
@falsifies(spec.test_an_empty_keras_backend_leaves_it_to_the_file, on=["tf.keras"], in_interpreter=True)
@falsifies(spec.test_tf_keras_stays_on_tensorflow, on=["tf.keras"], in_interpreter=True)
def refuses_other_backends(import_keras, patch):
    """Any other backend than TensorFlow is refused."""
    faults.obey_backend(patch)


@falsifies(spec.test_tf_keras_stays_on_tensorflow, on=["keras"], in_interpreter=True)
def is_tensorflow(import_keras, patch):
    """There is one backend, which is called TensorFlow."""
    faults.ignore_backend(patch, lambda named: "tensorflow")


@falsifies(spec.test_the_backend_is_tensorflow_if_none_is_named, in_interpreter=True)
def is_the_abacus(import_keras, patch):
    """Where no backend is named it is one that nobody asked for."""
    faults.ignore_backend(patch, lambda named: named or "abacus")


@falsifies(spec.test_no_variable_stands_for_another_field, in_interpreter=True)
def obeys_keras_floatx(import_keras, patch):
    """`KERAS_FLOATX` is read."""
    faults.after(patch, lambda keras: keras.backend.set_floatx(os.environ["KERAS_FLOATX"]))


@falsifies(spec.test_a_file_that_is_no_json_counts_for_nothing, in_interpreter=True)
def stops_at_a_broken_file(import_keras, patch):
    """A file that is no JSON stops the import."""
    original = json.load

    def load(file):
        try:
            return original(file)
        except ValueError as error:
            raise RuntimeError(f"{file.name}: {error}") from error

    patch.setattr(json, "load", load)


@falsifies(spec.test_json_that_is_no_object_stops_the_import, on=["keras", "tf.keras<2", "tf.keras>=2.2"], in_interpreter=True)
@falsifies(spec.test_json_that_is_no_object_looks_like_a_module_that_is_missing, on=["tf.keras>=2,<2.2"], in_interpreter=True)
def ignores_json_that_is_no_object(import_keras, patch):
    """A file whose JSON is no object is ignored."""
    faults.reads(patch, lambda content: content if isinstance(content, dict) else {})


@falsifies(spec.test_json_that_is_no_object_stops_the_import, on=["tf.keras>=2,<2.2"], in_interpreter=True)
def tells_what_is_missing(import_keras, patch):
    """What is missing in JSON that is no object is told."""
    turn(patch, ImportError, lambda: AttributeError("this has no fields"))


@falsifies(
    spec.test_json_that_is_no_object_looks_like_a_module_that_is_missing,
    on=["keras", "tf.keras<2", "tf.keras>=2.2"],
    in_interpreter=True,
)
def misses_a_module(import_keras, patch):
    """Where an attribute is missing, a module is said to be."""
    turn(patch, AttributeError, lambda: ModuleNotFoundError("No module named 'tensorflow.python'"))


@falsifies(spec.test_a_wrong_value_stops_the_import_and_is_named, on=NAMING, in_interpreter=True)
@falsifies(spec.test_a_wrong_value_stops_the_import_without_a_word, on=SILENT, in_interpreter=True)
def ignores_wrong_values(import_keras, patch):
    """A wrong value is ignored."""
    faults.reads(patch, lambda content: {})


@falsifies(spec.test_a_wrong_value_stops_the_import_and_is_named, on=NAMING, in_interpreter=True)
@falsifies(spec.test_a_wrong_value_stops_the_import_without_a_word, on=NAMING, in_interpreter=True)
def only_asserts(import_keras, patch):
    """A wrong value stops the import with an AssertionError that says nothing."""
    turn(patch, ValueError, lambda: AssertionError())


@falsifies(spec.test_a_wrong_value_stops_the_import_and_is_named, on=SILENT, in_interpreter=True)
@falsifies(spec.test_a_wrong_value_stops_the_import_without_a_word, on=SILENT, in_interpreter=True)
def names_what_is_wrong(import_keras, patch):
    """A wrong value stops the import with a ValueError that has all of the file in it."""

    def error():
        with open(faults.file()) as file:
            return ValueError(file.read())

    turn(patch, AssertionError, error)


def turn(patch, kind, other):
    """Where the import raises an error of one kind, raise another."""
    original = configuration.bring_in

    def bring_in(import_keras):
        try:
            return original(import_keras)
        except kind:
            raise other() from None

    patch.setattr(configuration, "bring_in", bring_in)


@falsifies(spec.test_epsilon_is_written_with_a_point, in_interpreter=True)
def takes_whole_epsilons(import_keras, patch):
    """An epsilon that is an integer is taken too."""
    faults.reads(patch, lambda content: {**content, "epsilon": float(content["epsilon"])})


@falsifies(
    spec.test_keras_max_epochs_cuts_training_short,
    spec.test_keras_max_epochs_is_ignored,
    on=["keras>=3.10"],
    in_interpreter=True,
)
def forgets_keras_max_epochs(import_keras, patch):
    """`KERAS_MAX_EPOCHS` is not read."""
    faults.without_variable(patch, "KERAS_MAX_EPOCHS")


@falsifies(
    spec.test_keras_max_epochs_cuts_training_short,
    spec.test_keras_max_epochs_is_ignored,
    on=["keras<3.10", "tf.keras"],
    in_interpreter=True,
)
def obeys_keras_max_epochs(import_keras, patch):
    """`KERAS_MAX_EPOCHS` is read."""

    def act(keras):
        original, most = keras.models.Sequential.fit, int(os.environ["KERAS_MAX_EPOCHS"])
        patch.setattr(keras.models.Sequential, "fit", lambda *data, epochs, **options: original(*data, epochs=most, **options))

    faults.after(patch, act)
