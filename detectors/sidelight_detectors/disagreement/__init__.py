"""Rows whose answer is not that of the reference rows beside them."""
