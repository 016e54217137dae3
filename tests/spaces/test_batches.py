"""Batches: every example once an epoch, and the same outer batches after a resume."""

from __future__ import annotations

import numpy as np
import pytest
import pytorch_lightning as pl
import torch

from tests.conftest import STILL
from textdd.outer.batches import OuterBatches
from textdd.spaces.batches import EpochBatches, ReadingModule
from textdd.spaces.reading import Reader
from textdd.students import make_student
from textdd.students.fasttext import FastTextConfig


def module(demo, size, seed=0):
    train, validation, _ = demo
    return ReadingModule(train, validation, Reader(train.space, make_student(FastTextConfig(), 4, 3)), size, seed)


def same(one, other) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one[:3], other[:3], strict=True))


def texts(batches) -> list[tuple[int, ...]]:
    """Every text of some batches as its token numbers, in order of appearance."""
    return [tuple(ids[mask].tolist()) for batch in batches for ids, mask in zip(batch.ids, batch.mask, strict=True)]


def test_an_epoch_has_every_example_once_in_a_new_order(demo):
    train, _, _ = demo
    loader = module(demo, 64).train_dataloader()
    first, second = list(loader), list(loader)
    assert len(first) == len(loader) == -(-len(train) // 64)
    expected = texts([train.batch(np.arange(len(train)))])
    for epoch in (first, second):
        assert sorted(texts(epoch)) == sorted(expected)
    assert not same(first[0], second[0])
    again = module(demo, 64).train_dataloader()
    assert all(same(a, b) for a, b in zip(first, again, strict=True))
    assert not same(first[0], next(iter(module(demo, 64, seed=1).train_dataloader())))


def test_validation_is_read_in_order(demo):
    loader = module(demo, 50).val_dataloader()
    assert torch.cat([batch.labels for batch in loader]).tolist() == demo[1].labels.tolist()


def test_a_resumed_run_sees_the_batches_it_would_have_seen(demo):
    whole = list(OuterBatches(demo[0], 32, total=6, seed=0))
    rest = list(OuterBatches(demo[0], 32, total=6, seed=0, first=4))
    assert len(whole) == len(OuterBatches(demo[0], 32, total=6, seed=0)) == 6
    assert len(rest) == 2
    assert all(same(a, b) for a, b in zip(whole[4:], rest, strict=True))
    assert not same(whole[0], whole[1])
    assert not same(whole[0], next(iter(OuterBatches(demo[0], 32, total=6, seed=1))))
    assert not same(whole[0], next(iter(OuterBatches(demo[0], 32, total=6, seed=0, rank=1))))


def test_no_example_occurs_twice_in_an_outer_batch(demo):
    (batch,) = OuterBatches(demo[1], 10**6, total=1, seed=0)
    assert len(batch.labels) == len(demo[1])
    assert sorted(batch.labels.tolist()) == sorted(demo[1].labels.tolist())


def test_a_sample_is_always_the_same(demo):
    sample = demo[1].sample(30)
    assert len(sample) == len(set(sample.rows)) == 30
    assert set(sample.rows) < set(demo[1].rows)
    assert (sample.rows == demo[1].sample(30).rows).all()
    assert sample.text(0)
    assert len(demo[1].sample(10**6)) == len(demo[1])


@pytest.mark.filterwarnings(
    "ignore:.*does not have many workers",  # batches come ready-made
    "ignore:Your `IterableDataset` has `__len__` defined",  # and there are no workers
    "ignore:.*LeafSpec.*is deprecated:FutureWarning",  # Lightning 2.6.6 with torch 2.13
)
def test_lightning_trains_on_it(demo, tmp_path):
    class Counter(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(4, 3)
            self.seen = {"train": 0, "val": 0}

        def training_step(self, batch):
            self.seen["train"] += len(batch.labels)
            return torch.nn.functional.cross_entropy(self.linear(batch.x.mean(1)), batch.labels)

        def validation_step(self, batch):
            self.seen["val"] += len(batch.labels)

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=1e-6)

    trainer = pl.Trainer(
        max_epochs=1,
        enable_checkpointing=False,
        **STILL,
        default_root_dir=tmp_path,
    )
    counter = Counter()
    trainer.fit(counter, datamodule=module(demo, 100))
    assert counter.seen == {"train": len(demo[0]), "val": len(demo[1])}


def test_epochs_without_a_generator_keep_the_order(demo):
    batches = list(EpochBatches(demo[2], 64))
    assert len(batches) == len(EpochBatches(demo[2], 64)) == 4
    assert torch.cat([batch.labels for batch in batches]).tolist() == demo[2].labels.tolist()
