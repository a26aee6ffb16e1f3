"""Names, values and numbers as people read them."""
