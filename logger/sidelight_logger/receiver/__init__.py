"""The receiver: events that other loggers post over HTTP go into the log, for the joiner."""
