"""What runs where alibi is: standard library, numpy and alibi only, nothing else of Sidelight."""
