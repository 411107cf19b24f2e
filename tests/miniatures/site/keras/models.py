"""As much of Keras's models as the suite itself asks for."""


class Model:
    """A model that trains eagerly, as all do since TensorFlow 2."""

    def train_step(self):
        """Do nothing."""
