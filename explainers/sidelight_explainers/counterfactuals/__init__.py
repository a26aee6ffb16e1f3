"""Counterfactuals: the smallest change of a row for another decision."""
