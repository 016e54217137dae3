"""Which method deserves to be the default: every distiller and every selector, on four corpora, at equal time.

    python experiments/accuracy.py data_dir=DIR embedding.path=DIR/vectors/glove_100d_10k.txt

The default gets its own time, at three budgets with all selectors beside it, and more on every corpus once; every
distiller gets MINUTES. Runs that are finished are not repeated, so an interrupted comparison goes on where it stopped.
`only=TEXT` does the runs whose name contains TEXT, such as default or trec6; `jobs=2` does two at a time with one
thread each, which uses two cores better but takes each of them longer. All other arguments are passed on to every run.
The results are written beside this file: one JSON per run, `main.md` and `main.png` (the table and the picture that the
README opens with), `selectors.md`, `distillers.md`, `budgets.md`, `all.md` and `all.png`.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from accuracy_plan import CORPORA, plan
from accuracy_tables import write

HERE = Path(__file__).with_suffix("")


def run(name: str, options: list[str], arguments: list[str], threads: int) -> None:
    """Run one experiment and keep its result, unless it is there."""
    path = HERE / f"{name}.json"
    if not path.exists():
        command = [sys.executable, "-m", "textdd.run", "embedding=glove", *options, *arguments]
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
        result = json.loads(Path(output.strip().splitlines()[-1].removeprefix("result: ")).read_text())
        kept = {key: value for key, value in result.items() if key not in ("config", "artifact")}
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(kept, indent=1) + "\n")


def finished(names: list[str]) -> dict[str, dict]:
    """The results that there are."""
    paths = {name: HERE / f"{name}.json" for name in names}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}


def main() -> None:
    """Run what is missing; an interrupted comparison leaves tables and pictures of what it has."""
    own = dict(argument.split("=", 1) for argument in sys.argv[1:] if argument.startswith(("only=", "jobs=")))
    passed = [argument for argument in sys.argv[1:] if not argument.startswith(("only=", "jobs="))]
    jobs, runs = int(own.get("jobs", 1)), plan()
    threads = max(1, (os.cpu_count() or 1) // jobs)
    # Runs on the same corpus share its baselines, so they follow one another.
    turns, writing = {dataset: Lock() for dataset in CORPORA}, Lock()

    def work(name: str) -> None:
        with turns[name.split("-")[0]]:
            run(name, runs[name], passed, threads)
        with writing:
            write(finished(list(runs)), HERE)

    write(finished(list(runs)), HERE)
    with ThreadPoolExecutor(jobs) as executor:
        list(executor.map(work, (name for name in runs if own.get("only", "") in name)))
    sys.stdout.write((HERE / "all.md").read_text())


if __name__ == "__main__":
    main()
