"""Strange rows: methods that score them, and what makes a score a p-value."""
