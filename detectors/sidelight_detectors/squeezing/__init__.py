"""Feature squeezing: rows whose answer does not stand when they lose detail."""
