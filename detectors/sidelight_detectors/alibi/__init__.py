"""Detectors of alibi-detect, by the extra of that name, each in a consumer group of its own."""
