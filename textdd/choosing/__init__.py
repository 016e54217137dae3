"""Choosing: what the methods share whose sets are texts: candidates, encoders, a student in closed form, swaps."""
