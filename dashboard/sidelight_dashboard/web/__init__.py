"""The frame of all pages: templates, scripts, styles."""
