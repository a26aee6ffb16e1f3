"""Searches for adversarial examples, as sequences of queries."""
