"""What is here is run by tests, in projects of its own."""

collect_ignore_glob = ["*"]
