"""Who plays: the parts of a row that may be there or not, and the rows that come of it."""
