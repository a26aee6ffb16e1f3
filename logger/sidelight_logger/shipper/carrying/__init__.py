"""What all ways out share: which record goes next, how long a sink is waited for, what became of it."""
