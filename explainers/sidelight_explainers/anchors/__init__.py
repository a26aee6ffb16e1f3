"""Anchors: rules that are enough for a decision, and what proves that they are."""
