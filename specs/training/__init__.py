"""What `fit` does with data."""
