"""The table and the picture that the README opens with: distilled vs random vs full on real corpora.

    python experiments/main_comparison.py data_dir=DIR embedding.path=DIR/vectors/glove_100d_10k.txt

Arguments are passed on to every run. Runs that are finished are not repeated, so an interrupted comparison goes on
where it stopped. The results are written beside this file: one JSON per run, `table.md` and `picture.png`.
"""

import json
import subprocess
import sys
from pathlib import Path

from textdd.report.figures import accuracy_against_steps
from textdd.report.terminal import readable

HERE = Path(__file__).with_suffix("")
CORPORA = {"ag_news": 30, "trec6": 9, "dbpedia": 40}
"""Corpus -> examples per class; 30 and 40 are the paper's 0.1 % of the original corpora."""

PAPER = {"ag_news": (0.8564, 0.7133, 0.8819), "dbpedia": (0.7998, 0.6910, 0.9779)}
"""Table 2 of Li & Li (2021): distilled, random, full."""


def run(dataset: str, distiller: str, arguments: list[str]) -> dict:
    """Run one experiment, or find its result."""
    path = HERE / f"{dataset}-{distiller}.json"
    if not path.exists():
        command = ["textdd.run", f"dataset={dataset}", f"per_class={CORPORA[dataset]}", "embedding=glove"]
        command = [sys.executable, "-m", *command, f"distiller={distiller}", *arguments]
        output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        result = json.loads(Path(output.strip().splitlines()[-1].removeprefix("result: ")).read_text())
        kept = {key: value for key, value in result.items() if key not in ("config", "artifact")}
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(kept, indent=1) + "\n")
    return json.loads(path.read_text())


def accuracy(scored: dict) -> str:
    """Mean and standard deviation."""
    return f"{scored['accuracy']['mean']:.4f} ± {scored['accuracy']['std']:.4f}"


def table(results: dict[str, dict[str, dict]]) -> str:
    """The comparison as Markdown: a row per way to train, a column per corpus."""
    rows: dict[str, list[str]] = {}
    for dataset, by_distiller in results.items():
        ours, paper = by_distiller["meta_gradient"]["methods"], by_distiller.get("paper")
        distilled, random, full = ours["distilled"], ours["random"], ours["full"]
        cells = {
            "**distilled** (`distiller=meta_gradient`)": f"**{accuracy(distilled)}**",
            "- with hard labels": accuracy(distilled["variants"]["hard_labels"]),
            "- with a plain recipe (Adam, shuffled)": accuracy(distilled["variants"]["plain_recipe"]),
            "- training another student (fastText)": accuracy(distilled["transfer"]["fasttext"]),
            "random texts, tuned": accuracy(random),
            "- with a teacher's soft labels": accuracy(random["variants"]["teacher_labels"]),
            "- training another student (fastText)&nbsp;": accuracy(random["transfer"]["fasttext"]),
            "distilled as the paper describes (`distiller=paper`)": accuracy(paper["methods"]["distilled"])
            if paper
            else "not run",
            "full data": accuracy(full),
            "share of full accuracy kept": f"{distilled['recovery']:.3f}",
            "seconds of distilling": f"{distilled['seconds']:.0f}",
            "bytes: distilled / full text": f"{readable(distilled['bytes'])} / {readable(full['bytes'])}",
            "*the paper's own: distilled / random / full*": " / ".join(map(str, PAPER.get(dataset, ("not in it",)))),
        }
        for name, cell in cells.items():
            rows.setdefault(name, []).append(cell)
    head = [f"{dataset}, {CORPORA[dataset]} per class" for dataset in results]
    lines = [["test accuracy of a TextCNN trained on", *head], ["---", *("---:" for _ in head)]]
    lines += [[name, *cells] for name, cells in rows.items()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def main() -> None:
    """Run what is missing; an interrupted comparison leaves a table and a picture of what it has."""
    arguments = sys.argv[1:]
    results: dict[str, dict[str, dict]] = {}
    for distiller in ("meta_gradient", "paper"):
        for dataset in CORPORA:
            results.setdefault(dataset, {})[distiller] = run(dataset, distiller, arguments)
            (HERE / "table.md").write_text(table(results))
            ours = [by_distiller["meta_gradient"] for by_distiller in results.values()]
            accuracy_against_steps(ours, HERE / "picture.png")
    sys.stdout.write(table(results))


if __name__ == "__main__":
    main()
