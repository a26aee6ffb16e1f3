"""The scoring service: plans, processes, health, metrics."""
