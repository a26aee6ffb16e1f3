"""Folds the log into the store."""
