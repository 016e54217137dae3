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

from reviews import write_reviews

from textdd.evaluation.cost import resident_peak

HERE = Path(__file__).with_suffix("")
DATASET = {"name": "amazon_polarity", "hub": "none/none", "text": ["title", "content"], "classes": ["bad", "good"]}
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
        data = folder / DATASET["name"]
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
        "seconds to hash, count and tokenise": f"{first['seconds']:.0f}",
        "processor seconds of tokenising": f"{first['processor']:.0f}",
        "texts per second": f"{everything / first['seconds']:,.0f}",
        "texts per processor second": f"{everything / first['processor']:,.0f}",
        "peak resident memory of tokenising, all processes": f"{first['peak'] / 1e6:,.0f} MB",
        "seconds of loading in the second process": f"{second['seconds']:.1f}",
        "processor seconds of loading": f"{second['processor']:.1f}",
        "seconds to learn word vectors (embedding=corpus)": f"{second['vectors']:.0f}",
        "peak resident memory of the second process": f"{second['peak'] / 1e6:,.0f} MB",
        f"a random batch of {BATCH} from memory, processor time": f"{second['warm']:.2f} ms",
        f"a random batch of {BATCH} from disk, on the clock": f"{second['cold']:.2f} ms",
        "an outer step of the default, processor time": f"{second['outer']:.0f} ms",
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
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(proportional, tree(process.pid))))
        time.sleep(0.5)
    if process.returncode:
        sys.exit(process.returncode)
    facts = json.loads(process.stdout.read())
    return {**facts, "peak": max(peak, facts["peak"])}  # a look twice a second may miss a moment


def tree(pid: int) -> Iterator[int]:
    """A process and all that descend from it."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from tree(int(child))


def proportional(pid: int) -> int:
    """Resident bytes of a process, pages shared with others counted in part; 0 if it has just ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def load(folder: Path) -> tuple:
    """Load the corpus; returns it and the seconds that it took, on the clock and of the processor."""
    from textdd.corpora.corpus import load_corpus
    from textdd.corpora.sources import DatasetConfig

    start, processor = time.perf_counter(), time.process_time()
    corpus = load_corpus(DatasetConfig(**DATASET), str(folder), folder / "cache", seed=0)
    return corpus, {"seconds": time.perf_counter() - start, "processor": time.process_time() - processor}


def first(folder: Path) -> dict:
    """Tokenise."""
    facts = load(folder)[1]
    return {**facts, "peak": resident_peak()}


def second(folder: Path) -> dict:
    """Find the tokens, learn word vectors, draw random batches, take outer steps."""
    from textdd.outer.batches import OuterBatches
    from textdd.spaces.vectors import EmbeddingConfig, load_vectors

    corpus, facts = load(folder)
    tokens = corpus.train.store.folder / "tokens.bin"
    with tokens.open() as file:
        os.fdatasync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)  # the next reads are from the disk
    facts["cold"] = milliseconds(iter(OuterBatches(corpus.train, BATCH, 50, seed=0)), time.perf_counter)
    with tokens.open("rb", buffering=0) as file:
        while file.read(1 << 20):
            pass
    facts["warm"] = milliseconds(iter(OuterBatches(corpus.train, BATCH, 500, seed=1)), time.process_time)
    start = time.perf_counter()
    vectors = load_vectors(EmbeddingConfig(), corpus, None, folder / "cache", seed=0)
    facts["vectors"] = time.perf_counter() - start
    facts["outer"] = milliseconds(outer_steps(corpus, vectors), time.process_time)
    return {**facts, "peak": resident_peak()}


def outer_steps(corpus, vectors) -> Iterator[None]:  # noqa: ANN001
    """Take outer steps of the default on real batches; the teacher's opinion costs the same before its training."""
    from textdd.distillers.meta_gradient import MetaGradientConfig
    from textdd.outer.batches import OuterBatches
    from textdd.outer.distil import make_distiller
    from textdd.outer.teacher import Teacher
    from textdd.spaces.embedded import embed
    from textdd.students import STUDENTS, make_student
    from textdd.trainer import TrainerConfig, set_up_process

    set_up_process(TrainerConfig())
    student = make_student(STUDENTS["textcnn"][1](), vectors.table.shape[1], len(corpus.classes))
    distiller = make_distiller(MetaGradientConfig(), student, corpus, vectors, per_class=30, seed=0)
    distiller.teacher = Teacher(student, student.fresh(0))
    batches = [embed(vectors.table, batch) for batch in OuterBatches(corpus.train, BATCH, 21, seed=2)]
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
