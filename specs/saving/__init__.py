"""Saving models and loading them again."""
