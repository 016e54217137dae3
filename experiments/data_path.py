"""Does the data path carry millions of texts: time and memory of tokenising, of the next start, of a random batch.

    python experiments/data_path.py [texts=3600000] [folder=/tmp]

Made-up reviews in the size of Amazon Polarity are written below the folder (4 GB of disk with their tokens, removed
afterwards), tokenised, and read again by a second process. The result is written beside this file, as `table.md`.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import torch
from reviews import write_reviews

from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.corpora.corpus import load_corpus
from textdd.distillers.meta_gradient import MetaGradientConfig
from textdd.evaluation.cost import resident_peak
from textdd.outer.batches import OuterBatches
from textdd.outer.distil import make_distiller
from textdd.outer.teacher import Teacher
from textdd.prepare import prepare
from textdd.problem import Problem
from textdd.trainer import TrainerConfig, set_up_process

HERE = Path(__file__).with_suffix("")
BATCH = 128
BYTES_PER_TEXT = 1_100


def main() -> None:
    """Write the reviews, start two processes one after the other, and write the table."""
    options = dict(argument.split("=") for argument in sys.argv[1:])
    texts, place = int(options.get("texts", 3_600_000)), options.get("folder")
    with tempfile.TemporaryDirectory(dir=place) as name:
        folder = Path(name)
        if shutil.disk_usage(folder).free < texts * BYTES_PER_TEXT:
            sys.exit(f"{folder} has too little room for {texts} texts and their tokens. Type: folder=/another")
        data = folder / "amazon_polarity"
        data.mkdir()
        write_reviews(data / "train.csv", texts, seed=0)
        write_reviews(data / "test.csv", texts // 9, seed=1)
        size = sum(path.stat().st_size for path in data.iterdir())
        first, second = measured("first", folder), measured("second", folder)
    table = report(texts, size, first, second)
    HERE.mkdir(exist_ok=True)
    (HERE / "table.md").write_text(table)
    sys.stdout.write(table)


def report(texts: int, size: int, first: dict, second: dict) -> str:
    """The figures as Markdown, with what they were measured by and on."""
    everything = texts + texts // 9
    rows = {
        "texts, training + test": f"{texts:,} + {texts // 9:,}",
        "size of the csv files": f"{size / 1e9:.2f} GB",
        "seconds to hash and keep the texts": f"{first['kept']:.0f}",
        "seconds of that, of tokenising and of learning word vectors": f"{first['seconds']:.0f}",
        "processor seconds of the first process": f"{first['processor']:.0f}",
        "texts per second": f"{everything / first['seconds']:,.0f}",
        "peak resident memory of this, all processes": f"{first['peak'] / 1e6:,.0f} MB",
        "- without pages of files, which the system takes back when it needs room": f"{first['own'] / 1e6:,.0f} MB",
        "seconds of loading in the second process": f"{second['seconds']:.1f}",
        "processor seconds of loading": f"{second['processor']:.1f}",
        "peak resident memory of the second process": f"{second['peak'] / 1e6:,.0f} MB",
        "- without pages of files": f"{second['own'] / 1e6:,.0f} MB",
        f"a random batch of {BATCH} from memory, processor time": f"{second['warm']:.2f} ms",
        f"a random batch of {BATCH} from disk, on the clock": f"{second['cold']:.2f} ms",
        "an outer step of the default, processor time of one thread": f"{second['outer']:.0f} ms",
        "a batch from memory as a share of an outer step": f"{second['warm'] / second['outer']:.2%}",
    }
    load = f"{max(0.0, os.getloadavg()[2]):.1f} other processes ran on average"
    return (
        f"Made by `python {' '.join(sys.argv)}` on {date.today()}: {os.cpu_count()} cores of {platform.machine()}, "
        f"no GPU; load of the machine during the last 15 minutes {load}.\n\n| what | |\n| --- | ---: |\n"
        + "".join(f"| {what} | {figure} |\n" for what, figure in rows.items())
    )


def measured(part: str, folder: Path) -> dict:
    """Run a part in a process of its own; add the most memory that it and its children held at once, in bytes."""
    process = subprocess.Popen([sys.executable, __file__, part, str(folder)], stdout=subprocess.PIPE, text=True)
    peak = own = 0
    while process.poll() is None:
        found = [resident(pid) for pid in tree(process.pid)]
        peak, own = (max(most, sum(part)) for most, part in zip((peak, own), zip(*found, strict=True), strict=True))
        time.sleep(0.5)
    if process.returncode:
        sys.exit(process.returncode)
    facts = json.loads(process.stdout.read())
    return {**facts, "own": own, "peak": max(peak, facts["peak"])}  # a look twice a second may miss a moment


def tree(pid: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from tree(int(child))


def resident(pid: int) -> tuple[int, int]:
    """Resident bytes of a process, pages shared with others counted in part; those of no file; 0 if it ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0
    sizes = {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines[1:])}
    return sizes.get("Pss", 0), sizes.get("Pss_Anon", 0)


