"""From outcomes to the verified FAQ: the recorder, results files and pages."""
