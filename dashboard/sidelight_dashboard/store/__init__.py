"""What the dashboard remembers: `series.db`, which can be built again, `kept.db`, and in memory."""
