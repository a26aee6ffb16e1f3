"""How well a classifier does, estimated without labels from the probabilities it gives."""
