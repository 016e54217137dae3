"""Which of thirty students is the best on a corpus? Ranked by training on a distilled set, and by what it stands for.

    python experiments/applications/choosing_a_model.py data_dir=DIR [dataset=ag_news seeds=5 full_seeds=3 minutes=60]

Thirty students: four architectures, some widths, three step sizes, two of which suit few of them. What they are worth
is their test accuracy after training on TEXTS training texts, drawn once, for EPOCHS passes in mini-batches of 32; on
all texts that would take hours here. Each is also trained for STEPS steps on a set of PER_CLASS texts per class that
`distil` made for a TextCNN in OUTER_STEPS outer steps, on as many random texts, and on as many that herding picks, with
the same step size, and ranked by its accuracy on 500 validation texts. Every seed has sets and initialisations of its
own. Rank correlations are with the mean over the seeds of full training. `choosing_a_model/WHAT-sSEED.json` hold the
figures; the table and the picture lie beside this file.
"""

import time
from functools import partial
from typing import Any

import numpy as np
from cells import COLOURS, Cell, Cells, arguments, picture, table, told
from scipy.stats import kendalltau, spearmanr

from textdd import DistilledSet, distil, select, train
from textdd.api.composing import problem_of
from textdd.problem import Problem
from textdd.progress import track

TEXTS, EPOCHS, PER_CLASS, STEPS, OUTER_STEPS = 8000, 1, 10, 60, 100
STEP_SIZES = (3e-4, 3e-3, 3e-2)
WIDTHS: dict[str, tuple[dict[str, Any], ...]] = {
    "textcnn": ({"filters": 4}, {"filters": 16}, {"filters": 64}),
    "fasttext": ({"hidden": 4}, {"hidden": 100}),
    "lstm": ({"hidden": 4}, {"hidden": 64}),
    "transformer": (
        {"width": 8, "heads": 2, "layers": 1},
        {"width": 64, "layers": 1},
        {"width": 64, "layers": 2},
    ),
}
CANDIDATES = [
    (student, options, step_size)
    for student, widths in WIDTHS.items()
    for options in widths
    for step_size in STEP_SIZES
]
MADE = ("random", "distilled", "herding")
UNTUNED = {"evaluation.steps": 5, "evaluation.step_sizes": [3e-3], "evaluation.tuning_students": 1}


def made(what: str, seed: int, options: dict[str, Any]) -> tuple[DistilledSet, float]:
    """A set to rank students by, and the seconds of processor that it took."""
    began, given = time.process_time(), {**options, "seed": seed, "per_class": PER_CLASS}
    dataset = given.pop("dataset")
    if what == "distilled":
        return distil(dataset, **given, **{"distiller.outer_steps": OUTER_STEPS}), time.process_time() - began
    return select(dataset, method=what, **given, **UNTUNED), time.process_time() - began


def ranked(texts: DistilledSet, steps: int, seed: int, problem: Problem, parts: tuple[str, ...]) -> list[Cell]:
    """Every student trained on a set, and its accuracy on parts of the corpus."""
    rows = {part: getattr(problem.corpus, part).sample(500 if part == "validation" else 2000) for part in parts}
    read = {part: [text for (text,) in one.texts(np.arange(len(one)))] for part, one in rows.items()}
    named = {part: [problem.corpus.classes[number] for number in one.targets] for part, one in rows.items()}
    found = []
    for student, options, step_size in track(CANDIDATES, f"training {len(CANDIDATES)} students"):
        began = time.process_time()
        classify = train(texts, student, seed=seed, steps=steps, step_size=step_size, **options)
        seconds = time.process_time() - began
        scores = {part: classify.score(read[part], named[part])["accuracy"] for part in parts}
        found.append({"student": student, **options, "step_size": step_size, "training": seconds, **scores})
    return found


