"""Word vectors: one row of numbers for every word, from a file, from the corpus itself, or random."""

from textdd.spaces.vectors.config import EMBEDDINGS, EmbeddingConfig
from textdd.spaces.vectors.table import WordVectors, load_vectors

__all__ = ["EMBEDDINGS", "EmbeddingConfig", "WordVectors", "load_vectors"]
