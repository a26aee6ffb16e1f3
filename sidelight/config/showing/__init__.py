"""Settings of the dashboard."""
