"""Explanations of rows, asked for and kept."""
