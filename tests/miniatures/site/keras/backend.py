"""Says that the backend is TensorFlow, and gives the usual configuration."""


def backend():
    """The backend's name."""
    return "tensorflow"


def floatx():
    """The usual float type."""
    return "float32"


def epsilon():
    """The usual fuzz factor."""
    return 1e-7


def image_data_format():
    """The usual order of axes."""
    return "channels_last"
