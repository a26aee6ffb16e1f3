"""A way out to an OpenTelemetry collector: each exchange as a span."""
