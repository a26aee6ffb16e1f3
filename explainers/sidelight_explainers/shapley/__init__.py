"""Shapley values of a game: plans of rows to ask, and what comes of the answers."""
