"""A file that tells what the pages tell, of an alarm or of models, and needs nothing beside it."""
