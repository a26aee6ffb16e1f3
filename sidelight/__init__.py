"""The shared ground of Sidelight: tensors, protocols, events, the log, configuration, the command."""

__version__ = "0.1.0"
