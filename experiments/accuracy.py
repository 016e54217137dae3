"""Which method deserves to be the default: every distiller and every selector, on four corpora, at equal time.

    python experiments/accuracy.py data_dir=DIR embedding.path=DIR/vectors/glove_100d_10k.txt

The default gets its own time, at three budgets with all selectors beside it, and longer on two corpora; every distiller
gets MINUTES. Runs that are finished are not repeated, so an interrupted comparison goes on where it stopped.
`only=TEXT` does the runs whose name contains TEXT, such as default or trec6; `jobs=2` does two at a time with one
thread each, which uses two cores better but takes each of them longer. All other arguments are passed on to every run.
The results are written beside this file: one JSON per run, `main.md` and `main.png` (the table and the picture that the
README opens with), `distillers.md`, `budgets.md`, `all.md` and `all.png`.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from threading import Lock

from matplotlib.figure import Figure

from textdd.report.figures import accuracy_against_steps
from textdd.report.paper import PAPER
from textdd.report.terminal import readable

HERE = Path(__file__).with_suffix("")
CORPORA = {"ag_news": 30, "dbpedia": 40, "sst2": 30, "trec6": 9}
"""Corpus -> examples per class at the paper's budget: 0.1 % of the original corpora for ag_news and dbpedia."""

FEWER = {"ag_news": (1, 3), "dbpedia": (1, 4), "sst2": (1, 3), "trec6": (1, 3)}
"""Corpus -> smaller numbers of examples per class, for the default."""

LONGER = {
    "ag_news-longer-30": ("minutes=9",),
    "ag_news-hour-30": ("minutes=35", "inner_steps=48"),
    "dbpedia-longer-40": ("minutes=12", "pieces=2"),
    "dbpedia-hour-40": ("minutes=25", "inner_steps=48", "pieces=2"),
}
"""Longer run at the paper's budget -> its options, which are not the default's."""

MINUTES, PAPER_MINUTES = 1, 2
"""Of distilling on two cores, counted; a job with one thread takes up to twice as long. The paper's settings get more:
their texts are as long as real ones."""

DISTILLERS = (
    "paper",
    "meta_gradient",
    "kernel_ridge",
    "distribution_matching",
    "gradient_matching",
    "trajectory_matching",
    "label_distillation",
    "chain",
)
BRIEF = ("evaluation.texts=1000", "evaluation.transfer=[]")
"""What the comparison of distillers, each beside random texts, leaves out to be done in an hour."""

SELECTORS = ("random", "herding", "k_center", "k_means")
Results = dict[str, dict]


def plan() -> dict[str, list[str]]:
    """Every run: name -> its options. Neighbours are of different corpora, so that jobs do not wait for each other."""
    selectors = f"evaluation.selectors=[{','.join(SELECTORS)}]"
    runs = {}
    for dataset, per_class in CORPORA.items():
        runs[f"{dataset}-default-{per_class}"] = [f"per_class={per_class}", selectors]
    for i in range(2):
        for dataset, fewer in FEWER.items():
            runs[f"{dataset}-default-{fewer[i]}"] = [f"per_class={fewer[i]}", selectors]
    for name, longer in LONGER.items():
        runs[name] = [f"per_class={name.split('-')[-1]}", *(f"distiller.{option}" for option in longer)]
    for distiller in DISTILLERS:
        minutes = PAPER_MINUTES if distiller == "paper" else MINUTES
        for dataset, per_class in CORPORA.items():
            options = [f"per_class={per_class}", f"distiller={distiller}", f"distiller.minutes={minutes}"]
            runs[f"{dataset}-{distiller}"] = [*options, *BRIEF]
    return {name: [f"dataset={name.split('-')[0]}", *options] for name, options in runs.items()}


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


def accuracy(scored: dict) -> str:
    """Mean and standard deviation."""
    return f"{scored['accuracy']['mean']:.4f} ± {scored['accuracy']['std']:.4f}"


def in_pieces(scored: dict) -> str:
    """The same of the texts of a selector, cut into pieces."""
    return accuracy(scored["variants"]["in_pieces"]) if "in_pieces" in scored["variants"] else "not run"


