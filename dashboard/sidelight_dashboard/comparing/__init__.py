"""Slots of a stretch of time, summed, beside their references."""
