"""A search for the default: one option after another, at equal time, by validation accuracy over several corpora.

    python experiments/search.py embedding=glove data_dir=DIR embedding.path=DIR/vectors/glove_100d_10k.txt \
        distiller.minutes=0.6 evaluation.texts=1000 evaluation.step_sizes=[0.001,0.003] jobs=2

Coordinate search: every value of an option is tried with the best values of the options before it, and takes the place
of the one there is if its score is higher by MARGIN. The score of a setting is the mean, over the corpora, of the
accuracies that its set reaches with its own and with a plain recipe: one setting has to serve all corpora and both
uses. Test texts are never read. Trials that are finished are not repeated; `jobs=2` runs two at a time. The results are
written beside this file.
"""

import sys
from pathlib import Path

from trial import trials

HERE = Path(__file__).with_suffix("")
CORPORA = {"ag_news": 30, "trec6": 9}
"""Corpus -> examples per class: a large one and a small one."""

MARGIN = 0.005
"""What a score has to gain: the same setting with another seed differs by about half of it."""

SPACE = {
    "inner_steps": ("24", "12", "48"),
    "truncation": ("none", "random distiller.window=12", "pool distiller.window=12"),
    "pieces": ("0", "1", "2"),
    "length": ("-1", "12", "24"),
    "step_size": ("0.004", "0.002", "0.008"),
    "outer_step_size": ("0.01", "0.005", "0.02"),
}
"""Option -> the value that the search starts from, then what else is tried, with what belongs to it."""


def score(setting: dict[str, str], arguments: list[str]) -> tuple[float, list[str]]:
    """The mean accuracy of a setting, and its cells in the table: own and plain, for each corpus."""
    options = " ".join(f"distiller.{name}={value}" for name, value in setting.items()).split()
    named = {
        " ".join([dataset, *options]): [f"dataset={dataset}", f"per_class={per_class}", *options]
        for dataset, per_class in CORPORA.items()
    }
    means = [result[use]["mean"] for result in trials(HERE, named, arguments).values() for use in ("own", "plain")]
    return sum(means) / len(means), [f"{mean:.4f}" for mean in means]


def main() -> None:
    """Search, writing the table as it grows."""
    arguments = sys.argv[1:]
    best = {name: values[0] for name, values in SPACE.items()}
    best_score, cells = score(best, arguments)
    head = ["changed", "score", *(f"{dataset}, {use}" for dataset in CORPORA for use in ("own", "plain"))]
    lines = [head, ["---", *["---:"] * (len(head) - 1)], ["start", f"{best_score:.4f}", *cells]]
    for name, values in SPACE.items():
        for value in values[1:]:
            scored, cells = score({**best, name: value}, arguments)
            lines.append([f"{name}={value}", f"{scored:.4f}", *cells])
            if scored > best_score + MARGIN:
                best_score, best = scored, {**best, name: value}
                lines[-1][0] += ", kept"
            (HERE / "table.md").write_text("".join("| " + " | ".join(line) + " |\n" for line in lines))
    sys.stdout.write(" ".join(f"distiller.{name}={value}" for name, value in best.items()) + "\n")


if __name__ == "__main__":
    main()
