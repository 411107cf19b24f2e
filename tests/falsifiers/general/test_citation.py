"""Faults for: How should I cite Keras?"""

from email.message import Message

from fixtures import citation
from specs.general import test_citation as spec
from tests.falsifiers import falsifies


def says(patch, **changes):
    """The package's metadata has these values; where they are None, no such fields."""
    original = citation.metadata
    names = {name.replace("_", "-") for name in changes}

    def metadata(name):
        said = Message()
        for field, value in original(name).items():
            if field not in names:
                said[field] = value
        for field, value in changes.items():
            if value is not None:
                said[field.replace("_", "-")] = value
        return said

    patch.setattr(citation, "metadata", metadata)


@falsifies(spec.test_the_title_is_the_name_of_the_package, on=["keras", "tf.keras>=2.6,<2.16"])
def has_another_name(keras, patch):
    """The package is called differently."""
    says(patch, Name="keras-nightly")


@falsifies(spec.test_the_package_is_another, on=["keras", "tf.keras>=2.6,<2.16"])
@falsifies(spec.test_the_package_names_google, on=["keras", "tf.keras>=2.7"])
def is_tensorflow_s(keras, patch):
    """The package is TensorFlow's."""
    elsewhere = {"Home_page": "https://www.tensorflow.org/", "Download_URL": None, "Project_URL": None}
    says(patch, Name="tensorflow", Author="Google Inc.", **elsewhere)


@falsifies(spec.test_the_package_is_another, spec.test_the_repository_has_moved, on=["tf.keras<2.6", "tf.keras>=2.16"])
@falsifies(spec.test_the_title_is_the_name_of_the_package, on=["tf.keras<2.6", "tf.keras>=2.16"])
def is_keras_s(keras, patch):
    """The package is Keras's own."""
    says(patch, Name="keras", Home_page="https://github.com/keras-team/keras")


@falsifies(spec.test_the_author_is_the_package_s, spec.test_the_package_names_the_keras_team, on=["keras<3"])
@falsifies(spec.test_the_package_names_google, on=["tf.keras<2.7"])
def is_a_team_s(keras, patch):
    """The package names the Keras team as its author."""
    says(patch, Author="Keras team", Author_email=None)


@falsifies(spec.test_the_author_is_the_package_s, spec.test_the_package_names_the_keras_team, on=["keras>=3", "tf.keras>=2.7"])
def is_one_author_s(keras, patch):
    """The package names one author."""
    says(patch, Author="Francois Chollet", Author_email=None)


@falsifies(spec.test_the_url_is_the_package_s)
def points_to_the_first_repository(keras, patch):
    """The package points to the repository's first address."""
    says(patch, Home_page="https://github.com/fchollet/keras")


@falsifies(spec.test_the_repository_has_moved, on=["keras", "tf.keras>=2.6,<2.16"])
def points_to_no_repository(keras, patch):
    """The package points to its documentation only."""
    says(patch, Home_page="https://keras.io/", Download_URL=None, Project_URL=None)


@falsifies(spec.test_an_entry_is_made_of_the_metadata)
def has_another_version(keras, patch):
    """The package's version is not that of the module."""
    says(patch, Version="0.1")
