"""One experiment: prepare, distil stage by stage, compare distilled vs random vs full, write result.json.

A run lives in a folder named after its configuration and the content of its corpus. The same command finds it again:
finished, it only shows the result; killed, it goes on from the last finished piece of work.
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
from contextlib import nullcontext, suppress
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from textdd.choosing.choose import choose, plan, start_of
from textdd.choosing.method import TextMethodConfig
from textdd.choosing.pairs import check_meaning, choose_pairs, plan_pairs
from textdd.config import RunConfig
from textdd.distillers import CHOOSERS
from textdd.distillers.generate import GenerateConfig
from textdd.distillers.project import ProjectConfig
from textdd.errors import TextddError
from textdd.evaluation.protocol import add_recovery
from textdd.evaluation.summary import Result
from textdd.evaluation.writing import protocol_of
from textdd.locks import locked
from textdd.loggers import Mirrors
from textdd.machine import machine
from textdd.outer.chain import Stage, added_up, stages_of
from textdd.outer.distil import distil, forget_checkpoints, materials_of, plan_of
from textdd.outer.materials import Place
from textdd.outer.plan import print_plans
from textdd.outer.start.warm_start import source_of
from textdd.places import check_place, in_places
from textdd.prepare import materials_folder, prepare, setting, short_hash
from textdd.problem import Problem
from textdd.progress import say
from textdd.projecting.plan import plan_of_projecting
from textdd.projecting.project import project
from textdd.quality.agreement import agreement
from textdd.quality.report import examined
from textdd.record import sweep_up, write_json
from textdd.report.figures import accuracy_against_steps
from textdd.report.results import RESULT
from textdd.report.terminal import of_all_kinds
from textdd.run_folder import embedding_of, folder_of, is_finished, kept_set, once, title_of
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.texts import TextSet
from textdd.students.mixed import called
from textdd.sweep import failure
from textdd.trainer import make_trainer, process_rank, set_up_process
from textdd.typed import expanded
from textdd.writing.plan import plan_of_writing

VERSIONED = ("textdd", "torch", "pytorch-lightning", "tokenizers", "numpy")
FIGURE = "accuracy_against_steps.png"


def execute(run: RunConfig) -> Path:
    """Run one experiment and return the path of its result.json.

    Raises:
        TextddError: something about the data or the configuration has to be mended by the user.
    """
    set_up_process(run.trainer)
    with in_places(output_dir=run.output_dir, cache_dir=run.cache_dir):
        if not any(
            expanded(run.output_dir).glob("*/result.json")
        ):  # finished runs may lie where nothing can be written
            check_place("output_dir", run.output_dir)
        problem = prepare(run)
        folder = folder_of(run, problem)
        if not run.overwrite and is_finished(folder):
            with suppress(OSError):  # where nothing can be written, a failure told earlier stays told
                failure(run).unlink(missing_ok=True)
            return folder / RESULT
        # The processes of one run work in one folder together; two runs must not.
        with locked(folder, f"the run {folder.name}") if process_rank() == 0 else nullcontext():
            final = carry_out(run, problem, folder)
        failure(run).unlink(missing_ok=True)
    return final


def carry_out(run: RunConfig, problem: Problem, folder: Path) -> Path:
    """Do in a run's folder what is not done yet, and return the path of its result.json."""
    if run.overwrite and process_rank() == 0 and folder.exists():
        shutil.rmtree(folder)
    if is_finished(folder):  # another process did it meanwhile
        return folder / RESULT
    say(f"folder: {folder}")
    mirrors = mirrors_of(run, problem, folder)
    try:
        distilled = distilled_set(run, problem, folder, mirrors)
        examination = examined(distilled, problem.corpus, run.quality) if isinstance(distilled, TextSet) else None
        methods, *others = (
            compare(run, alone, distilled.of(alone.model.name) if problem.others else distilled, folder, name)
            for alone, name in zip(problem.each(), names_of(problem), strict=True)
        )
        kinds = dict(zip(names_of(problem)[1:], others, strict=True))
        result = {
            "dataset": problem.corpus.name,
            "task": problem.task.name,
            "per_class": problem.per_class,
            "budget": problem.share,
            "model": called(run.model),
            "embedding": embedding_of(run, problem),
            "distiller": run.distiller.name,
            "seed": run.seed,
            "students": run.evaluation.students,
            "measures": list(problem.task.measures),
            "artifact": str((folder / "artifact").resolve()),
            "methods": methods,
            **({"kinds": kinds} if kinds else {}),
            "distilling": distilled.manifest["distilling"],
            "versions": distilled.manifest["versions"],
            "machine": machine(),
            "config": dataclasses.asdict(run),
            **({"quality": examination} if examination else {}),
        }
        accuracy_against_steps([result], folder / FIGURE)
        mirrors.log_results(of_all_kinds(methods, kinds), folder / FIGURE, problem.task.measures)
    finally:
        mirrors.close()
    metrics = (*problem.task.measures, "recovery")
    every = of_all_kinds(methods, kinds)
    distilled.manifest["metrics"] = {n: {metric: m[metric] for metric in metrics} for n, m in every.items()}
    distilled.save(folder / "artifact")
    write_json(folder / RESULT, result)
    sweep_up(folder)
    say(f"figure: {folder / FIGURE}\nartifact: {folder / 'artifact'}")
    return folder / RESULT


