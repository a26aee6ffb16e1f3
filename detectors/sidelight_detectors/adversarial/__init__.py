"""Attacks that show across queries: many that differ a little, close to each other."""
