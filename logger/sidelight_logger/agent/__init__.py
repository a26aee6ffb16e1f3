"""What KServe tells its agent, and what it means for the logger."""
