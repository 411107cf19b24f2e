"""A Keras that can do nothing but be imported, in the version that MINIATURE_KERAS names.

Instead of a version: `absent` is not there, nor is any other Keras; `broken` needs a backend that is not installed.
"""

import os

from keras import backend, models  # noqa: F401  read as keras.backend, keras.models

__version__ = os.environ["MINIATURE_KERAS"]

if __version__ == "absent":
    raise ModuleNotFoundError("No module named 'keras'", name="keras")
if __version__ == "broken":
    raise ModuleNotFoundError("No module named 'plaidml'", name="plaidml")
