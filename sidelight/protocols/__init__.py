"""Protocol codecs: wire bytes to named columns and back."""
