"""Rows of exchanges, out of the log, as people may see them."""
