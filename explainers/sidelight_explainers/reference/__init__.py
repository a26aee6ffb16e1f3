"""The rows that a model is explained by: read, chosen, ordered, compared."""
