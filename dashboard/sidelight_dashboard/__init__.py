"""The dashboard: from an alarm to the rows behind it and why."""
