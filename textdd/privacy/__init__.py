"""Differential privacy: what it costs, the noise that pays for it, and what an artefact says and leaves out."""
