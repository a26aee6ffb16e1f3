"""Explainers of alibi, by the extra of that name, each explanation in a process of its own."""
