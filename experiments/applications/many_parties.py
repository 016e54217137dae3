"""Several parties may not share their texts. What is a student worth that is trained on small sets of each?

    python experiments/applications/many_parties.py data_dir=DIR model=MINILM [dataset=ag_news seeds=5 minutes=40]

PARTIES parties have TEXTS training texts each, with uneven classes: every seed deals shares from a Dirichlet
distribution of ALPHA, and a party has a class if it has LEAST texts of it, and two classes at least. Each makes a set
of PER_CLASS texts per class that it has, on its own: random texts, those nearest to the centres of clusters, a bilevel
selection, or matrices in the space of the encoder, by `distribution_matching` or `meta_gradient`. One student, a linear
head on MiniLM, is trained on all sets by the same plain recipe. Beside it stand students of all texts pooled, and of
one party's own texts (the mean over parties); both choose step size and epochs on validation texts. Accuracy is on TEST
test texts. The trust figures are of all parties' sets of the first seed: how many examples stand nearly or wholly in a
training text, the near copies in excess of what held-out texts have, and the attack on their students.
`many_parties/WHAT-sSEED.json` hold the figures.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from cells import Cell, Cells, arguments, picture, ranked, table, told
from matplotlib.figure import Figure

from textdd import DistilledSet, distil, select, train, trust_report
from textdd.api.composing import problem_of
from textdd.evaluation.protocol import EvaluationConfig, Protocol
from textdd.evaluation.scoring import score
from textdd.problem import Problem
from textdd.progress import track
from textdd.seeds import numpy_generator
from textdd.trainer import TrainerConfig, make_trainer

PARTIES, TEXTS, TEST, PER_CLASS, ALPHA, LEAST = 5, 400, 600, 5, 0.5, 40
STEPS = 200
METHODS: dict[str, dict[str, Any]] = {
    "random": {},
    "k_means": {},
    "bilevel_selection": {"distiller.minutes": 0.1, "distiller.rerank": 0},
    "distribution_matching": {"distiller.minutes": 0.2, "distiller.length": 16, "distiller.pieces": 1},
    "meta_gradient": {"distiller.minutes": 0.3, "distiller.length": 16, "distiller.pieces": 1},
}
CALLED = {
    "random": "random texts of each",
    "k_means": "k-means texts of each",
    "bilevel_selection": "bilevel selections of each",
    "distribution_matching": "matched matrices of each",
    "meta_gradient": "taught matrices of each",
    "alone": "one party's own texts",
    "pooled": "all texts pooled",
}
UNTUNED = {"evaluation.steps": 5, "evaluation.step_sizes": [3e-3], "evaluation.tuning_students": 1}
Texts = dict[str, dict[str, list[str]]]


class Parties:
    """The texts of all, of which every seed deals each party its own.

    Args:
        dataset: the corpus.
        options: of `distil`, for every party.
    """

    def __init__(self, dataset: str, options: dict[str, Any]) -> None:
        corpus = problem_of(dataset, None, "textcnn", {"data_dir": options["data_dir"], "embedding": "random"}).corpus
        self.classes, self.options = corpus.classes, options
        sizes = {"train": PARTIES * TEXTS, "test": TEST}
        self.parts = {part: getattr(corpus, part).sample(size) for part, size in sizes.items()}
        self.texts = {part: [text for (text,) in own.texts(np.arange(len(own)))] for part, own in self.parts.items()}

    def of(self, rows: np.ndarray) -> Texts:
        """Some training texts, and the test texts of their classes."""
        classes = np.unique(self.parts["train"].targets[rows])
        test = np.flatnonzero(np.isin(self.parts["test"].targets, classes))
        found = {}
        for part, those in (("train", rows), ("test", test)):
            labels = [self.classes[self.parts[part].targets[row]] for row in those]
            found[part] = {"text": [self.texts[part][row] for row in those], "label": labels}
        return found

    def dealt(self, seed: int) -> list[Texts]:
        """What each party has; texts of classes of which it would have few are nobody's."""
        generator, targets = numpy_generator(seed, "parties"), self.parts["train"].targets
        left = {c: list(generator.permutation(np.flatnonzero(targets == c))) for c in range(len(self.classes))}
        found: list[Texts] = []
        while len(found) < PARTIES:
            counts = (generator.dirichlet([ALPHA] * len(left)) * TEXTS).astype(int)
            counts[counts < LEAST] = 0
            taken = [min(count, len(left[c])) for c, count in enumerate(counts)]
            if sum(count >= LEAST for count in taken) < 2:
                continue
            rows = [left[c].pop() for c, count in enumerate(taken) if count >= LEAST for _ in range(count)]
            found.append(self.of(np.sort(rows)))
        return found

    def problem(self, texts: Texts) -> Problem:
        """Some texts as the student reads them."""
        return problem_of(texts, None, "pretrained", dict(self.options))


def made(method: str, texts: Texts, seed: int, options: dict[str, Any]) -> DistilledSet:
    """The set that a party makes of its texts."""
    given = {**options, "student": "pretrained", "per_class": PER_CLASS, "seed": seed}
    if method in ("random", "k_means"):
        return select(texts, method=method, **given, **UNTUNED)
    return distil(texts, distiller=method, **given, **METHODS[method])


