"""The recorder: takes captures from the proxy, applies policy, appends exchanges to the log."""
