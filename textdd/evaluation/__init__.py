"""Evaluation: what a training set is worth, and what it costs."""
