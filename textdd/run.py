"""One experiment: prepare, distil, evaluate distilled vs random vs full, write result.json.

    python -m textdd.run dataset=dbpedia budget=0.001

A run lives in a folder named after its configuration and the content of its corpus. The same command finds it again:
finished, it only shows the result; killed, it goes on from the last finished piece of work.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import sys
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from importlib.metadata import version
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from textdd import cli
from textdd.checks import check
from textdd.config import CONF, RunConfig, register, to_run
from textdd.errors import TextddError
from textdd.evaluation.protocol import Protocol, Result, add_recovery
from textdd.locks import claim, locked
from textdd.loggers import Mirrors
from textdd.machine import machine
from textdd.outer.chain import added_up, stages_of
from textdd.outer.distil import distil, forget_checkpoints, plan_of
from textdd.outer.distiller import DistillerConfig
from textdd.outer.plan import print_plans
from textdd.prepare import Prepared, identity, prepare, setting, short_hash
from textdd.progress import say
from textdd.quiet import quiet
from textdd.record import write_json
from textdd.report.figures import accuracy_against_steps
from textdd.report.terminal import print_results
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.manifest import MANIFEST
from textdd.students import make_student
from textdd.sweep import attempt, check_launcher, failure, sweep
from textdd.trainer import make_trainer, process_rank, set_up_process
from textdd.training.student import FlatStudent

PURPOSE = "Distil a labelled text corpus into a tiny synthetic training set, then compare distilled vs random vs full."
EXAMPLES = [
    ("per_class=10", "the built-in demo corpus"),
    ("dataset=dbpedia budget=0.001", "from the hub; data_dir=DIR uses files in DIR/dbpedia/ instead"),
    ("dataset=ag_news data_dir=data per_class=30 embedding=glove embedding.path=glove.txt", "local files and GloVe"),
    ("dataset=local dataset.path=my.csv dataset.text=[body] dataset.label=topic per_class=10", "your own corpus"),
    ("-m dataset=ag_news,trec6 data_dir=data budget=0.0005,0.001", "a sweep over every combination"),
]
VERSIONED = ("textdd", "torch", "pytorch-lightning", "tokenizers", "numpy")
FIGURE = "accuracy_against_steps.png"


def execute(run: RunConfig) -> Path:
    """Run one experiment and return the path of its result.json.

    Raises:
        TextddError: something about the data or the configuration has to be mended by the user.
    """
    set_up_process(run.trainer)
    prepared = prepare(run)
    title = f"{prepared.corpus.name}-{prepared.per_class}"
    choices = f"{run.model.name}-{run.embedding.name}-{run.distiller.name}"
    folder = Path(run.output_dir) / f"{title}-{choices}-s{run.seed}-{identity(run, prepared)}"
    # The processes of one run work in one folder together; two runs must not.
    with locked(folder, f"the run {folder.name}") if process_rank() == 0 else nullcontext():
        final = carry_out(run, prepared, folder, title)
    failure(run).unlink(missing_ok=True)
    return final


def carry_out(run: RunConfig, prepared: Prepared, folder: Path, title: str) -> Path:
    """Do in a run's folder what is not done yet, and return the path of its result.json."""
    final = folder / "result.json"
    if run.overwrite and process_rank() == 0:
        shutil.rmtree(folder, ignore_errors=True)
    if final.exists():
        say("This run is finished; overwrite=true runs it again.")
        return final
    say(f"folder: {folder}")
    settings = dataclasses.asdict(run)
    student = make_student(run.model, prepared.vectors.table.shape[1], len(prepared.corpus.classes))
    actual = {**settings, "per_class": prepared.per_class, "budget": prepared.share}
    mirrors = Mirrors(run.logger, folder, title, folder.name, actual)
    try:
        distilled = distilled_set(run, prepared, student, folder, mirrors)
        methods = compare(run, prepared, student, distilled, folder)
        result = {
            "dataset": prepared.corpus.name,
            "per_class": prepared.per_class,
            "budget": prepared.share,
            "model": run.model.name,
            "embedding": run.embedding.name,
            "distiller": run.distiller.name,
            "seed": run.seed,
            "students": run.evaluation.students,
            "artifact": str((folder / "artifact").resolve()),
            "methods": methods,
            "distilling": distilled.manifest["distilling"],
            "versions": distilled.manifest["versions"],
            "machine": machine(),
            "config": settings,
        }
        accuracy_against_steps([result], folder / FIGURE)
        mirrors.log_results(methods, folder / FIGURE)
    finally:
        mirrors.close()
    metrics = ("accuracy", "macro_f1", "recovery")
    distilled.manifest["metrics"] = {n: {metric: m[metric] for metric in metrics} for n, m in methods.items()}
    distilled.save(folder / "artifact")
    write_json(final, result)
    say(f"figure: {folder / FIGURE}\nartifact: {folder / 'artifact'}")
    return final


