"""What explanations say, by kind; a module a kind."""
