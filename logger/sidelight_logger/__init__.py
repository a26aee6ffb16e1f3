"""Capture: the sidecar proxy, the recorder, the shipper."""
