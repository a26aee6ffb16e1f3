"""Explanations that a client does not wait for."""
