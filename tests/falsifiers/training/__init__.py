"""Falsifiers of the claims under `specs/training`."""
