"""Drift and outliers in served traffic: reference, scorer, decider."""
