"""Is every model well, and is the monitor itself alive?"""
