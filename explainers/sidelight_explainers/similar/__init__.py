"""Reference rows that are like the explained one."""
