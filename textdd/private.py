"""What a run that promises differential privacy may not touch: every other look at the texts is refused.

The account (textdd/privacy/) covers the noisy gradients of `distiller=gradient_matching distiller.gradient=head`, and
nothing else. A set also owes something to the texts by its start, a teacher, words and vectors and lengths that were
read off the corpus, a recipe tuned on validation texts, or real texts in a prompt; none of these goes with a promise.
Which outer step is kept is not decided on validation texts, either: it is the last (`GradientMatching.keeps`).
"""

from __future__ import annotations

from collections.abc import Sequence

from textdd.config import RunConfig
from textdd.distillers.gradient_matching import GradientMatchingConfig
from textdd.distillers.project import ProjectConfig
from textdd.errors import TextddError
from textdd.outer.chain import ChainConfig, Stage, stages_of
from textdd.students.bodies import BODIES

ON = "a private set"


def check_private(run: RunConfig) -> None:
    """Check that nothing of a private run reads the texts but what is counted; of other runs nothing is checked.

    What the method's own options touch, `GradientMatchingConfig.check` refuses.

    Raises:
        TextddError: something does.
    """
    stages = stages_of(run.distiller)
    private = [stage for stage in stages if isinstance(stage, GradientMatchingConfig) and stage.privacy.on]
    if not private:
        return
    check_stages(stages, chain=isinstance(run.distiller, ChainConfig))
    start = stages[0].warm_start
    if start is not None:
        raise TextddError(
            f"Got distiller.warm_start={start} for {ON}: what the other set owes to the texts is not counted. "
            "Allowed: a start from noise. Type: distiller.warm_start=null"
        )
    name = getattr(run.model, "name", "")
    if name not in BODIES:
        raise TextddError(
            f"Got model={name} for {ON}: its words are read off the corpus, and the artefact would carry them. "
            f"Allowed: {' or '.join(BODIES)}, which bring their own. Type: model=pretrained model.path=FOLDER"
        )
    if run.dataset.length == "auto":
        raise TextddError(
            f"Got dataset.length=auto for {ON}: it is read off the lengths of the texts. Allowed: a number of tokens. "
            "Type: dataset.length=64"
        )
    if run.trainer.devices * run.trainer.num_nodes > 1:
        raise TextddError(
            f"Got trainer.devices={run.trainer.devices} and trainer.num_nodes={run.trainer.num_nodes} for {ON}: every "
            "process would draw texts of its own, and one is counted. Type: trainer.devices=1 trainer.num_nodes=1"
        )


def check_stages(stages: Sequence[Stage], *, chain: bool) -> None:
    """Check that the private stage comes first, and that those behind it look at its set alone.

    Args:
        stages: the methods, of which one is private.
        chain: whether they are those of a chain.

    Raises:
        TextddError: another stage reads texts.
    """
    first, *others = stages
    if not isinstance(first, GradientMatchingConfig):
        raise TextddError(
            f"Got distiller.stages=[{','.join(stage.name for stage in stages)}] for {ON}: what {first.name} owes to "
            "the texts is not counted. Allowed: gradient_matching as the first stage. "
            "Type: distiller.stages=[gradient_matching,project]"
        )
    for stage in others:
        if not isinstance(stage, ProjectConfig):
            raise TextddError(
                f"Got distiller.stages=[{','.join(one.name for one in stages)}] for {ON}: {stage.name} reads texts "
                "without noise. Allowed behind gradient_matching: project. "
                "Type: distiller.stages=[gradient_matching,project]"
            )
        if stage.onto != "nearest":
            key = "distiller.options.project.onto" if chain else "distiller.onto"
            raise TextddError(
                f"Got {key}={stage.onto} for {ON}: it learns words on real texts without noise. Allowed: nearest, "
                f"which looks at the set and the model's words alone. Type: {key}=nearest"
            )
