"""Expert trajectories: students trained on the real texts, their parameters stored along the way.

They cost most of what trajectory matching costs and depend on nothing that is distilled, so each is kept in the cache
once trained (the buffers of Cazenavette et al. 2022, section 3.1).
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor
from torch.nn import functional as F

from textdd.corpora.corpus import Split
from textdd.evaluation.cost import Cost
from textdd.locks import claim
from textdd.outer.materials import Materials
from textdd.progress import track
from textdd.record import write_tensors
from textdd.seeds import derive
from textdd.spaces.embedded import embed
from textdd.training import Portion, Recipe, State, make_optimiser, step
from textdd.training.student import FlatStudent


def expert_trajectories(
    student: FlatStudent, recipe: Recipe, pace: int, count: int, materials: Materials, seed: int
) -> tuple[list[Tensor], float]:
    """Train experts, or take those that an earlier run trained from the cache.

    Args:
        student: the classifier.
        recipe: how experts are trained on the real texts.
        pace: training steps from one snapshot to the next; divides the recipe's steps.
        count: how many experts.
        materials: the corpus, the word vectors and the cache.
        seed: the run's seed.

    Returns:
        A trajectory (1 + steps / pace, P) for each expert, from its fresh initialisation to its last step; and the
        seconds that their training took, now or then.
    """
    device = materials.make_trainer().strategy.root_device
    table, train = materials.table.to(device), materials.corpus.train
    kind = f"{recipe.optimiser}-{recipe.step_size:g}-{recipe.steps}x{recipe.batch}-every-{pace}"
    trajectories, seconds = [], 0.0
    for i in track(range(count), "training experts"):
        path = materials.cache / "experts" / f"{kind}-{i}.safetensors"
        with claim(path, f"training expert {i + 1}") as ours:
            if ours:
                with Cost() as cost:
                    trajectory = train_expert(student, recipe, pace, train, table, derive(seed, "expert", i))
                write_tensors(path, {"trajectory": trajectory}, {"seconds": repr(cost.seconds)})
        stored, its_seconds = read_expert(path)
        trajectories.append(stored)
        seconds += its_seconds
    return trajectories, seconds


def train_expert(student: FlatStudent, recipe: Recipe, pace: int, split: Split, table: Tensor, seed: int) -> Tensor:
    """Train one student on real texts and return its trajectory (1 + steps / pace, P)."""
    optimiser = make_optimiser(recipe.optimiser)
    state = State.fresh(student.fresh(seed, table.device), optimiser)
    classes, step_size = int(split.labels.max()) + 1, torch.tensor(recipe.step_size, device=table.device)
    snapshots = [state.theta]
    for rows in recipe.schedule(len(split), seed):
        x, mask, labels = embed(table, type(tokens := split.batch(rows.numpy()))(*(t.to(table.device) for t in tokens)))
        portion = Portion(x, F.one_hot(labels, classes).to(x), step_size, mask)
        leaf = state._replace(theta=state.theta.detach().requires_grad_())
        state = step(student, optimiser, leaf, portion, differentiable=False)
        if state.t % pace == 0:
            snapshots.append(state.theta)
    return torch.stack(snapshots)


def read_expert(path: Path) -> tuple[Tensor, float]:
    """Read a trajectory and the seconds it took; the file stays on disk until a snapshot is used (it is mapped)."""
    with safe_open(path, "pt") as file:
        return file.get_tensor("trajectory"), float(file.metadata()["seconds"])
