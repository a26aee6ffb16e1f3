"""What a model loses without a feature."""
