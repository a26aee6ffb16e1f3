"""Which columns changed, by how much, and since when."""
