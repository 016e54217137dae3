"""The page that a researcher gets: sweeps over corpora, budgets and seeds, and the report made from their results.

    python experiments/page.py data_dir=DIR embedding.path=DIR/vectors/glove_100d_10k.txt [jobs=2]

The first sweeps are `make figure4`, `make table2` and `make figure3`, but shorter, so that they end within the hour,
with whichever of the paper's corpora are at hand; the last two are of smaller corpora, at larger budgets. Jobs that are
finished are skipped, so an interrupted one goes on where it stopped, and what one sweep has is not made again by the
next. A corpus that is not at hand or too small for a budget stops no other and stands on the page. Tables and pictures
of the page are written beside this file. `jobs=2` runs two jobs at a time with one thread each; all other arguments are
passed on.
"""

import os
import shlex
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

HERE = Path(__file__).with_suffix("")
RUNS = Path("runs/page")
SWEEPS = (
    ["experiment=figure4", "seed=0,1"],
    ["experiment=table2", "seed=0,1"],
    ["experiment=figure3", "seed=0,1"],
    ["dataset=sst2", "budget=0.0001,0.001", "seed=0,1"],
    ["dataset=dbpedia,trec6", "budget=0.005,0.01", "seed=0,1"],
)
BRIEF = (
    "embedding=glove",
    "distiller.minutes=1",
    "evaluation.students=3",
    "evaluation.texts=1000",
    "evaluation.steps=200",
    "evaluation.step_sizes=[0.003]",
    "evaluation.transfer=[]",
    "evaluation.full.epochs=4",
    "evaluation.full.step_sizes=[0.001]",
    "logger=csv",
)
"""What makes the sweeps short."""

TABLES, FIGURES = ("table2", "uses", "costs"), ("figure3", "figure4", "seconds", "course", "step_sizes", "labels")


def main() -> None:
    """Run what is missing, make the report, and keep what can be read in a repository."""
    jobs = next((argument.removeprefix("jobs=") for argument in sys.argv[1:] if argument.startswith("jobs=")), "1")
    given = [argument for argument in sys.argv[1:] if not argument.startswith("jobs=")]
    launcher = ["hydra/launcher=joblib", f"hydra.launcher.n_jobs={jobs}"] if jobs != "1" else []
    threads = str(max(1, (os.cpu_count() or 1) // int(jobs)))
    environment = {**os.environ, "OMP_NUM_THREADS": threads}
    lines = []
    for sweep in SWEEPS:
        line = ["-m", "textdd.run", "-m", *sweep, *BRIEF, f"output_dir={RUNS}"]
        # A sweep with failed jobs exits with 1.
        subprocess.run([sys.executable, *line, *launcher, *given], env=environment, check=False)
        lines.append(shlex.join(["python", *line]))
    line = ["-m", "textdd.report", f"runs={RUNS}"]
    subprocess.run([sys.executable, *line], env=environment, check=True)
    lines.append(shlex.join(["python", *line]))
    write(lines, jobs)


def write(lines: list[str], jobs: str) -> None:
    """Keep the tables and pictures of the report."""
    report = RUNS / "report"
    shutil.rmtree(HERE, ignore_errors=True)
    HERE.mkdir()
    text = (
        f"Made by `python experiments/page.py jobs={jobs}` on {date.today()}, {os.cpu_count()} cores, no GPU. With a "
        "folder of corpora and vectors at hand, its commands are\n\n```\n" + "\n".join(lines) + "\n```\n\n"
    )
    text += "".join(f"{(report / 'tables' / f'{name}.md').read_text()}\n" for name in TABLES)
    for name in FIGURES:
        picture = report / "figures" / f"{name}.png"
        if picture.exists():
            shutil.copy(picture, HERE)
            text += f"![{name}]({picture.name})\n\n"
    (HERE / "README.md").write_text(text)


if __name__ == "__main__":
    main()
