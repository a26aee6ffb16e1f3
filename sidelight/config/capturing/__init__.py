"""Settings of what is captured, what is kept of it, and where it goes."""
