"""When evidence becomes an alarm, and when an alarm is over."""