def markdown(lines: list[list[str]], left: int = 1) -> str:
    """A table; the first columns are text, the others numbers."""
    rule = ["---"] * left + ["---:"] * (len(lines[0]) - left)
    return "\n".join("| " + " | ".join(line) + " |" for line in (lines[0], rule, *lines[1:])) + "\n"


def main_table(results: Results) -> str:
    """The default at the paper's budget: a row per way to train, a column per corpus."""
    head, rows = ["test accuracy of a TextCNN trained on"], {}
    for dataset, per_class in CORPORA.items():
        if f"{dataset}-default-{per_class}" not in results:
            continue
        head.append(f"{dataset}, {per_class} per class")
        methods = results[f"{dataset}-default-{per_class}"]["methods"]
        distilled, random, full = methods["distilled"], methods["random"], methods["full"]
        paper = results.get(f"{dataset}-paper")
        others = {}
        for name in SELECTORS[1:]:
            others[f"{name} texts, tuned"] = accuracy(methods[name])
            others[f"{name} texts in pieces, tuned"] = in_pieces(methods[name])
        cells = {
            "**distilled** (`distiller=meta_gradient`)": f"**{accuracy(distilled)}**",
            "- with hard labels": accuracy(distilled["variants"]["hard_labels"]),
            "- with a plain recipe (Adam, shuffled)": accuracy(distilled["variants"]["plain_recipe"]),
            "- training another student (fastText)": accuracy(distilled["transfer"]["fasttext"]),
            "random texts, tuned": accuracy(random),
            "- in pieces": in_pieces(random),
            "- with a teacher's soft labels": accuracy(random["variants"]["teacher_labels"]),
            "- training another student (fastText)&nbsp;": accuracy(random["transfer"]["fasttext"]),
            **others,
            "distilled as the paper describes (`distiller=paper`)": accuracy(paper["methods"]["distilled"])
            if paper
            else "not run",
            "full data": accuracy(full),
            "share of full accuracy kept": f"{distilled['recovery']:.3f}",
            "seconds of distilling": f"{distilled['seconds']:.0f}",
            "bytes: distilled / full text": f"{readable(distilled['bytes'])} / {readable(full['bytes'])}",
            "*the paper's own: distilled / random / full*": " / ".join(f"{value:.4f}" for value in PAPER[dataset][1:])
            if dataset in PAPER
            else "not in it",
        }
        for name, cell in cells.items():
            rows.setdefault(name, []).append(cell)
    known = {name: cells for name, cells in rows.items() if set(cells) != {"not run"}}
    return markdown([head, *([name, *cells] for name, cells in known.items())])


def distillers_table(results: Results) -> str:
    """Every distiller's own recipe, plain recipe and seconds, a column per corpus."""
    lines = [["distiller", *(f"{dataset}, {per_class} per class" for dataset, per_class in CORPORA.items())]]
    for distiller in DISTILLERS:
        cells = []
        for dataset in CORPORA:
            cells.append("not run")
            if result := results.get(f"{dataset}-{distiller}"):
                scored = result["methods"]["distilled"]
                plain = scored["variants"]["plain_recipe"]["accuracy"]["mean"]
                cells[-1] = f"{accuracy(scored)} / {plain:.4f} / {scored['seconds']:.0f} s"
        if set(cells) != {"not run"}:
            lines.append([f"`{distiller}`", *cells])
    return markdown(lines)


def budgets_table(results: Results) -> str:
    """The default at every size that was run, beside the best selector and the full data."""
    scores = ["distilled", "with a plain recipe", "best selector", ""]
    lines = [["corpus, per class", *scores, "full data", "share", "seconds"]]
    for dataset, per_class in CORPORA.items():
        defaults = {f"{dataset}, {size}": f"{dataset}-default-{size}" for size in (*FEWER[dataset], per_class)}
        longer = {
            f"{dataset}, {per_class}, {' '.join(options)}": name
            for name, options in LONGER.items()
            if name.startswith(dataset)
        }
        for what, name in (defaults | longer).items():
            if name in results:
                beside = results.get(f"{dataset}-default-{name.split('-')[-1]}", results[name])  # has all selectors
                methods = beside["methods"] | {"distilled": results[name]["methods"]["distilled"]}
                distilled, full = methods["distilled"], methods["full"]
                picked = {selector: methods[selector] for selector in SELECTORS if selector in methods}
                cut = {f"{name}, in pieces": scored["variants"].get("in_pieces") for name, scored in picked.items()}
                picked |= {name: scored for name, scored in cut.items() if scored}
                best = max(picked, key=lambda selector: picked[selector]["accuracy"]["mean"])
                shown = map(accuracy, (distilled, distilled["variants"]["plain_recipe"], picked[best]))
                facts = [accuracy(full), f"{distilled['recovery']:.3f}", f"{distilled['seconds']:.0f}"]
                made = results[name]["versions"]["textdd"]  # other versions have other defaults
                what += "" if made == version("textdd") else f" (textdd {made})"
                lines.append([what, *shown, best, *facts])
    return markdown(lines)


