"""Ways to ask a model: over HTTP, or in this process."""
