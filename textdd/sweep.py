"""A sweep: many jobs from one command line, of which each may fail alone; told as they end, summed up at the end.

Hydra makes the jobs and starts them: one after the other (its basic launcher), in parallel processes (joblib) or on a
cluster (submitit). Wherever a job runs, it leaves its log and its outcome in the sweep's folder, where the process that
was started by hand finds them.
"""

from __future__ import annotations

import dataclasses
import io
import json
import shlex
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, cast

from hydra.core.hydra_config import HydraConfig

from textdd.cli import compose_config, jobs_of
from textdd.config import RunConfig
from textdd.errors import MissingCorpus, TextddError
from textdd.places import short_name
from textdd.prepare import short_hash
from textdd.progress import console, say
from textdd.record import write_json
from textdd.report.terminal import Failure, print_sweep
from textdd.screen import Console, announce
from textdd.students.mixed import called
from textdd.typed import expanded, written

POLL_SECONDS = 0.5

PLUGINS = {
    "joblib": "hydra-joblib-launcher",
    "submitit_local": "hydra-submitit-launcher",
    "submitit_slurm": "hydra-submitit-launcher",
}
"""Hydra's launchers that are packages of their own."""


@dataclasses.dataclass
class Outcome:
    """What became of a job.

    Attributes:
        state: `finished`, `failed`, `missing` (its corpus is not at hand) or `killed` (it left no word).
        result: path of its result.json.
        error: the kind of its error and what it says.
        trace: the error's traceback.
        dataset: its corpus.
    """

    state: str = "killed"
    result: str = ""
    error: str = "ended without a word: killed, out of memory, or never begun"
    trace: str = ""
    dataset: str = ""


def check_launcher(arguments: list[str]) -> None:
    """Check what a command line tells Hydra itself.

    Raises:
        TextddError: a launcher that is not installed, or an option that Hydra or the launcher does not have.
    """
    for argument in arguments:
        name = argument.removeprefix("hydra/launcher=")
        if name in PLUGINS and name != argument:
            try:
                version(PLUGINS[name])
            except PackageNotFoundError as error:
                raise TextddError(
                    f"Got {argument}, but {PLUGINS[name]} is not installed. Type: pip install 'textdd[launchers]'"
                ) from error
    compose_config("config", [argument for argument in arguments if argument.startswith("hydra")], with_hydra=True)


def command(overrides: list[str]) -> str:
    """What to type to run one job alone."""
    return f"python -m textdd.run {shlex.join(overrides)}"


def failure(run: RunConfig) -> Path:
    """The file that a failed job leaves for the report, named after all that it was asked to do."""
    size = f"budget-{run.budget:g}" if run.per_class is None and run.budget is not None else run.per_class or "paper"
    options = dataclasses.asdict(run)
    for place in ("data_dir", "cache_dir", "output_dir", "overwrite", "logger"):
        del options[place]
    choices = f"{called(run.model)}-{run.embedding.name}-{run.distiller.name}"
    name = short_name(f"{run.dataset.name}-{size}-{choices}-s{run.seed}")
    return expanded(run.output_dir) / "failed" / f"{name}-{short_hash(options)}.json"


def attempt(run: RunConfig, execute: Callable[[RunConfig], Path]) -> None:
    """Run one job in whichever process Hydra's launcher chose; what goes wrong is recorded and stops no other job."""
    hydra = HydraConfig.get()
    folder, number = Path(hydra.sweep.dir), hydra.job.num
    overrides = list(hydra.overrides.task)
    outcome = Outcome(error="", dataset=run.dataset.name)
    with logged(folder / f"{number}.log", number):
        say(command(overrides))
        try:
            outcome.state, outcome.result = "finished", str(execute(run).resolve())
            say(f"result: {outcome.result}")
        except Exception as error:
            outcome.state = "missing" if isinstance(error, MissingCorpus) else "failed"
            outcome.error, outcome.trace = f"{type(error).__name__}: {error}", traceback.format_exc()
    if outcome.state != "finished":
        with (folder / f"{number}.log").open("a") as log:
            log.write(outcome.trace)
    if outcome.state == "failed":
        facts = {"command": command(overrides), "error": outcome.error, "traceback": outcome.trace}
        write_json(failure(run), {**facts, "options": dataclasses.asdict(run)})
    write_json(folder / f"{number}.json", dataclasses.asdict(outcome))


