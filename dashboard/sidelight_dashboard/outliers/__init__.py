"""Strange rows: how many, and which."""
