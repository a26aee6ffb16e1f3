"""What all ways out share: what goes next, how a sink is waited for, what became of it."""
