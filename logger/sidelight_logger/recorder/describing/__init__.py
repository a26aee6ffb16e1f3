"""From a capture to an exchange: what its heads, its path and its bodies say."""
