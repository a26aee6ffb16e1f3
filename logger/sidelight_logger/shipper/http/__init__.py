"""A way out to an HTTP address: posts over a few connections."""
