"""Many rows, asked about in few questions: what global methods share."""
