"""Distilled sets: matrices in a space or texts, what they are rebuilt from, and the folder that they are kept in."""
