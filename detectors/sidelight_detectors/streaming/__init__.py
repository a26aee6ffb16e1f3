"""From exchanges to results: runs, panes, windows, alarms, and what survives a crash."""
