"""Which method deserves to be the default: every distiller and every selector, on four corpora, at equal time.

    python experiments/accuracy.py data_dir=DIR embedding.path=DIR/vectors/glove_100d_10k.txt

Every distiller gets at most MINUTES of distilling; the default gets its own time too, at three budgets. Arguments are
passed on to every run. Runs that are finished are not repeated, so an interrupted comparison goes on where it stopped.
The results are written beside this file: one JSON per run, `table.md` and `picture.png`.
"""

import json
import subprocess
import sys
from pathlib import Path

from matplotlib.figure import Figure

HERE = Path(__file__).with_suffix("")
CORPORA = {"ag_news": 30, "dbpedia": 40, "sst2": 30, "trec6": 9}
"""Corpus -> examples per class at the paper's budget."""

BUDGETS = {"ag_news": (1, 3), "dbpedia": (1, 4), "sst2": (1, 3), "trec6": (1, 3)}
"""Corpus -> smaller numbers of examples per class, for the default."""

MINUTES = 3
DISTILLERS = (
    "meta_gradient",
    "kernel_ridge",
    "distribution_matching",
    "gradient_matching",
    "trajectory_matching",
    "label_distillation",
    "paper",
    "chain",
)
SELECTORS = ("random", "herding", "k_center", "k_means")


def plan() -> dict[str, list[str]]:
    """Every run: name -> its options."""
    runs = {}
    for dataset, per_class in CORPORA.items():
        full = [f"dataset={dataset}", f"per_class={per_class}", f"evaluation.selectors=[{','.join(SELECTORS)}]"]
        for distiller in DISTILLERS:
            minutes = MINUTES / 2 if distiller == "trajectory_matching" else MINUTES  # its experts take as long
            runs[f"{dataset}-{distiller}"] = [*full, f"distiller={distiller}", f"distiller.minutes={minutes}"]
        runs[f"{dataset}-default-{per_class}"] = full
        for fewer in BUDGETS[dataset]:
            runs[f"{dataset}-default-{fewer}"] = [f"dataset={dataset}", f"per_class={fewer}"]
    return runs


def run(name: str, options: list[str], arguments: list[str]) -> dict:
    """Run one experiment, or find its result."""
    path = HERE / f"{name}.json"
    if not path.exists():
        command = [sys.executable, "-m", "textdd.run", "embedding=glove", *options, *arguments]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        result = json.loads(Path(output.strip().splitlines()[-1].removeprefix("result: ")).read_text())
        kept = {key: value for key, value in result.items() if key not in ("config", "artifact")}
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(kept, indent=1) + "\n")
    return json.loads(path.read_text())


def row(what: str, scored: dict, result: dict) -> list[str]:
    """One line of the table: a method, where it was measured, and what it reached and cost."""
    accuracy, variants = scored["accuracy"], scored.get("variants", {})
    plain = f"{variants['plain_recipe']['accuracy']['mean']:.4f}" if "plain_recipe" in variants else ""
    return [
        f"{result['dataset']}, {result['per_class']}",
        what,
        f"{accuracy['mean']:.4f} ± {accuracy['std']:.4f}",
        f"{scored['recovery']:.3f}",
        plain,
        f"{scored['seconds']:.0f}",
        f"{scored['bytes'] / 1000:.0f} kB",
    ]


def table(results: dict[str, dict]) -> str:
    """All results as Markdown: distillers by name, and once per corpus its selectors and its full data."""
    lines = [["corpus, per class", "method", "accuracy", "recovery", "plain recipe", "seconds", "bytes"]]
    lines.append(["---", "---", *["---:"] * 5])
    seen = set()
    for name, result in results.items():
        lines.append(row(name.removeprefix(result["dataset"] + "-"), result["methods"]["distilled"], result))
        for method, scored in result["methods"].items():
            key = (result["dataset"], result["per_class"], method)
            if method != "distilled" and key not in seen:
                seen.add(key)
                lines.append(row(method, scored, result))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def picture(results: dict[str, dict], path: Path) -> None:
    """Accuracy against seconds of distilling, a panel per corpus, at the paper's budget."""
    figure = Figure(figsize=(4 * len(CORPORA), 4), layout="constrained")
    for axes, (dataset, per_class) in zip(figure.subplots(1, len(CORPORA)), CORPORA.items(), strict=True):
        for name, result in results.items():
            if (result["dataset"], result["per_class"]) == (dataset, per_class):
                scored = result["methods"]["distilled"]
                axes.errorbar(scored["seconds"], scored["accuracy"]["mean"], scored["accuracy"]["std"], fmt="o")
                axes.annotate(
                    name.removeprefix(dataset + "-"), (scored["seconds"], scored["accuracy"]["mean"]), fontsize=7
                )
                axes.axhline(result["methods"]["full"]["accuracy"]["mean"], color="gray", linestyle="--")
        axes.set(title=f"{dataset}, {per_class} per class", xlabel="seconds of distilling", ylabel="test accuracy")
    figure.savefig(path, dpi=120)


def main() -> None:
    """Run what is missing; an interrupted comparison leaves a table and a picture of what it has."""
    results = {}
    for name, options in plan().items():
        results[name] = run(name, options, sys.argv[1:])
        (HERE / "table.md").write_text(table(results))
        picture(results, HERE / "picture.png")
    sys.stdout.write(table(results))


if __name__ == "__main__":
    main()
