"""Falsifiers of the claims under `specs/saving`."""
