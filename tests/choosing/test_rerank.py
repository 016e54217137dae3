"""Trying swaps by training: a frozen body reads every candidate once, and what is trained is the same."""

import numpy as np
import pandas as pd
import pytest
import torch

from tests.tiny import bert_of_pieces
from textdd.choosing.judging import Judge, Texts
from textdd.choosing.rerank import SHARE, Rerank, rounds_for
from textdd.choosing.search import Search
from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.prepare import prepare
from textdd.sets.training_set import TrainingSet
from textdd.training import Recipe

WORDS = ["unlikely", "plays", "playing", "dogs", "cat", "rains"]


@pytest.fixture
def headed(tmp_path):
    """A problem whose student is a head on a frozen BERT."""
    pytest.importorskip("transformers", reason="needs transformers")
    path, generator = bert_of_pieces(tmp_path / "bert"), np.random.default_rng(0)
    texts = [" ".join(generator.choice(WORDS, 1 + i % 7)) for i in range(120)]
    pd.DataFrame({"text": texts, "label": np.arange(120) % 2}).to_csv(tmp_path / "texts.csv", index=False)
    register()
    words = ["dataset=local", f"dataset.path={tmp_path}/texts.csv", f"cache_dir={tmp_path}/cache", "per_class=2"]
    return prepare(to_run(compose_config("config", [*words, "model=pretrained", f"model.path={path}"])))


def test_what_a_frozen_body_read_once_trains_the_same_students(headed):
    split = headed.corpus.train
    texts, targets = split.texts(np.arange(40)), torch.from_numpy(split.targets[:40])
    features = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
    known = Texts((features / features.norm(dim=1, keepdim=True),), targets)
    search = Search(Judge(headed.task, (1.0,)), known, targets, known, known, 0, 10, 10, 4, 10)
    rerank, reader = Rerank(search, headed, texts, Recipe("adam", 5, 2, "shuffled", 0.01)), headed.reader()
    sets = [[0, 1, 2, 3], [0, 1, 2, 5], [4, 1, 2, 3]]
    asked = headed.validation
    found = rerank.losses(sets, asked, reader, "test")
    assert sorted(rerank.vectors) == [0, 1, 2, 3, 4, 5]

    def read(picks, reader):
        batch = reader.embed(headed.space.tokens([texts[row] for row in picks]))
        return TrainingSet(batch.x, headed.task.as_labels(targets[picks]).to(batch.x), batch.mask, 0)

    rerank.read = read
    assert rerank.losses(sets, asked, reader, "test") == pytest.approx(found, rel=1e-4)
    assert len({round(loss, 6) for loss in found}) == 3


def test_rounds_are_paid_for_with_the_search_of_their_swaps(headed):
    short, long = (Recipe("adam", steps, 2, "shuffled", 0.01) for steps in (5, 500))
    free, dear = rounds_for(headed, short, 1, searching=0), rounds_for(headed, short, 1, searching=0.01)
    assert free > dear
    assert dear == pytest.approx(SHARE / (SHARE / (free + 0.5) + 0.01), abs=1)
    assert rounds_for(headed, long, 1, searching=0) < free / 10
    assert rounds_for(headed, short, 2, searching=0.01) == pytest.approx(2 * dear, abs=1)
    assert rounds_for(headed, short, 0, searching=0.01) == 0
