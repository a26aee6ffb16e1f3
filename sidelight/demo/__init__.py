"""The demo: real data, a real model, a change in the world."""
