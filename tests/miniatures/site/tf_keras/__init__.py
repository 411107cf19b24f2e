"""No tf_keras, whatever else is installed."""

raise ModuleNotFoundError("No module named 'tf_keras'", name="tf_keras")
