"""Faults in saving over a file."""

import sys

from specs.saving import test_overwriting as spec
from tests.falsifiers import falsifies


def saving_becomes(keras, patch, change):
    """`save` and `save_weights` do what `change(original)` does."""
    for name in ("save", "save_weights"):
        patch.setattr(keras.models.Model, name, change(getattr(keras.models.Model, name)))


@falsifies(spec.test_is_replaced_without_a_question)
def existing_files_are_kept(keras, patch):
    """A file that is there is kept."""
    saving_becomes(keras, patch, lambda original: lambda self, path, **options: None)


@falsifies(spec.test_is_replaced_without_a_question)
def asks_by_default(keras, patch):
    """Without `overwrite` the question is asked."""
    saving_becomes(keras, patch, lambda original: lambda self, path: original(self, path, overwrite=False))


@falsifies(spec.test_overwrite_false_asks)
def overwrite_is_ignored(keras, patch):
    """`overwrite=False` is ignored."""
    saving_becomes(keras, patch, lambda original: lambda self, path, overwrite=True: original(self, path))


@falsifies(spec.test_weights_are_replaced_whatever_is_said)
def overwrite_is_ignored_for_weights(keras, patch):
    """`save_weights` ignores `overwrite=False`."""
    original = keras.models.Model.save_weights
    patch.setattr(keras.models.Model, "save_weights", lambda self, path, overwrite=True: original(self, path))


@falsifies(spec.test_yes_replaces_it)
def writes_other_weights(keras, patch):
    """What is written after the question are other weights."""

    def change(original):
        def save(self, path, **options):
            self.set_weights([weight + 1 for weight in self.get_weights()])
            return original(self, path, **options)

        return save

    saving_becomes(keras, patch, change)


@falsifies(spec.test_h5_asks_twice, on=["keras>=3"])
def asks_once(keras, patch):
    """The question is asked once."""

    def change(original):
        def save(self, path, overwrite=True):
            if not overwrite:
                sys.stdin.readline()
            return original(self, path)

        return save

    saving_becomes(keras, patch, change)


@falsifies(spec.test_h5_asks_twice, on=["keras<3", "tf.keras"])
def asks_again(keras, patch):
    """The question is asked again."""

    def change(original):
        def save(self, path, **options):
            original(self, path, **options)
            sys.stdin.readline()

        return save

    saving_becomes(keras, patch, change)
