"""Tells others of alarms."""