def full(seed: int, options: dict[str, Any], problem: Problem) -> Cell:
    """Every student trained on many texts: what they are worth."""
    given = {**options, "per_class": TEXTS // problem.classes, "seed": 0}
    many = select(given.pop("dataset"), method="random", **given, **UNTUNED)
    return {"students": ranked(many, EPOCHS * len(many) // 32, seed, problem, ("test",))}


def by_set(what: str, seed: int, options: dict[str, Any], problem: Problem) -> Cell:
    """Every student trained on a tiny set."""
    texts, seconds = made(what, seed, options)
    return {"making": seconds, "students": ranked(texts, STEPS, seed, problem, ("validation",))}


def main() -> None:
    """Measure what is missing; write the table and the picture."""
    given, cells = arguments(__file__, 60)
    seeds, full_seeds = int(given.pop("seeds", 5)), int(given.pop("full_seeds", 3))
    options = {"dataset": "ag_news", "embedding": "glove", **given}
    problem = problem_of(options["dataset"], None, "textcnn", {k: v for k, v in options.items() if k != "dataset"})
    works = {}
    for seed in range(seeds):
        if seed < full_seeds:
            works[f"full-s{seed}"] = partial(full, seed, options, problem)
        works |= {f"{what}-s{seed}": partial(by_set, what, seed, options, problem) for what in MADE}
    cells.measure(works)
    shown(cells, len(problem.train) / TEXTS)


def shown(cells: Cells, times: float) -> None:
    """Write the table and the picture of what there is.

    Args:
        cells: the figures.
        times: how many times as many texts as TEXTS the corpus has.
    """
    full_ones = list(cells.there("full-").values())
    by = {what: list(cells.there(f"{what}-s").values()) for what in MADE}
    by = {what: those for what, those in by.items() if those}
    if not full_ones or not by:
        return
    worth = np.array([[one["test"] for one in cell["students"]] for cell in full_ones])
    truth, took = worth.mean(0), np.mean([seconds_of(cell) for cell in full_ones])
    rows = []
    if len(worth) > 1:
        others = [(worth.sum(0) - own) / (len(worth) - 1) for own in worth]
        rows.append([*row(f"{TEXTS} texts, one seed by the others", worth, others), f"{took:.0f}", "", ""])
    figure, axes = picture(len(by))
    for panel, (what, those) in zip(axes, by.items(), strict=True):
        guessed = np.array([[one["validation"] for one in cell["students"]] for cell in those])
        seconds, making = (np.mean([of(cell) for cell in those]) for of in (seconds_of, lambda cell: cell["making"]))
        cost = [f"{seconds:.0f}", f"{seconds / (took * times):.3f}", f"{making:.0f}"]
        rows.append([*row(what, guessed, [truth] * len(those)), *cost])
        for student, colour in zip(WIDTHS, COLOURS, strict=False):
            own = [number for number, one in enumerate(CANDIDATES) if one[0] == student]
            panel.scatter(guessed.mean(0)[own], truth[own], color=colour, label=student, s=22)
        panel.set(title=f"{what}, {PER_CLASS} per class", xlabel="validation accuracy, trained on the set")
    axes[0].set_ylabel(f"test accuracy, trained on {TEXTS} texts")
    axes[0].legend(frameon=False)
    headings = ("trained on", "seeds", "Spearman", "Kendall", "within architectures", "lost by the choice")
    cells.write(
        table((*headings, "seconds of 30 trainings", "of one pass over all texts", "seconds of making"), rows), figure
    )


def seconds_of(cell: Cell) -> float:
    """Of processor, for all thirty trainings, without making sets and without scoring."""
    return float(sum(one["training"] for one in cell["students"]))


def row(what: str, guessed: np.ndarray, truths: list[np.ndarray]) -> list[str]:
    """One way to rank: correlations of each seed with what students are worth, and what its choice loses."""
    spearman, kendall, within, lost = [], [], [], []
    for own, truth in zip(guessed, truths, strict=True):
        spearman.append(float(spearmanr(own, truth).statistic))
        kendall.append(float(kendalltau(own, truth).statistic))
        groups = [[number for number, one in enumerate(CANDIDATES) if one[0] == student] for student in WIDTHS]
        within.append(float(np.mean([spearmanr(own[rows], truth[rows]).statistic for rows in groups])))
        lost.append(float(truth.max() - truth[own.argmax()]))
    cells = [told(values) for values in (spearman, kendall, within, lost)]
    return [what, str(len(guessed)), *cells]


if __name__ == "__main__":
    main()
