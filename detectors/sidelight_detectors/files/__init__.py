"""The same detectors on a file of rows."""
