"""Models whose file is at hand: their Shapley values are read, not asked for."""
