"""Decisions compared between groups of people, with and without knowing what came true."""
