"""What the manifest of an artefact says, field by field; it may come from a stranger, so nothing is taken on trust."""

from __future__ import annotations

from typing import Any

from textdd.corpora.sources import MOST_TOKENS
from textdd.recorded import rebuilt, within_ranges
from textdd.sets.parametrisations import PARAMETRISATIONS
from textdd.shape import Each, Either, Number, OneOf, Several, Text, Whole, maybe, mismatch
from textdd.students import NETWORKS, STUDENTS
from textdd.tasks import TASKS
from textdd.training import OPTIMISERS
from textdd.training.recipe import ORDERS

FILES = ("distilled.safetensors", "vectors.safetensors", "tokenizer.json")
"""Tensors of the set, and the words that matrices need to be read; the manifest records the hash of each."""

TEXTS = "texts.jsonl"
"""The texts of a set of texts, a line each."""

HOLDINGS = {"matrices": (FILES, FILES[:1]), "texts": ((FILES[0], TEXTS),)}
"""What folders of each kind hold besides the manifest: matrices of a pretrained model's space bring no words."""

MOST_STEPS = 100_000
NAME, STEP_SIZE = Text(1000, 1), Number(0.0, 1e6)
METHOD = {"name": NAME, "inner_batch?": Whole(-1, 1 << 30), "nested?": Several(Whole(1, 1 << 30))}
RECIPE = {
    "optimiser": OneOf(tuple(OPTIMISERS)),
    "steps": Whole(1, MOST_STEPS),
    "batch": Whole(1, 1 << 30),
    "order": OneOf(ORDERS),
    "step_size": Either((STEP_SIZE, Several(STEP_SIZE, 1, 1000))),
}
PRIVACY = {
    "epsilon": Number(0.0, 1e6),
    "delta": Number(0.0, 1.0),
    "noise_multiplier": Number(0.0),
    "clip": Number(0.0),
    "sampling_rate": Number(0.0, 1.0),
    "steps": Whole(1),
    "protected": Text(1000),
    "public": Several(Text(1000), 0, 100),
    "not_counted": Several(Text(1000), 0, 100),
}
SPACE = {"kind": OneOf(("words", "pretrained")), "name": NAME, "sha256": Text(64, 64), "path?": maybe(Text())}
SHAPE = {
    "dataset": NAME,
    "task?": OneOf(tuple(TASKS)),
    "pair?": bool,
    "classes": Several(NAME, 1),
    "per_class": Whole(1, 1 << 30),
    "budget?": maybe(Number(0.0, 1.0)),
    "length": Whole(1, MOST_TOKENS),
    "student": {"name": OneOf(tuple(STUDENTS))},
    "distiller": {**METHOD, "stages?": Several(NAME, 1), "options?": Each(METHOD)},
    "embedding": {"name": NAME},
    "space?": SPACE,
    "corpus?": {"key": Text(), "revision?": maybe(Text()), "options": {"name": NAME}},
    "seed?": Whole(),
    "versions": {"textdd": NAME},
    "metrics": Each(Each(Either((Number(), {"mean": Number(), "std": Number()})))),
    "distilling?": dict,
    "privacy?": PRIVACY,
    "recipe": RECIPE,
    "others?": Several({"student": {"name": OneOf(NETWORKS)}, "recipe": RECIPE}, 1, len(NETWORKS)),
    "files": Each(Text(64, 64)),
}
"""Of every set; sets of each kind have more."""

OF_KIND: dict[str, dict[str, Any]] = {
    "matrices": {
        "pieces": Whole(1, MOST_TOKENS),
        "parametrisation": OneOf(tuple(PARAMETRISATIONS)),
        "attention?": {"weight": Number(0.0, 1e6)},
    },
    "texts": {},
}


def fault(manifest: dict[str, Any]) -> str:
    """What is wrong with a manifest, its field first; an empty string if nothing is."""
    if wrong := mismatch(manifest, {"kind": OneOf(tuple(HOLDINGS))}):
        return wrong
    kind = manifest["kind"]
    if wrong := mismatch(manifest, SHAPE | OF_KIND[kind]):
        return wrong
    files = manifest["files"]
    if set(files) not in map(set, HOLDINGS[kind]):
        allowed = " or ".join(" and ".join(names) for names in HOLDINGS[kind])
        return f"files names {', '.join(files)}; {allowed} are allowed"
    if kind == "matrices" and FILES[1] not in files and manifest.get("space", {}).get("kind") != "pretrained":
        return f"space is no pretrained one, and there is no {FILES[1]}"
    if len(set(manifest["classes"])) < len(manifest["classes"]):
        return "classes holds a name twice"
    method = manifest["distiller"]
    if "stages" in method and method["stages"][-1] not in method.get("options", {}):
        return f"distiller.options.{method['stages'][-1]} is missing"
    students = [manifest["student"], *(other["student"] for other in manifest.get("others", []))]
    names = [student["name"] for student in students]
    if len(set(names)) < len(names):
        return f"others names a student twice: {', '.join(names)}"
    try:
        for student in students:
            within_ranges(rebuilt(STUDENTS[student["name"]][1], student, "student"), "student")
    except ValueError as error:
        return str(error)
    return ""