def of_sets(method: str, parties: Parties, seed: int) -> Cell:
    """One student trained on the sets of all; of the first seed with the trust figures."""
    dealt = parties.dealt(seed)
    sets = [made(method, texts, seed, parties.options) for texts in track(dealt, f"{method}, seed {seed}")]
    everything = parties.of(np.arange(PARTIES * TEXTS))
    classify = train(sets, "pretrained", everything, seed=seed, steps=STEPS, **parties.options)
    problem = parties.problem(everything)
    accuracy = float(score([classify.theta], problem.test, problem.reader())["accuracy"])
    found: Cell = {"accuracy": accuracy, "examples": sum(map(len, sets)), "classes": [len(one.classes) for one in sets]}
    if seed == 0:
        pairs = list(zip(sets, dealt, strict=True))
        found["trust"] = [trust(one, texts, parties.options) for one, texts in track(pairs, f"{method}: trust figures")]
    return found


def trust(one: DistilledSet, texts: Texts, options: dict[str, Any]) -> Cell:
    """What a set gives away."""
    of_corpus = {key: value for key, value in options.items() if key not in ("path", "tuning", "output_dir")}
    report = trust_report(one, texts, against=[], triggers=0, resamples=200, **of_corpus)
    area = report["membership"]["set"]["area"]
    near = report["matches"]["near"]
    inside = report["matches"]["texts_of_the_set"]
    return {"examples": report["examples"], "in_training": inside["training"], "in_heldout": inside["heldout"],
            "near": near["training"], "expected": near["expected"], "area": area["value"],
            "interval": area["interval"]}  # fmt: skip


def full(problem: Problem, seed: int) -> float:
    """Test accuracy of a student of all texts of a problem."""
    protocol = Protocol(EvaluationConfig(students=1, transfer=[]), problem, torch.device("cpu"), seed)
    folder = problem.cache / "baselines" / f"parties-{problem.corpus.key}-{seed}"
    return float(protocol.full(folder, partial(make_trainer, TrainerConfig(), alone=True))[1]["accuracy"]["mean"])


def alone(parties: Parties, seed: int) -> Cell:
    """Each party with its own texts; test texts of classes that it has not are answered wrongly."""
    found = []
    for texts in track(parties.dealt(seed), f"parties alone, seed {seed}"):
        problem = parties.problem(texts)
        found.append(full(problem, seed) * len(problem.test) / TEST)
    return {"accuracy": float(np.mean(found)), "each": found}


def pooled(parties: Parties, seed: int) -> Cell:
    """A student of everybody's texts."""
    return {"accuracy": full(parties.problem(parties.of(np.arange(PARTIES * TEXTS))), seed)}


def main() -> None:
    """Measure what is missing; write the table and the picture."""
    given, cells = arguments(__file__, 40)
    dataset, seeds, path = given.pop("dataset", "ag_news"), int(given.pop("seeds", 5)), given.pop("model")
    parties = Parties(dataset, {"path": path, "tuning": "head", "length": 48, **given})
    works = {}
    for seed in range(seeds):
        works[f"pooled-s{seed}"] = partial(pooled, parties, seed)
        works |= {f"{method}-s{seed}": partial(of_sets, method, parties, seed) for method in METHODS}
        works[f"alone-s{seed}"] = partial(alone, parties, seed)
    cells.measure(works)
    shown(cells, dataset)


def shown(cells: Cells, dataset: str) -> None:
    """Write the table and the picture of what there is."""
    rows, bars = [], {}
    for name, called in CALLED.items():
        those = cells.there(f"{name}-s")
        if not those:
            continue
        values = bars[called] = [cell["accuracy"] for cell in those.values()]
        examples = f"{np.mean([c['examples'] for c in those.values()]):.0f}" if name in METHODS else ""
        rows.append([called, str(len(values)), examples, told(values), *trusted(those.get(f"{name}-s0", {}))])
    headings = ["one student trained on", "seeds", "examples", "accuracy", "in a training text", "in a held-out one"]
    headings += ["near copies, expected", "area of the attack"]
    if rows:
        cells.write(table(headings, rows), drawn(bars, dataset))


def trusted(cell: Cell) -> list[str]:
    """The trust figures of the parties' sets together."""
    if "trust" not in cell:
        return ["", "", "", ""]
    total = {key: sum(one[key] for one in cell["trust"]) for key in ("examples", "in_training", "in_heldout")}
    near, expected = (sum(one[key] for one in cell["trust"]) for key in ("near", "expected"))
    areas = [one["area"] for one in cell["trust"]]
    shares = [f"{total[key]} of {total['examples']}" for key in ("in_training", "in_heldout")]
    return [*shares, f"{near}, {expected:.0f}", told(areas)]


def drawn(values: dict[str, Sequence[float]], dataset: str) -> Figure:
    """A line for each way to train the student."""
    figure, (panel,) = picture(width=6.0)
    ranked(panel, values)
    panel.set_xlabel(f"test accuracy, {dataset}, {PARTIES} parties")
    return figure


if __name__ == "__main__":
    main()
