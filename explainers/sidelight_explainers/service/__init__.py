"""The explain service: KServe's `:explain` and its V2 sibling over HTTP."""
