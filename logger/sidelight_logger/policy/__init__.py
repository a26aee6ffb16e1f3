"""What is kept of an exchange: of the proxy, of middleware, of other loggers."""
