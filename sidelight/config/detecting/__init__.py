"""Settings of the detectors: what a column is, what each detector is asked for."""
