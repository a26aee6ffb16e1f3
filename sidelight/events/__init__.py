"""CloudEvents: exchanges, results, alarms, and the peers forms of them."""
