"""Measures beside the test: how far a window's columns are from the reference, with bounds."""