def show_plan(run: RunConfig) -> None:
    """Print what distilling would take, for every stage as if it were the first.

    Raises:
        TextddError: as for `execute`, or the memory at hand is not enough.
    """
    set_up_process(run.trainer)
    prepared = prepare(run)
    corpus, vectors, per_class, _ = prepared
    student = make_student(run.model, vectors.table.shape[1], len(corpus.classes))
    shared = materials_folder(run, prepared)
    print_plans(
        {
            stage.name: plan_of(stage, run.trainer, student, corpus, vectors, per_class, run.seed, shared)
            for stage in stages_of(run.distiller)
        }
    )


def materials_folder(run: RunConfig, prepared: Prepared) -> Path:
    """Where methods keep what other runs on the same texts, vectors and student can use."""
    return Path(run.cache_dir).expanduser() / "materials" / short_hash(setting(run, prepared))


def distilled_set(
    run: RunConfig, prepared: Prepared, student: FlatStudent, folder: Path, mirrors: Mirrors
) -> DistilledSet:
    """Distil stage by stage, or load what a killed run had finished distilling."""
    artifact = folder / "artifact"
    if (artifact / MANIFEST).exists():
        return DistilledSet.load(artifact)
    stages = stages_of(run.distiller)
    start = stages[0].warm_start
    distilled = None if start is None else DistilledSet.load(start)
    facts = []
    for number, stage in enumerate(stages, 1):
        place = folder if len(stages) == 1 else folder / f"stage-{number}-{stage.name}"
        distilled = finished_stage(run, stage, prepared, student, place, mirrors, distilled)
        facts.append(distilled.manifest["distilling"])
        mirrors.metrics.offset += facts[-1]["outer_steps"]
    if process_rank():
        sys.exit()  # the first process evaluates alone
    assert distilled is not None
    if len(stages) > 1:
        distilled.manifest |= {"distiller": dataclasses.asdict(run.distiller), "distilling": added_up(facts)}
        distilled.save(artifact)
    return distilled


def finished_stage(
    run: RunConfig,
    stage: DistillerConfig,
    prepared: Prepared,
    student: FlatStudent,
    folder: Path,
    mirrors: Mirrors,
    source: DistilledSet | None,
) -> DistilledSet:
    """Distil by one method from `source` on, or load what a killed run had finished."""
    artifact = folder / "artifact"
    if (artifact / MANIFEST).exists():
        return DistilledSet.load(artifact)
    corpus, vectors, per_class, share = prepared
    shared = materials_folder(run, prepared)
    synthetic, facts = distil(
        stage, run.trainer, student, corpus, vectors, per_class, run.seed, folder, shared, mirrors, source
    )
    embedding = {**dataclasses.asdict(run.embedding), "sha256": vectors.sha256, "coverage": vectors.coverage}
    manifest = {
        "dataset": corpus.name,
        "classes": corpus.classes,
        "per_class": per_class,
        "budget": share,
        "length": corpus.length,
        "pieces": synthetic.pieces,
        "student": dataclasses.asdict(run.model),
        "distiller": dataclasses.asdict(stage),
        "embedding": embedding,
        "corpus": {"key": corpus.key, "options": dataclasses.asdict(run.dataset)},
        "seed": run.seed,
        "versions": {name: version(name) for name in VERSIONED},
        "distilling": facts,
        "metrics": {},
    }
    y = synthetic.text_labels().detach()
    learned = synthetic.step_sizes().detach() if stage.learn_step_sizes else None
    distilled = DistilledSet(synthetic.texts, y, learned, synthetic.recipe, vectors.table, corpus.tokeniser, manifest)
    if process_rank() == 0:
        distilled.save(artifact)
        forget_checkpoints(folder)
    return distilled


