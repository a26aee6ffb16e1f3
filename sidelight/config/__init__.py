"""One configuration file for every service: settings, where each value came from, clear errors."""
