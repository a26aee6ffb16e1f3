"""The command: `sidelight`."""
