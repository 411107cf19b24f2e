"""Falsifiers of the claims under `specs/modeling`."""
