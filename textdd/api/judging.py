"""What sets are worth, and what they give away."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from textdd.api.composing import typed_out
from textdd.places import in_places
from textdd.scoring.__main__ import composed as composed_score
from textdd.scoring.config import ScoringConfig
from textdd.scoring.given import from_python
from textdd.scoring.score import scored
from textdd.sets.distilled_set import DistilledSet
from textdd.trainer import TrainerConfig, set_up_process
from textdd.trust.__main__ import composed as composed_trust
from textdd.trust.config import TrustingConfig
from textdd.trust.report import examined
from textdd.typed import written


def score(
    sets: Any, data: Any, labels: Sequence[Any] | None = None, *, students: Sequence[str] = ("textcnn",), **options: Any
) -> dict[str, Any]:
    """Score the sets of a method on test texts, beside baselines that are tuned as they are.

    Args:
        sets: a set, a path of one or of a folder of several, a `datasets.Dataset`, a pandas frame, or a list of these.
        data: the corpus, as for `distil`.
        labels: of a list of texts.
        students: who is trained on the sets.
        options: every other option of `textdd score` by its name, such as `score__seeds=10` or
            `**{"model.pretrained.path": FOLDER}`; of those of `score.` and of the corpus the name alone.

    Returns:
        What the command writes as its result: `students`, `overall`, ...; see textdd/scoring/score.py.

    Raises:
        TextddError: something about the sets, the corpus or an option has to be mended by the user.
    """
    named: dict[str, Any] = {"score.students": list(students), **options}
    arguments, cache = typed_out("score", ScoringConfig, data, labels, named)
    place = str(sets) if isinstance(sets, str | os.PathLike) else "set"
    config = composed_score([f"set={written(place)}", *arguments])
    with in_places(output_dir=config.output_dir, cache_dir=config.cache_dir):
        return scored(config, from_python(sets, cache))[1]


def trust_report(
    small: DistilledSet,
    data: Any,
    labels: Sequence[Any] | None = None,
    *,
    student: str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Say what a set gives away of the texts that it was made from, beyond what held-out texts show.

    Args:
        small: the set.
        data: the corpus, as for `distil`.
        labels: of a list of texts.
        student: who is trained on the set and attacked; None takes the student that it was made for.
        options: every other option of `textdd trust` by its name; of those of `trust.` and of the corpus the name
            alone, such as `against=["random"]` or `shadows=16`.

    Returns:
        What the command writes as its result: `matches`, `nearest`, `membership`, ...; see textdd/trust/report.py.

    Raises:
        TextddError: something about the corpus or an option has to be mended, or nothing is held out.
    """
    named = options if student is None else {"model": student, **options}
    arguments, _ = typed_out("trust", TrustingConfig, data, labels, named)
    config = composed_trust(["artifact=set", *arguments])
    set_up_process(TrainerConfig())
    with in_places(cache_dir=config.cache_dir):
        return examined(small, config)
