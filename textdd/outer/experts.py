"""Expert trajectories: students trained on the real texts, their parameters stored along the way.

They cost most of what trajectory matching costs and depend on nothing that is distilled, so each is kept in the cache
once trained (the buffers of Cazenavette et al. 2022, section 3.1).
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from textdd.evaluation.cost import Cost
from textdd.locks import claim
from textdd.outer.materials import Materials
from textdd.progress import track
from textdd.record import write_tensors
from textdd.seeds import derive
from textdd.spaces.reading import Reader, Reading
from textdd.training import Portion, Recipe, State, make_optimiser, step


def expert_trajectories(
    recipe: Recipe, pace: int, count: int, materials: Materials, seed: int
) -> tuple[list[Tensor], float]:
    """Train experts, or take those that an earlier run trained from the cache.

    Args:
        recipe: how experts are trained on the real texts.
        pace: training steps from one snapshot to the next; divides the recipe's steps.
        count: how many experts.
        materials: the problem and the cache.
        seed: the run's seed.

    Returns:
        A trajectory (1 + steps / pace, P) for each expert, from its fresh initialisation to its last step; and the
        seconds that their training took, now or then.
    """
    device = materials.make_trainer().strategy.root_device
    reader, train = materials.problem.reader(device), materials.problem.train
    kind = f"{recipe.optimiser}-{recipe.step_size:g}-{recipe.steps}x{recipe.batch}-every-{pace}"
    trajectories, seconds = [], 0.0
    for i in track(range(count), "training experts"):
        path = materials.cache / "experts" / f"{kind}-{i}.safetensors"
        with claim(path, f"training expert {i + 1}") as ours:
            if ours:
                with Cost() as cost:
                    trajectory = train_expert(recipe, pace, train, reader, derive(seed, "expert", i))
                write_tensors(path, {"trajectory": trajectory}, {"seconds": repr(cost.seconds)})
        stored, its_seconds = read_expert(path)
        trajectories.append(stored)
        seconds += its_seconds
    return trajectories, seconds


def train_expert(recipe: Recipe, pace: int, train: Reading, reader: Reader, seed: int) -> Tensor:
    """Train one student on real texts and return its trajectory (1 + steps / pace, P)."""
    optimiser, student = make_optimiser(recipe.optimiser), reader.student
    state = State.fresh(student.fresh(seed, reader.device), optimiser)
    step_size = recipe.for_parts(student.scales).step_sizes()[0].to(reader.device)
    snapshots = [state.theta]
    for rows in recipe.schedule(len(train), seed):
        x, mask, labels = reader(train.batch(rows.numpy()))
        portion = Portion(x, student.task.as_labels(labels).to(x), step_size, mask)
        leaf = state._replace(theta=state.theta.detach().requires_grad_())
        state = step(student, optimiser, leaf, portion, differentiable=False)
        if state.t % pace == 0:
            snapshots.append(state.theta)
    return torch.stack(snapshots)


def read_expert(path: Path) -> tuple[Tensor, float]:
    """Read a trajectory and the seconds it took; the file stays on disk until a snapshot is used (it is mapped)."""
    with safe_open(path, "pt") as file:
        return file.get_tensor("trajectory"), float(file.metadata()["seconds"])
