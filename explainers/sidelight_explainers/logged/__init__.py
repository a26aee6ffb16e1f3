"""Rows that clients sent, from the log."""
