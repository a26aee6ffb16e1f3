"""The forms of a body as documents in which rules are applied, and back."""
