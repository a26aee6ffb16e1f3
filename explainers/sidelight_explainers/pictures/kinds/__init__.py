"""What is shown of an explanation, by kind of content; a module a kind."""
