"""Pictures: their axes, their parts, what covers them."""
