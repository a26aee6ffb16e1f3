"""One row: what was asked, what was answered, who flagged it."""
