"""Keras as a whole: devices, reproducibility, configuration."""
