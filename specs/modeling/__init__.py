"""Layers and models: state, freezing, intermediate outputs."""