class JobLog(io.TextIOBase):
    """Where a job's remarks go: its own log, and the screen behind the job's number, since jobs may be parallel.

    Args:
        path: the log; a job that is started again goes on in it.
        number: the job's.
    """

    def __init__(self, path: Path, number: int) -> None:
        self.file, self.mark = path.open("a"), f"[{number}] "

    def write(self, text: str) -> int:
        """Write whole lines to both."""
        self.file.write(text)
        self.file.flush()
        sys.stderr.write("".join(self.mark + line for line in text.splitlines(keepends=True)))
        return len(text)

    def close(self) -> None:
        """Close the log."""
        self.file.close()
        super().close()


@contextmanager
def logged(path: Path, number: int) -> Iterator[None]:
    """Send remarks and progress to a job's log as well; it is no terminal, so progress comes as lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    before = console.file
    with JobLog(path, number) as log:
        console.file = cast(IO[str], log)
        try:
            yield
        finally:
            console.file = before


def sweep(arguments: list[str], output_dir: Path, launch: Callable[[], None]) -> int:
    """Run a sweep, tell of its jobs as they end, and sum them up.

    The same command line has the same folder, so that a sweep that was killed goes on in it.

    Args:
        arguments: the command line without the program.
        output_dir: where the sweep's folder is made.
        launch: hands the command line in sys.argv to Hydra, and returns when all jobs have ended.

    Returns:
        The exit status: 0 if no job failed, or was killed, and at least one finished.
    """
    jobs, folder = jobs_of(arguments), output_dir / "sweeps" / short_hash(arguments)
    for old in folder.glob("*.json"):
        old.unlink()
    say(f"sweep of {len(jobs)} jobs; their logs: {folder}/NUMBER.log")
    sys.argv[1:] = [*arguments, f"hydra.sweep.dir={written(str(folder))}"]
    watch = Watch(folder, len(jobs))
    watch.start()
    try:
        launch()
    finally:  # Hydra exits by itself where a launcher breaks down
        watch.stop()
        outcomes = [watch.outcomes.get(number, Outcome()) for number in range(len(jobs))]
        print_summary(jobs, outcomes, folder)
    states = {outcome.state for outcome in outcomes}
    return 0 if states <= {"finished", "missing"} and "finished" in states else 1


class Watch(threading.Thread):
    """Tells of every job as soon as its outcome is there, whichever process or machine it ran on.

    Args:
        folder: the sweep's.
        jobs: how many there are.

    Attributes:
        outcomes: those seen so far, by the job's number.
    """

    def __init__(self, folder: Path, jobs: int) -> None:
        super().__init__(daemon=True)
        self.folder, self.jobs, self.outcomes = folder, jobs, dict[int, Outcome]()
        self.screen, self.ended = Console(stderr=True), threading.Event()

    def run(self) -> None:
        """Look again and again."""
        while not self.ended.wait(POLL_SECONDS):
            self.look()

    def look(self) -> None:
        """Tell what is new."""
        for number in range(self.jobs):
            path = self.folder / f"{number}.json"
            if number not in self.outcomes and path.exists():
                outcome = self.outcomes[number] = Outcome(**json.loads(path.read_text()))
                heading = f"job {number} {outcome.state}, {len(self.outcomes)} of {self.jobs} have ended"
                self.screen.print(heading, style="bold red" if outcome.state == "failed" else "bold", highlight=False)
                if outcome.state == "failed":
                    self.screen.print(outcome.trace, markup=False, highlight=False, soft_wrap=True)
                elif outcome.state == "finished":
                    announce(f"result: {outcome.result}")

    def stop(self) -> None:
        """Stop looking, after one last look."""
        self.ended.set()
        self.join()
        self.look()


def print_summary(jobs: list[list[str]], outcomes: list[Outcome], folder: Path) -> None:
    """Print what finished, which corpora are not at hand, and what failed with the command to run it again."""
    finished = [json.loads(Path(o.result).read_text()) for o in outcomes if o.state == "finished"]
    missing = {o.dataset: o.error.partition(": ")[2] for o in outcomes if o.state == "missing"}
    shared = set.intersection(*map(set, jobs)) if len(jobs) > 1 else set()
    failed = [
        Failure(
            number, " ".join(o for o in job if o not in shared), outcome.error, folder / f"{number}.log", command(job)
        )
        for number, (job, outcome) in enumerate(zip(jobs, outcomes, strict=True))
        if outcome.state in ("failed", "killed")
    ]
    print_sweep(finished, missing, failed)
