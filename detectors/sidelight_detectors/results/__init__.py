"""What the detectors say: values, their events, and how to read them back."""
