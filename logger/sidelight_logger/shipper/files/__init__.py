"""A way out to a folder or a bucket: files of one record, or of a batch."""
