"""The web page over results and alarms."""
