"""Alarms: what, since when, how large, which rows."""
