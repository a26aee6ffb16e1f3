"""What is shown of an explanation, by the kind of its content; a module a kind."""
