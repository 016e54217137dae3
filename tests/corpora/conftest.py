from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from textdd.corpora.corpus import Corpus, load_corpus
from textdd.corpora.demo import DemoConfig
from textdd.corpora.sources import DatasetConfig


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Corpus]:
    """Load a corpus with a cache of its own; keyword arguments are those of DatasetConfig."""

    def load(data_dir: Path | None = None, seed: int = 0, **config: Any) -> Corpus:
        return load_corpus(
            DatasetConfig(**{"name": "local", **config}),
            None if data_dir is None else str(data_dir),
            tmp_path / "cache",
            seed,
        )

    return load


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """A small demo corpus: 3 topics, 600 + 200 texts."""
    config = DemoConfig(topics=3, themes=1, train=600, test=200, words=600)
    return load_corpus(DatasetConfig(demo=config), None, tmp_path_factory.mktemp("cache"), seed=0)
