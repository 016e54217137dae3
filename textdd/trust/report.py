"""The trust report of a set: matches, attacks, groups, triggers, and what all that is measured by."""

from __future__ import annotations

import dataclasses
from importlib.metadata import version
from typing import Any

import numpy as np

from textdd.config import TrustConfig
from textdd.machine import machine
from textdd.privacy.account import claim
from textdd.progress import say
from textdd.quality.against import BLOCK
from textdd.quality.grams import Index, flat_words
from textdd.quality.variety import columns, normalised
from textdd.scoring.fingerprint import fingerprint
from textdd.set_problem import corpus_of, fitted, problem_of
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.matrices import MatrixSet
from textdd.sets.texts import Text, TextSet
from textdd.spaces.reading import Reading
from textdd.tasks.generation import refuse_responses
from textdd.trust.groups import by_group, groups_of, largest
from textdd.trust.heldout import Sides, sides_of
from textdd.trust.itself import on_texts
from textdd.trust.matches import Matches
from textdd.trust.membership import Attack
from textdd.trust.nearest import NearestOfEach
from textdd.trust.read_out import read_out
from textdd.trust.sources import HASHES, NO_PROMISE, PROMISE, REMARKS, thresholds
from textdd.trust.triggers import TEXTS, triggers_of
from textdd.typed import expanded

FORMAT = 2
"""Version of what a result holds."""

Result = dict[str, Any]


def examined(distilled: DistilledSet, config: TrustConfig) -> Result:
    """Examine a set.

    Args:
        distilled: of texts, or of matrices, which are put into words first.
        config: the command.

    Raises:
        TextddError: its corpus is not at hand, the student cannot read it, or nothing is held out.
    """
    corpus, dataset = corpus_of(distilled, config, expanded(config.cache_dir))
    refuse_responses(corpus.task, "attacked")
    distilled = fitted(distilled, corpus, config)
    model: Any = distilled.model() if config.model is None else config.model
    problem = problem_of(distilled, model, config)
    sides = sides_of(distilled, corpus, dataset, config.seed)
    say(f"{len(sides.training)} training texts against {len(sides.heldout)} {sides.part} texts, which are held out")
    read: dict[str, Any] | None = None
    if isinstance(distilled, MatrixSet):
        texts, read = read_out(distilled, problem.space)
    else:
        assert isinstance(distilled, TextSet)
        texts = distilled.texts
    index = Index(flat_words(columns(texts)))
    compared = held_against(index, texts, sides, config)
    attack = Attack(config, problem, sides)
    members, others = (flat_words(columns(texts_of(side))) for side in (attack.members, attack.others))
    membership = {"set": attack.on_set(distilled)}
    if "random" in config.trust.against:
        membership["random"] = attack.on_random()
    if "full" in config.trust.against:
        membership["full"] = attack.on_full(dataset)
    groups = None
    if config.trust.group is not None:
        rows = largest(groups_of(problem.test.split, dataset, config))
        groups = by_group(attack.students, rows, problem, attack.reader, config.trust.texts)
    triggers = None
    random = list(zip(attack.random_texts, attack.students.get("random", ()), strict=True))
    if config.trust.triggers and len(random) < 2:
        say("no scan for triggers without two students of random texts: trust.against=[random] students=5")
    elif config.trust.triggers:
        heldout, students = texts_of(attack.others)[:TEXTS], attack.students["set"]
        triggers = triggers_of(texts, students, random, heldout, attack.reader, config.trust.triggers)
        for one in triggers["found"]:
            one["class"] = corpus.classes[one.pop("label")]
    promised = distilled.manifest.get("privacy")
    return {
        "format": FORMAT,
        "artifact": config.artifact,
        "kind": distilled.kind,
        "sha256": fingerprint(distilled),
        "examples": len(texts),
        "corpus": {"name": corpus.name, "key": corpus.key},
        "sides": {
            "heldout": sides.part,
            "why": sides.why,
            "training_texts": len(sides.training),
            "heldout_texts": len(sides.heldout),
            "shared": sides.shared,
        },
        **compared,
        "read_out": read,
        "membership": membership,
        "itself": on_texts(index, members, others, config.trust, config.seed),
        "groups": groups if groups is None else {"column": config.trust.group, **groups},
        "triggers": triggers,
        "student": dataclasses.asdict(problem.model) | ({"path": None} if hasattr(problem.model, "path") else {}),
        "students": config.students,
        "seed": config.seed,
        "options": dataclasses.asdict(config.trust),
        "thresholds": thresholds(config.trust),
        "hashes": HASHES,
        "privacy": promised,
        "remarks": [NO_PROMISE if promised is None else PROMISE.format(claim(promised)), *REMARKS],
        "machine": machine(),
        "version": version("textdd"),
    }


def texts_of(reading: Reading) -> list[Text]:
    """The original texts of a split."""
    return reading.split.texts(np.arange(len(reading)))


def held_against(index: Index, texts: list[Text], sides: Sides, config: TrustConfig) -> Result:
    """Go through both sides once.

    Args:
        index: the sequences of words of the set.
        texts: of the set (M,).
        sides: training and held-out texts.
        config: the command.

    Returns:
        What `matches` and `nearest` found.
    """
    matches = Matches(index, normalised(columns(texts)), config.trust.rare)
    nearest = NearestOfEach(index, len(sides.training), len(sides.heldout), config.seed)
    for real, heldout in sides.blocks(max(1, min(10_000, BLOCK // len(texts)))):
        words = flat_words(real)
        matches.look_at(words, normalised(real), heldout)
        nearest.look_at(words, heldout)
    return {"matches": matches.found(), "nearest": nearest.found()}
