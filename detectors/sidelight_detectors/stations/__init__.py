"""Detectors that have a consumer group of their own: they ask, keep an order, or are slow."""
