"""A TensorFlow without a tf.keras of its own, or none where MINIATURE_KERAS is `absent`."""

import os

__version__ = "2.99.0"

if os.environ["MINIATURE_KERAS"] == "absent":
    raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")


def executing_eagerly():
    """As TensorFlow 2 does."""
    return True


class config:
    """On a machine without a GPU."""

    class experimental:
        """Where TensorFlow 2.0 has it."""

        @staticmethod
        def list_physical_devices(kind):
            """None."""
            return []