def mirrors_of(run: RunConfig, problem: Problem, folder: Path) -> Mirrors:
    """The loggers of a run."""
    actual = {**dataclasses.asdict(run), "per_class": problem.per_class, "budget": problem.share}
    return Mirrors(run.logger, folder, title_of(problem), folder.name, actual)


def show_plan(run: RunConfig) -> None:
    """Print what distilling would take, for every stage as if it were the first.

    Raises:
        TextddError: as for `execute`, or the memory at hand is not enough.
    """
    set_up_process(run.trainer)
    problem = prepare(run)
    shared = materials_folder(run, problem)
    check_writes(run, problem)
    plans = {}
    for stage in stages_of(run.distiller):
        if isinstance(stage, TextMethodConfig) and problem.task.name == "generation":
            plans[stage.name] = plan_pairs(stage, problem)
        elif isinstance(stage, GenerateConfig):
            plans[stage.name] = plan_of_writing(stage, materials_of(problem, run.trainer, shared))
        elif isinstance(stage, TextMethodConfig):
            candidates, _ = CHOOSERS[stage.name]
            plans[stage.name] = plan(start_of(stage, candidates, materials_of(problem, run.trainer, shared)))
        elif isinstance(stage, ProjectConfig):
            plans[stage.name] = plan_of_projecting(stage, problem, run.trainer, shared)
        else:
            plans[stage.name] = plan_of(stage, problem, run.trainer, shared)
    print_plans(plans)


def distilled_set(run: RunConfig, problem: Problem, folder: Path, mirrors: Mirrors) -> DistilledSet:
    """Distil stage by stage, or load what a killed run had finished distilling."""
    artifact = folder / "artifact"
    if (kept := kept_set(artifact)) is not None:
        return given_its_student(problem, kept)
    check_writes(run, problem)
    stages = stages_of(run.distiller)
    start = stages[0].warm_start
    distilled = None if start is None else source_of(start, problem)
    facts = []
    for number, stage in enumerate(stages, 1):
        place = Place(
            folder if len(stages) == 1 else folder / f"stage-{number}-{stage.name}",
            materials_folder(run, problem),
            mirrors,
        )
        distilled = finished_stage(run, stage, problem, place, distilled)
        facts.append(distilled.manifest["distilling"])
        mirrors.metrics.offset += facts[-1]["outer_steps"]
    if process_rank():
        sys.exit()  # the first process evaluates alone
    assert distilled is not None
    if len(stages) > 1:
        distilled.manifest |= {"distiller": dataclasses.asdict(run.distiller), "distilling": added_up(facts)}
        distilled.save(artifact)
    return given_its_student(problem, distilled)


def given_its_student(problem: Problem, distilled: DistilledSet) -> DistilledSet:
    """A set of this run's own, whose student may be opened: the user has named it."""
    distilled.given = problem.model
    return distilled


def names_of(problem: Problem) -> list[str]:
    """What the methods of each student are filed under: of the first one, or the only one, under nothing."""
    return ["", *(model.name for model, _ in problem.others)]


def finished_stage(
    run: RunConfig, stage: Stage, problem: Problem, place: Place, source: DistilledSet | None
) -> DistilledSet:
    """Distil by one method from `source` on, or load what a killed run had finished."""
    artifact = place.folder / "artifact"
    if (kept := kept_set(artifact)) is not None:
        return kept
    manifest = manifest_of(run, problem, stage)
    if isinstance(stage, TextMethodConfig) and problem.task.name == "generation":
        materials = materials_of(problem, run.trainer, place.shared)
        distilled: DistilledSet = choose_pairs(stage, materials, place, manifest)
    elif isinstance(stage, TextMethodConfig):
        candidates, _ = CHOOSERS[stage.name]
        materials = materials_of(problem, run.trainer, place.shared)
        distilled = choose(stage, candidates, materials, place, manifest, source)
    elif isinstance(stage, ProjectConfig):
        distilled = project(stage, problem, run.trainer, place, manifest, source)
    else:
        distilled = distil(stage, problem, run.trainer, place, manifest, source)
    if process_rank() == 0:
        distilled.save(artifact)
        forget_checkpoints(place.folder)
    return distilled


