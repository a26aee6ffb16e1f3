"""Who may look: tokens, sessions, and what a browser may do."""
