"""Explanations of served predictions."""