def check_writes(run: RunConfig, problem: Problem) -> None:
    """Check that the method can make a set for the targets of the corpus.

    Raises:
        TextddError: they are texts, and it cannot, or an option of it has no meaning then.
    """
    if problem.task.name != "generation":
        return
    if run.distiller.name == "bilevel_selection":
        check_meaning(run.distiller)
    else:
        raise TextddError(
            f"Got distiller={run.distiller.name}, and the targets of the corpus are texts: their sets are real "
            "pairs, which one method chooses. Type: distiller=bilevel_selection"
        )


def manifest_of(run: RunConfig, problem: Problem, stage: Stage | None) -> dict[str, Any]:
    """What an artefact says of how it was made.

    Args:
        run: the run.
        problem: corpus, space and student.
        stage: options of the method, or None where real texts were picked.
    """
    space, corpus = problem.space, problem.corpus
    return {
        "dataset": corpus.name,
        "task": problem.task.name,
        "pair": corpus.pair,
        "classes": corpus.classes,
        "per_class": problem.per_class,
        "budget": problem.share,
        "length": space.length,
        "student": dataclasses.asdict(problem.model),
        "distiller": dataclasses.asdict(stage)
        if dataclasses.is_dataclass(stage) and not isinstance(stage, type)
        else {},
        "embedding": {**dataclasses.asdict(run.embedding), "sha256": space.sha256, **space.facts},
        "space": {"kind": space.kind, "name": space.name, "sha256": space.sha256, "path": space.facts.get("path")},
        "corpus": {"key": corpus.key, "revision": corpus.revision, "options": dataclasses.asdict(run.dataset)},
        "seed": run.seed,
        "versions": {name: version(name) for name in VERSIONED},
        "metrics": {},
    }


def compare(
    run: RunConfig, problem: Problem, distilled: DistilledSet, folder: Path, kind: str = ""
) -> dict[str, Result]:
    """Evaluate distilled, selected and full, each once: a killed run repeats nothing that it has finished.

    Args:
        run: the run.
        problem: of one student.
        distilled: the set as one that was made for it.
        folder: of the run.
        kind: the student's name, where others came before; what is transferred was measured with the first.
    """
    make = partial(make_trainer, run.trainer, alone=True)
    protocol = protocol_of(run.evaluation, problem, make().strategy.root_device, run.seed)
    # The baselines depend on nothing that a distiller changes, so all runs on the same texts share them.
    shared = problem.cache / "baselines"
    given = setting(run, problem)
    options = dataclasses.asdict(run.evaluation)
    del options["selectors"]  # none depends on which others there are
    if problem.task.name == "generation":
        given = {**given, "writing": options["writing"]}
    else:
        del options["writing"]
    full_key = short_hash([given, dataclasses.asdict(run.evaluation.full)])
    selected_key = short_hash([given, options, problem.per_class])
    teacher, full = protocol.full(shared / f"full-{full_key}", make)
    own = dataclasses.replace(protocol, config=dataclasses.replace(run.evaluation, transfer=[])) if kind else protocol
    place = folder / f"{'-'.join(filter(None, ['distilled', kind]))}.json"
    methods = {"distilled": once(place, lambda: own.distilled(distilled))}
    for name in protocol.selectors():
        work = partial(protocol.selected, name, problem.per_class, teacher)
        methods[name] = once(shared / f"{name}-{selected_key}.json", work)
    if protocol.speaks:
        methods["zero_shot"] = once(shared / f"zero_shot-{selected_key}.json", protocol.untrained)
    methods["full"] = full
    facts = distilled.manifest["distilling"]
    methods["distilled"] |= {name: facts[name] for name in ("seconds", "peak_memory_bytes")}
    add_recovery(methods, problem.task.measures[0], higher_is_better=problem.task.higher_is_better)
    if isinstance(distilled, TextSet) and teacher is not None:
        methods["distilled"]["teacher_agreement"] = agreement(distilled, protocol.reader, teacher)
    return methods
