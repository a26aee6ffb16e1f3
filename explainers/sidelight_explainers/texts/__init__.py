"""Texts: where their words and sentences are, and what stands in for them."""