def load(folder: Path) -> tuple[Problem, dict]:
    """Load the corpus and read it in its words, each on the clock; returns what a run starts from, too."""
    register()
    places = [f"data_dir={folder}", f"cache_dir={folder / 'cache'}", "logger=none"]
    run = to_run(compose_config("config", ["dataset=amazon_polarity", "per_class=30", *places]))
    start, processor = time.perf_counter(), time.process_time()
    corpus = load_corpus(run.dataset, run.data_dir, Path(run.cache_dir), run.seed)
    kept = time.perf_counter() - start
    problem = prepare(run)
    facts = {"kept": kept, "seconds": time.perf_counter() - start, "processor": time.process_time() - processor}
    assert problem.corpus.key == corpus.key
    return problem, facts


def first(folder: Path) -> dict:
    """Keep the texts, count and tokenise, learn word vectors."""
    return {**load(folder)[1], "peak": resident_peak()}


def second(folder: Path) -> dict:
    """Find all that, draw random batches, take outer steps."""
    problem, facts = load(folder)
    files = list((folder / "cache").rglob("*tokens*"))
    for path in files:
        with path.open("rb") as file:
            os.fdatasync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # the next reads are from the disk
    facts["cold"] = milliseconds(iter(OuterBatches(problem.train, BATCH, 50, seed=0)), time.perf_counter)
    for path in files:
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
    facts["warm"] = milliseconds(iter(OuterBatches(problem.train, BATCH, 500, seed=1)), time.process_time)
    facts["outer"] = milliseconds(outer_steps(problem), time.process_time)
    return {**facts, "peak": resident_peak()}


def outer_steps(problem: Problem) -> Iterator[None]:
    """Take outer steps of the default on real batches; the teacher's opinion costs the same before its training."""
    set_up_process(TrainerConfig())
    torch.set_num_threads(1)  # threads that wait for one another would count as busy
    distiller, reader = make_distiller(MetaGradientConfig(), problem), problem.reader()
    distiller.teacher = Teacher(problem.student, problem.student.fresh(0))
    batches = [reader(batch) for batch in OuterBatches(problem.train, BATCH, 21, seed=2)]
    optimiser = distiller.configure_optimizers()["optimizer"]
    for step, batch in enumerate(batches):
        optimiser.zero_grad()
        distiller.objective(batch, step).backward()
        optimiser.step()
        yield


def milliseconds(repetitions: Iterator, clock: Callable[[], float]) -> float:
    """Mean time of one repetition; the first is not counted."""
    next(repetitions)
    start = clock()
    count = sum(1 for _ in repetitions)
    return (clock() - start) / count * 1e3


if __name__ == "__main__":
    if sys.argv[1:2] in (["first"], ["second"]):
        part = {"first": first, "second": second}[sys.argv[1]]
        sys.stdout.write(json.dumps(part(Path(sys.argv[2]))))
    else:
        main()
