"""Two real processes (gloo): other draws, averaged gradients, equal sets, resumable pools."""

import pytest
import pytorch_lightning as pl
import torch

from tests.conftest import STILL
from tests.distillers.test_distillers import options, tensors
from textdd.outer.batches import OuterData
from textdd.outer.distil import make_distiller
from textdd.trainer import AtomicCheckpointIO
from textdd.training import ENGINES


class Report(pl.Callback):
    """Write what this process saw and holds."""

    def __init__(self, folder):
        self.folder, self.losses = folder, []

    def on_before_backward(self, trainer, pl_module, loss):
        self.losses.append(loss.item())

    def on_train_end(self, trainer, pl_module):
        held = [tensor.detach().clone() for tensor in tensors(pl_module.synthetic)]
        held += [tensor.clone() for tensor in pl_module.best.mean.parameters()]
        pool = pl_module.pool.state_dict() if pl_module.pool else None
        content = {"held": held, "losses": self.losses, "pool": pool, "checked": pl_module.best_accuracy}
        torch.save(content, self.folder / f"rank{pl_module.global_rank}.pt")


def distil(config, problem, folder, steps, checkpoint=None):
    """Distil in two forked processes; return what each reported."""
    folder.mkdir(exist_ok=True)
    distiller = make_distiller(config, problem)
    trainer = pl.Trainer(
        max_steps=steps,
        max_epochs=-1,
        val_check_interval=config.check_every,
        check_val_every_n_epoch=None,
        devices=2,
        strategy="ddp_fork",
        use_distributed_sampler=False,
        **STILL,
        inference_mode=False,
        callbacks=[Report(folder), pl.callbacks.ModelCheckpoint(folder, "last", save_on_train_epoch_end=False)],
        plugins=[AtomicCheckpointIO()],
    )
    data = OuterData(problem, config.outer_batch, config.outer_steps, config.check_texts)
    trainer.fit(distiller, datamodule=data, ckpt_path=checkpoint, weights_only=True)
    return [torch.load(folder / f"rank{rank}.pt") for rank in range(2)]


def test_processes_draw_apart_and_stay_equal_by_either_engine(problem, tmp_path):
    held = {}
    for engine in ENGINES:
        config = options("meta_gradient", engine=engine, keep_every=3)
        first, second = distil(config, problem, tmp_path / engine, steps=4)
        assert first["losses"] != second["losses"]
        assert all(torch.equal(a, b) for a, b in zip(first["held"], second["held"], strict=True))
        held[engine] = first["held"]
    for recomputed, unrolled in zip(held["recompute"], held["unroll"], strict=True):
        assert torch.allclose(recomputed, unrolled, rtol=0, atol=1e-3)  # Adam makes much of rounding


def test_processes_check_several_labels_together(several_labels, tmp_path):
    """Each has other students, but both choose thresholds, and the best set, by the answers of all."""
    first, second = distil(options("meta_gradient", targets="labels"), several_labels, tmp_path, steps=4)
    assert first["checked"] == second["checked"] > 0
    assert all(torch.equal(a, b) for a, b in zip(first["held"], second["held"], strict=True))


@pytest.mark.parametrize(
    ("name", "changes"), [("meta_gradient", {"truncation": "pool", "window": 2}), ("kernel_ridge", {})]
)
def test_every_process_resumes_its_own_pool(name, changes, problem, tmp_path):
    config = options(name, pool=2, **changes)
    whole = distil(config, problem, tmp_path / "whole", steps=4)
    distil(config, problem, tmp_path / "halves", steps=2)
    resumed = distil(config, problem, tmp_path / "halves", 4, tmp_path / "halves" / "last.ckpt")
    assert not torch.equal(whole[0]["pool"]["vectors"], whole[1]["pool"]["vectors"])
    for expected, got in zip(whole, resumed, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(expected["held"], got["held"], strict=True))
        assert torch.equal(expected["pool"]["vectors"], got["pool"]["vectors"])
        assert expected["losses"][2:] == got["losses"]
