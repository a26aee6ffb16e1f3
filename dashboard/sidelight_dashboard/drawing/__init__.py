"""Figures of charts, and what stands behind lines over time."""
