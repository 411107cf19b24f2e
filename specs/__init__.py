"""The FAQ: a module per question, a test per claim."""
