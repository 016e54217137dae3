"""What a set is worth for its bytes: parametrisations of distilled texts, fewer of them, and more real texts.

    python experiments/bytes.py dataset=ag_news per_class=30 embedding=glove data_dir=DIR \
        embedding.path=DIR/vectors/glove_100d_10k.txt distiller.minutes=1 evaluation.texts=1000 \
        evaluation.step_sizes=[0.001,0.003]

Validation accuracy; test texts are never read. Real texts are taught by a plain recipe of up to 800 steps of 64, tuned
as ever. Bytes are those of texts, labels and step sizes; word vectors are needed by all and not counted. Trials that
are finished are not repeated; `jobs=2` runs two at a time. The results are written beside this file: one JSON per
trial, `DATASET.md` and `DATASET.png`.
"""

import sys
from pathlib import Path

from matplotlib.figure import Figure
from trial import trials

from textdd.report.terminal import readable

HERE = Path(__file__).with_suffix("")
FREE, REAL = "free matrices", "real texts, random"
RANKS = {
    "low rank": ("low_rank", (1, 4)),
    "shared basis": ("basis", (8, 32)),
    "mixtures of words": ("mixture", (2, 8)),
}
"""Family -> its parametrisation, and the ranks that are tried."""

FEWER, MORE = (3, 10), (100, 300, 1000)
"""Examples per class that are tried of free matrices, and of real texts."""

TAUGHT_LONG = ("selector=random", "evaluation.steps=800", "evaluation.batch=64")
"""The options of real texts."""


def plan(per_class: int) -> dict[str, dict[str, list[str]]]:
    """Family -> what tells its sets apart -> the options of each."""
    size = f"per_class={per_class}"
    families = {FREE: {f"{n} per class": [f"per_class={n}"] for n in (*FEWER, per_class)}}
    families[FREE][f"{per_class} per class, whole"] = [size, "distiller.pieces=1"]
    for family, (name, ranks) in RANKS.items():
        families[family] = {
            f"rank {rank}": [size, f"distiller.parametrisation={name}", f"distiller.rank={rank}"] for rank in ranks
        }
    families[REAL] = {f"{n} per class": [f"per_class={n}", *TAUGHT_LONG] for n in (per_class, *MORE)}
    return families


def table(families: dict[str, dict[str, dict]]) -> str:
    """A line per set: its bytes, and its accuracies by its own recipe, if it has one, and by a plain one."""
    lines = ["| texts | bytes | own recipe | plain recipe |", "| --- | ---: | ---: | ---: |"]
    for family, sets in families.items():
        for name, result in sets.items():
            scored = [result.get(use) for use in ("own", "plain")]
            cells = [f"{scores['mean']:.4f} ± {scores['std']:.4f}" if scores else "" for scores in scored]
            lines.append(f"| {family}, {name} | {readable(result['bytes'])} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def picture(families: dict[str, dict[str, dict]], title: str, path: Path) -> None:
    """Accuracy against bytes, a line per family."""
    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axes = figure.subplots()
    for family, sets in families.items():
        names, results = zip(*sorted(sets.items(), key=lambda item: item[1]["bytes"]), strict=True)
        scored = [result.get("own", result["plain"]) for result in results]
        means, stds = ([scores[name] for scores in scored] for name in ("mean", "std"))
        sizes = [result["bytes"] for result in results]
        line = axes.errorbar(sizes, means, stds, fmt="o-", capsize=2, label=family)
        for name, size, mean in zip(names, sizes, means, strict=True):
            short, place = name.replace(" per class", "").replace("rank ", "R="), {"textcoords": "offset points"}
            axes.annotate(short, (size, mean), (4, 4), fontsize=8, color=line[0].get_color(), **place)
    axes.set(xscale="log", xlabel="bytes of the set", ylabel="validation accuracy", title=title)
    axes.margins(x=0.1)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Run what is missing, then write table and picture."""
    passed = [argument for argument in sys.argv[1:] if not argument.startswith("per_class=")]
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    dataset, per_class = given["dataset"], int(given["per_class"])
    families = plan(per_class)
    named = {f"{family}, {name}": options for family, sets in families.items() for name, options in sets.items()}
    results = trials(HERE / dataset, named, passed)
    found = {family: {name: results[f"{family}, {name}"] for name in sets} for family, sets in families.items()}
    (HERE / f"{dataset}.md").write_text(table(found))
    picture(found, f"{dataset}: examples per class, {per_class} where R is a rank", HERE / f"{dataset}.png")
    sys.stdout.write(table(found))


if __name__ == "__main__":
    main()
