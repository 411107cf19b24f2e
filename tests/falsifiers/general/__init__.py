"""Falsifiers of the claims under `specs/general`."""
