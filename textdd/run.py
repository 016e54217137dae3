"""The command of an experiment: check the line, then run it, plan it, or sweep over it.

python -m textdd.run dataset=dbpedia budget=0.001
"""

from __future__ import annotations

if __name__ == "__main__":  # what follows takes seconds to import, and may be stopped meanwhile
    from textdd.stopping import listen

    listen()

import json
import sys

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig

from textdd import cli
from textdd.checks import check
from textdd.config import register, to_run
from textdd.ending import ending
from textdd.errors import TextddError
from textdd.experiment import execute, show_plan
from textdd.groups import CONF
from textdd.help import print_help
from textdd.quiet import quiet
from textdd.report.terminal import print_results
from textdd.report.texts import print_quality
from textdd.screen import announce
from textdd.sweep import attempt, check_launcher, sweep
from textdd.typed import expanded

PURPOSE = "Distil a labelled text corpus into a tiny synthetic training set, then compare distilled vs random vs full."
EXAMPLES = [
    ("per_class=10", "the built-in demo corpus"),
    ("dataset=dbpedia budget=0.001", "from the hub; data_dir=DIR uses files in DIR/dbpedia/ instead"),
    ("dataset=ag_news data_dir=data per_class=30 embedding=glove embedding.path=glove.txt", "local files and GloVe"),
    ("dataset=local dataset.path=my.csv dataset.text=body dataset.label=topic per_class=10", "your own corpus"),
    ("dataset=local dataset.path=my.csv dataset.labels=[toxic,insult] per_class=10", "several labels a text"),
    ("dataset=local dataset.path=DIR dataset.text=[premise,hypothesis] dataset.pair=true per_class=10", "pairs"),
    ("dataset=trec6 data_dir=data per_class=1 model=pretrained model.path=FOLDER", "for a pretrained encoder"),
    (
        "experiment=generation dataset=local dataset.path=DIR dataset.text=mr dataset.target=ref pairs=50 "
        "model.path=FOLDER",
        "texts as targets, for a language model that writes",
    ),
    ("dataset=ag_news data_dir=data per_class=10 model=[textcnn,lstm]", "one set for students of several kinds"),
    ("-m dataset=ag_news,trec6 data_dir=data budget=0.0005,0.001", "a sweep over every combination"),
]


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
    """Entry point of `textdd run` and `python -m textdd.run`."""
    arguments = sys.argv[1:]
    if cli.asks_for_completion(arguments):  # Hydra's business alone
        job()
        return
    if any(flag in arguments for flag in cli.HELP_FLAGS):
        chosen = [argument for argument in arguments if not argument.startswith("-")]
        print_help("run", PURPOSE, EXAMPLES, "config", chosen)
        return
    with ending():
        arguments = sys.argv[1:] = cli.as_meant("config", arguments)
        check_line(arguments)
    if cli.is_sweep(arguments):
        output_dir = to_run(cli.compose_config("config", cli.jobs_of(arguments)[0])).output_dir
        with ending(output_dir=output_dir):
            sys.exit(sweep(arguments, expanded(output_dir), job))
    job()


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="config")
def job(cfg: DictConfig) -> None:
    """One job of Hydra's: a single experiment, whose mistakes are told without a traceback, or one of a sweep."""
    quiet()
    run = to_run(cfg)
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        attempt(run, execute)
        return
    with ending(output_dir=run.output_dir, cache_dir=run.cache_dir):
        if run.plan:
            show_plan(run)
            return
        path = execute(run)
        result = json.loads(path.read_text())
        if "quality" in result:
            print_quality(result["quality"], result["methods"]["distilled"].get("teacher_agreement"))
        print_results(result)
        announce(f"result: {path.resolve()}")


register()

if __name__ == "__main__":
    main()
