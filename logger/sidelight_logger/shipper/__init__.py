"""The shippers: carry what was recorded to the log and to a sink, in order, at least once."""
