"""Folders of distilled sets, as a stranger might hand them on: hashes fit what is in them, and little else does."""

import json
import shutil
from functools import lru_cache
from pathlib import Path

import torch
from safetensors.torch import load, save

from tests.fuzz.mutate import altered, damaged
from textdd import DistilledSet
from textdd.sets.manifest import digest
from textdd.sets.matrices import MatrixSet
from textdd.sets.parametrisations import PARAMETRISATIONS, Source

OLD = Path(__file__).parents[1] / "sets" / "artifact-0.3"
TYPES = (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.uint8, torch.bool, torch.float8_e4m3fn)


@lru_cache
def valid(place):
    """Folders of every kind, made once in a process."""
    shutil.rmtree(place, ignore_errors=True)
    old = {name: DistilledSet.load(OLD / name) for name in ("matrices", "texts")}
    for name, distilled in old.items():
        distilled.save(place / name)
        shutil.copytree(OLD / name, place / f"{name}-0.3")
    matrices = old["matrices"]
    ids = torch.arange(2, 2 + 9 * 6).view(9, 6)
    for kind in ("low_rank", "basis", "mixture"):
        texts = PARAMETRISATIONS[kind].start(Source(matrices.x, ids, matrices.vectors), 2)
        rest = (matrices.text_labels, matrices.step_sizes, matrices.recipe, matrices.words_space, matrices.manifest)
        MatrixSet(texts, *rest).save(place / kind)
    return sorted(path for path in place.iterdir())


def make(folder, seeds, draw):
    """Copy a valid folder and damage a file of it."""
    shutil.copytree(draw.choice(valid(seeds)), folder / "artifact")
    manifest = json.loads((folder / "artifact" / "manifest.json").read_text())
    name = draw.choice(["manifest.json"] * 4 + list(manifest["files"]) * 2)
    path = folder / "artifact" / name
    content = path.read_bytes()
    if draw.random() < 0.15:
        content = damaged(content, draw)
    elif name == "manifest.json":
        content = json.dumps(altered(manifest, draw)).encode()
    elif name.endswith("safetensors"):
        content = save(retensored(load(content), draw))
    elif name == "tokenizer.json":
        content = json.dumps(altered(json.loads(content), draw)).encode()
    else:
        rows = altered([json.loads(line) for line in content.splitlines()], draw)
        content = "\n".join(map(json.dumps, rows if isinstance(rows, list) else [rows])).encode()
    path.write_bytes(content)
    if name != "manifest.json" and draw.random() < 0.95:
        manifest["files"][name] = digest(content)
        (folder / "artifact" / "manifest.json").write_text(json.dumps(manifest))


def retensored(tensors, draw):
    """Tensors of other types, shapes and numbers; one more, or one less."""
    name = draw.choice(sorted(tensors))
    tensor = tensors[name].clone()
    match draw.randrange(9):
        case 0:
            tensor = tensor.to(draw.choice(TYPES))
        case 1:
            tensor = tensor[:-1]
        case 2:
            tensor = draw.choice((tensor.flatten(), tensor.unsqueeze(0), tensor.sum(), tensor.new_zeros(0)))
        case 3 | 4:
            values = (-1, 0, 2, 1e30, 30_000, float("nan"), float("inf")) if tensor.is_floating_point() else (-1, 0, 99)
            tensor.view(-1)[draw.randrange(tensor.numel())] = draw.choice(values)
        case 5:
            tensor = torch.cat([tensor, tensor])
        case 6:
            return {key: value for key, value in tensors.items() if key != name}
        case 7:
            return tensors | {draw.choice(("x", "z", "second", "step_sizes", "text")): tensor}
        case 8:
            tensor = tensor.new_ones((draw.choice((1, 3, 100_000)), *tensor.shape[1:-1], draw.choice((1, 3, 7))))
    return tensors | {name: tensor.contiguous()}


def run(folder):
    """Load the set, use it, keep it."""
    distilled = DistilledSet.load(folder / "artifact")
    y, size = distilled.y, len(distilled)
    assert y.min() >= 0
    assert y.max() <= 1.01
    assert distilled.text_labels.shape[1] == len(distilled.classes) == len(set(distilled.classes))
    distilled.save(folder / "again")
    again = DistilledSet.load(folder / "again")
    assert len(again) == size
    assert torch.equal(again.y, y)
    if distilled.recipe.steps * min(distilled.recipe.batch, size) <= 2000:
        distilled.train(seed=0)(["kiba vabi of words"])
