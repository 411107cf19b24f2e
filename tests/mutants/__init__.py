"""Faults in the source of Keras that the claims are to notice: some were thought of, some are drawn."""
