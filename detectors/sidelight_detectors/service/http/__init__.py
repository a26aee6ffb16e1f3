"""Scoring on request: CloudEvents and V2 inference, answered at once and remembered nowhere."""