def row(what: str, scored: dict, result: dict) -> list[str]:
    """One line of the long table: a method, where it was measured, and what it reached and cost."""
    plain = scored.get("variants", {}).get("plain_recipe")
    return [
        f"{result['dataset']}, {result['per_class']}",
        what,
        accuracy(scored),
        f"{scored['recovery']:.3f}",
        accuracy(plain) if plain else "",
        f"{scored['seconds']:.0f}",
        readable(scored["bytes"]),
    ]


def all_table(results: Results) -> str:
    """All results: distillers by name, and once per corpus and budget its selectors and its full data."""
    lines, seen = [["corpus, per class", "method", "accuracy", "recovery", "plain recipe", "seconds", "bytes"]], set()
    for dataset in CORPORA:
        for name, result in results.items():
            if result["dataset"] == dataset:
                lines.append(row(name.removeprefix(f"{dataset}-"), result["methods"]["distilled"], result))
                for method, scored in result["methods"].items():
                    key = (result["per_class"], method)
                    if method != "distilled" and (dataset, *key) not in seen:
                        seen.add((dataset, *key))
                        lines.append(row(method, scored, result))
    return markdown(lines, left=2)


def picture(results: Results, path: Path) -> None:
    """Accuracy against seconds of distilling, a panel per corpus, at the paper's budget."""
    found = {(result["dataset"], result["per_class"]) for result in results.values()}
    shown = [corpus for corpus in CORPORA.items() if corpus in found]
    if not shown:
        return
    figure = Figure(figsize=(4 * len(shown), 4.6), layout="constrained")
    for axes, (dataset, per_class) in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        for i, method in enumerate(("default", *DISTILLERS)):
            result = results.get(f"{dataset}-{f'default-{per_class}' if method == 'default' else method}")
            if result:
                scored = result["methods"]["distilled"]
                where = (scored["seconds"], scored["accuracy"]["mean"], scored["accuracy"]["std"])
                axes.errorbar(*where, fmt="o", color=f"C{i}", label=method)
                full = result["methods"]["full"]["accuracy"]["mean"]
        axes.axhline(full, color="gray", linestyle="--", label="full data")
        axes.set(title=f"{dataset}, {per_class} per class", xlabel="seconds of distilling", ylabel="test accuracy")
    entries = {
        label: entry for axes in figure.axes for entry, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=5, frameon=False)
    figure.savefig(path, dpi=120)


def write(names: list[str]) -> None:
    """Tables and pictures of what there is."""
    found = {name: HERE / f"{name}.json" for name in names}
    results = {name: json.loads(path.read_text()) for name, path in found.items() if path.exists()}
    (HERE / "main.md").write_text(main_table(results))
    (HERE / "distillers.md").write_text(distillers_table(results))
    (HERE / "budgets.md").write_text(budgets_table(results))
    (HERE / "all.md").write_text(all_table(results))
    ours = [f"{dataset}-default-{per_class}" for dataset, per_class in CORPORA.items()]
    if any(name in results for name in ours):
        accuracy_against_steps([results[name] for name in ours if name in results], HERE / "main.png")
    picture(results, HERE / "all.png")


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
            write(list(runs))

    write(list(runs))
    with ThreadPoolExecutor(jobs) as executor:
        list(executor.map(work, (name for name in runs if own.get("only", "") in name)))
    sys.stdout.write((HERE / "all.md").read_text())


if __name__ == "__main__":
    main()
