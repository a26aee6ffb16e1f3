"""Counterfactual flips: decisions that change with a protected attribute alone."""
