"""Opens the engine that a log address names."""
