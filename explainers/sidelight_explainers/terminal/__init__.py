"""What `sidelight explain` reads, writes and prints."""
