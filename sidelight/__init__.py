"""The shared ground: tensors, protocols, events, the log, configuration, the command."""

__version__ = "0.1.0"
