"""Drift of a window against the reference, from cell counts alone."""
