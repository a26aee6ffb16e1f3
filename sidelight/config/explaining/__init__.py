"""The settings of explainers: a module a method."""
