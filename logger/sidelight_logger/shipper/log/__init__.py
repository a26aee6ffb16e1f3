"""A way out to another log: records appended to a topic."""