def compare(
    run: RunConfig, prepared: Prepared, student: FlatStudent, distilled: DistilledSet, folder: Path
) -> dict[str, Result]:
    """Evaluate distilled, selected and full, each once: a killed run repeats nothing that it has finished."""
    make = partial(make_trainer, run.trainer, alone=True)
    table = prepared.vectors.table.to(make().strategy.root_device)
    protocol = Protocol(run.evaluation, student, run.model, prepared.corpus, table, run.seed)
    # The baselines depend on nothing that a distiller changes, so all runs on the same texts share them.
    shared = Path(run.cache_dir).expanduser() / "baselines"
    given = setting(run, prepared)
    full_key = short_hash([given, dataclasses.asdict(run.evaluation.full)])
    options = dataclasses.asdict(run.evaluation)
    del options["selectors"]  # none depends on which others there are
    selected_key = short_hash([given, options, prepared.per_class])
    teacher, full = protocol.full(shared / f"full-{full_key}", make)
    methods = {"distilled": once(folder / "distilled.json", lambda: protocol.distilled(distilled))}
    for name in protocol.selectors():
        work = partial(protocol.selected, name, prepared.per_class, teacher)
        methods[name] = once(shared / f"{name}-{selected_key}.json", work)
    methods["full"] = full
    facts = distilled.manifest["distilling"]
    methods["distilled"] |= {name: facts[name] for name in ("seconds", "peak_memory_bytes")}
    add_recovery(methods)
    return methods


def once(path: Path, work: Callable[[], Result]) -> Result:
    """Do a piece of work unless its stored result is there."""
    with claim(path, f"evaluation {path.stem}") as ours:
        if ours:
            write_json(path, work())
    content: Result = json.loads(path.read_text())
    return content


def check_line(arguments: list[str]) -> None:
    """Check a command line before Hydra or any data is touched.

    Raises:
        TextddError: something is wrong with it.
    """

    def check_composed(cfg: DictConfig) -> None:
        run = to_run(cfg)
        check(run)
        if cli.is_sweep(arguments) and run.plan:
            raise TextddError("Got plan=true in a sweep. Plan one of its runs: type it without -m.")
        if cli.is_sweep(arguments) and run.trainer.strategy == "ddp":
            raise TextddError(
                "Got trainer.strategy=ddp in a sweep; it starts the whole command line again in every process, so only "
                "one process per job is allowed, or processes that are spawned. Type: trainer.strategy=ddp_spawn"
            )

    cli.check_arguments("config", arguments, check_composed)
    check_launcher(arguments)


def main() -> None:
    """Entry point of `python -m textdd.run`."""
    arguments = sys.argv[1:]
    if any(flag in arguments for flag in cli.HELP_FLAGS):
        chosen = [argument for argument in arguments if not argument.startswith("-")]
        cli.print_help("textdd.run", PURPOSE, EXAMPLES, "config", chosen)
        return
    try:
        check_line(arguments)
    except TextddError as error:
        cli.exit_with(error)
    if cli.is_sweep(arguments):
        output_dir = to_run(cli.compose_config("config", cli.jobs_of(arguments)[0])).output_dir
        sys.exit(sweep(arguments, Path(output_dir), job))
    job()


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def job(cfg: DictConfig) -> None:
    """One job of Hydra's: a single experiment, whose mistakes are told without a traceback, or one of a sweep."""
    quiet()
    run = to_run(cfg)
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        attempt(run, execute)
        return
    try:
        if run.plan:
            show_plan(run)
            return
        path = execute(run)
    except TextddError as error:
        cli.exit_with(error)
    print_results(json.loads(path.read_text()))
    print(f"result: {path.resolve()}", flush=True)  # noqa: T201  (the line that scripts read)


register()

if __name__ == "__main__":
    main()
