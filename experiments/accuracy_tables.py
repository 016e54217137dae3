"""Tables and pictures of the comparison in accuracy.py, of whatever runs there are."""

from importlib.metadata import version
from pathlib import Path

from accuracy_plan import CORPORA, DISTILLERS, FEWER, LONGER, SELECTORS
from matplotlib.figure import Figure

from textdd.report.figures import accuracy_against_steps
from textdd.report.paper import PAPER
from textdd.report.terminal import readable

Results = dict[str, dict]


def accuracy(scored: dict) -> str:
    """Mean and standard deviation."""
    return f"{scored['accuracy']['mean']:.4f} ± {scored['accuracy']['std']:.4f}"


def picked(methods: dict[str, dict]) -> dict[str, dict]:
    """What every selector reached with its texts whole, in pieces, and with a teacher's labels."""
    found = {}
    for name in (name for name in SELECTORS if name in methods):
        variants = methods[name]["variants"]
        others = {f"{name}, {what.replace('_', ' ')}": scored for what, scored in variants.items()}
        found |= {name: methods[name], **others}
    return found


def best_of(scored: dict[str, dict]) -> str:
    """The name of the most accurate."""
    return max(scored, key=lambda name: scored[name]["accuracy"]["mean"])


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
        rivals = picked(methods)
        best = best_of(rivals)
        cells = {
            "**distilled** (`distiller=meta_gradient`)": f"**{accuracy(distilled)}**",
            "- with hard labels": accuracy(distilled["variants"]["hard_labels"]),
            "- with a plain recipe (Adam, shuffled)": accuracy(distilled["variants"]["plain_recipe"]),
            "- training another student (fastText)": accuracy(distilled["transfer"]["fasttext"]),
            "random texts, tuned": accuracy(random),
            "- training another student (fastText)&nbsp;": accuracy(random["transfer"]["fasttext"]),
            "the best of all selectors, tuned": f"{accuracy(rivals[best])} ({best})",
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
        named = {f"{dataset}-default-{size}": "" for size in (*FEWER[dataset], per_class)}
        named |= {name: f", {' '.join(options)}" for name, options in LONGER.items() if name.startswith(dataset)}
        for name in sorted(named, key=lambda name: int(name.split("-")[-1])):  # a longer run follows the default's
            if name in results:
                size = name.split("-")[-1]
                what = f"{dataset}, {size}{named[name]}"
                distilled, full = (results[name]["methods"][method] for method in ("distilled", "full"))
                beside = results.get(f"{dataset}-default-{size}", results[name])  # has all selectors
                rivals = picked(beside["methods"])
                best = best_of(rivals)
                shown = map(accuracy, (distilled, distilled["variants"]["plain_recipe"], rivals[best]))
                facts = [accuracy(full), f"{distilled['recovery']:.3f}", f"{distilled['seconds']:.0f}"]
                made = results[name]["versions"]["textdd"]  # other versions have other defaults
                what += "" if made == version("textdd") else f" (textdd {made})"
                lines.append([what, *shown, best, *facts])
    return markdown(lines)


def selectors_table(results: Results) -> str:
    """Every way to take real texts at every size, beside the default: a row per corpus and size."""
    lines: list[list[str]] = []
    for dataset, per_class in CORPORA.items():
        for size in (*FEWER[dataset], per_class):
            if result := results.get(f"{dataset}-default-{size}"):
                rivals = picked(result["methods"])
                if not lines:
                    lines.append(["corpus, per class", "distilled", *rivals])
                best = best_of(rivals)
                cells = {name: accuracy(scored) for name, scored in rivals.items()}
                cells[best] = f"**{cells[best]}**"
                lines.append([f"{dataset}, {size}", accuracy(result["methods"]["distilled"]), *cells.values()])
    return markdown(lines) if lines else ""


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
    methods = ("default", *DISTILLERS)

    def result_of(method: str, dataset: str, per_class: int) -> dict | None:
        return results.get(f"{dataset}-{f'default-{per_class}' if method == 'default' else method}")

    shown = [corpus for corpus in CORPORA.items() if any(result_of(method, *corpus) for method in methods)]
    if not shown:
        return
    figure = Figure(figsize=(4 * len(shown), 4.6), layout="constrained")
    for axes, (dataset, per_class) in zip(figure.subplots(1, len(shown), squeeze=False)[0], shown, strict=True):
        for i, method in enumerate(methods):
            if result := result_of(method, dataset, per_class):
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


def write(results: Results, folder: Path) -> None:
    """All of them."""
    (folder / "main.md").write_text(main_table(results))
    (folder / "selectors.md").write_text(selectors_table(results))
    (folder / "distillers.md").write_text(distillers_table(results))
    (folder / "budgets.md").write_text(budgets_table(results))
    (folder / "all.md").write_text(all_table(results))
    ours = [f"{dataset}-default-{per_class}" for dataset, per_class in CORPORA.items()]
    if any(name in results for name in ours):
        accuracy_against_steps([results[name] for name in ours if name in results], folder / "main.png")
    picture(results, folder / "all.png")
