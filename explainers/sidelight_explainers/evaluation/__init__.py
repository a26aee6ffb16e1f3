"""How good attributions are, measured by asking the model further questions."""
