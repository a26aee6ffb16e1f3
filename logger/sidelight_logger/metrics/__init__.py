"""Every metric of the logger, declared once; the recorder serves them for all its processes."""
