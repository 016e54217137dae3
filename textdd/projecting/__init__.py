"""Projecting: matrices turned into texts, by the nearest words or by words that are looked for with a gradient."""
