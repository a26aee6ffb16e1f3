"""What the dashboard remembers, in SQLite: `series.db`, which can be built again, and `kept.db`."""
