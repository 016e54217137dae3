"""A small intent router on a device: classes come in turns, and of old ones a few examples are all that is kept.

    python experiments/applications/intent_router.py data_dir=DIR model=MINILM [turns=7 seeds=5 minutes=40]

The classes of banking77 come in turns of 11, in one order that is drawn once. In each turn the texts of its
classes are there, and of those before a memory of PER_CLASS examples per class: random texts, those nearest to the
centres of clusters, a bilevel selection, or matrices in the space of the encoder, made when their turn was, by
`distribution_matching` or by `meta_gradient`. A fresh
student, a linear head on MiniLM, is trained on the memory and the newest texts, with examples of classes that have
fewer repeated, by a recipe that is the same for all; it is tested on the test texts of all classes that have come. The
bounds are a student that keeps nothing and one that keeps everything. The trust figures are of the memory of the first
seed. `intent_router/TURNS-WHAT-sSEED.json` hold the figures; the table and the picture lie beside this file.
"""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cells import COLOURS, Cell, Cells, arguments, picture, table, told

from textdd import DistilledSet, distil, select, trust_report
from textdd.api.composing import problem_of
from textdd.config import RunConfig
from textdd.corpora.corpus import Corpus
from textdd.evaluation.scoring import logits_of
from textdd.progress import track
from textdd.seeds import numpy_generator
from textdd.sets.together import balanced, over, together
from textdd.sets.training_set import TrainingSet, train_students
from textdd.training import Recipe

CLASSES, PER_CLASS = 11, 10
RECIPE = Recipe("adam", 400, 64, "shuffled", 3e-3)
METHODS: dict[str, dict[str, Any]] = {
    "random": {},
    "k_means": {},
    "bilevel_selection": {"distiller.minutes": 0.1, "distiller.rerank": 0},
    "distribution_matching": {"distiller.minutes": 0.2, "distiller.length": 12, "distiller.pieces": 1},
    "meta_gradient": {"distiller.minutes": 1.0, "distiller.length": 12, "distiller.pieces": 1},
}
CALLED = {
    "nothing": "nothing",
    "random": "random texts",
    "k_means": "k-means texts",
    "bilevel_selection": "bilevel selection",
    "distribution_matching": "matrices, matched",
    "meta_gradient": "matrices, taught",
    "everything": "all texts",
}
Texts = dict[str, dict[str, list[str]]]
UNTUNED = {"evaluation.steps": 5, "evaluation.step_sizes": [3e-3], "evaluation.tuning_students": 1}


class Router:
    """The classes in their turns, and the student that reads them.

    Args:
        options: of `distil`, for every turn.
        turns: how many come.
    """

    def __init__(self, options: dict[str, Any], turns: int) -> None:
        self.options = options
        place = str(Path(options["data_dir"]) / "banking77")
        words = {"embedding": "random", "label": "category", "cache_dir": options.get("cache_dir", RunConfig.cache_dir)}
        whole = problem_of(place, None, "textcnn", words).corpus
        come = numpy_generator(0, "turns").permutation(len(whole.classes))[: turns * CLASSES]
        self.problem = problem_of(texts_of(whole, come), None, "pretrained", dict(options))
        self.corpus, self.reader = self.problem.corpus, self.problem.reader()
        numbers = np.array([self.corpus.classes.index(whole.classes[number]) for number in come])
        self.turns = np.split(numbers, turns)

    def texts_of(self, turn: int) -> Texts:
        """Training and test texts of a turn's classes."""
        return texts_of(self.corpus, self.turns[turn])

    def newest(self, turn: int) -> TrainingSet:
        """All training texts of a turn, as MiniLM has read them."""
        train = self.problem.train
        rows = np.flatnonzero(np.isin(train.labels, self.turns[turn]))
        batch = self.reader(train.batch(rows))
        y = self.problem.task.as_labels(batch.labels).to(batch.x)
        return TrainingSet(batch.x, y, batch.mask, train.stored_bytes(rows), read=True)

    def kept(self, one: DistilledSet) -> TrainingSet:
        """A set in the memory, as MiniLM has read it."""
        examples = one.training_set(self.reader).as_read(self.problem.student)
        return over(examples, one.classes, self.corpus.classes)

    def accuracy(self, examples: TrainingSet, turn: int, seed: int) -> float:
        """Of a student of some examples, on the test texts of all classes up to a turn."""
        recipe = RECIPE.for_parts(self.reader.student.scales)
        ((theta,),) = train_students(self.reader.student, [balanced(examples)], recipe, [seed], [recipe.steps])
        seen = np.concatenate(self.turns[: turn + 1])
        rows = np.flatnonzero(np.isin(self.problem.test.labels, seen))
        logits, targets = logits_of([theta], self.problem.test.at(rows), self.reader)
        come = torch.zeros(self.problem.classes, dtype=torch.bool)
        come[torch.from_numpy(seen)] = True
        return float((logits[0].masked_fill(~come, -torch.inf).argmax(1) == targets).float().mean())


def texts_of(corpus: Corpus, classes: np.ndarray) -> Texts:
    """Training and test texts of some classes."""
    found = {}
    for part in ("train", "test"):
        split = getattr(corpus, part)
        rows = np.flatnonzero(np.isin(split.targets, classes))
        labels = [corpus.classes[number] for number in split.targets[rows]]
        found[part] = {"text": [text for (text,) in split.texts(rows)], "label": labels}
    return found


def made(method: str, router: Router, turn: int, seed: int) -> DistilledSet:
    """The memory of a turn's classes."""
    texts = router.texts_of(turn)
    given = {**router.options, "student": "pretrained", "per_class": PER_CLASS, "seed": seed}
    if method in ("random", "k_means"):
        return select(texts, method=method, **given, **UNTUNED)
    return distil(texts, distiller=method, **given, **METHODS[method])


def with_memory(method: str, router: Router, seed: int) -> Cell:
    """The accuracy after each turn; of the first seed with the trust figures of the memory."""
    sets: list[DistilledSet] = []
    kept: list[TrainingSet] = []
    found: list[float] = []
    for turn in track(range(len(router.turns)), f"{method}, seed {seed}"):
        found.append(router.accuracy(together([*kept, router.newest(turn)]), turn, seed))
        sets.append(made(method, router, turn, seed))
        kept.append(router.kept(sets[-1]))
    cell: Cell = {"accuracy": found, "examples": sum(map(len, sets))}
    cell["memory_alone"] = router.accuracy(together(kept), len(router.turns) - 1, seed)
    cell["bytes"] = sum(sum(one.stored_bytes().values()) for one in sets)
    if seed == 0:
        cell["trust"] = [trust(one, router, turn) for turn, one in enumerate(track(sets, f"{method}: trust figures"))]
    return cell


def trust(one: DistilledSet, router: Router, turn: int) -> Cell:
    """What the memory of a turn gives away."""
    of_corpus = {key: value for key, value in router.options.items() if key not in ("path", "tuning", "output_dir")}
    report = trust_report(one, router.texts_of(turn), against=[], triggers=0, resamples=200, **of_corpus)
    inside, near = report["matches"]["texts_of_the_set"], report["matches"]["near"]
    return {"examples": report["examples"], "in_training": inside["training"], "in_heldout": inside["heldout"],
            "near": near["training"], "expected": near["expected"],
            "area": report["membership"]["set"]["area"]["value"]}  # fmt: skip


def bound(what: str, router: Router, seed: int) -> Cell:
    """The accuracy after each turn where nothing or everything is kept."""
    found = []
    for turn in range(len(router.turns)):
        first = 0 if what == "everything" else turn
        found.append(router.accuracy(together([router.newest(t) for t in range(first, turn + 1)]), turn, seed))
    return {"accuracy": found}


def main() -> None:
    """Measure what is missing; write the table and the picture."""
    given, cells = arguments(__file__, 40)
    seeds, path = int(given.pop("seeds", 5)), given.pop("model")
    turns = int(given.pop("turns", 7))
    router = Router({"path": path, "tuning": "head", **given}, turns)
    works = {}
    for seed in range(seeds):
        for name in ("nothing", "everything", *METHODS):
            work = with_memory if name in METHODS else bound
            works[f"{turns}-{name}-s{seed}"] = partial(work, name, router, seed)
    cells.measure(works)
    shown(cells, turns)


def shown(cells: Cells, turns: int) -> None:
    """Write the table and the picture of what there is."""
    rows, (figure, (panel,)) = [], picture(width=6.0)
    for (name, called), colour in zip(CALLED.items(), COLOURS, strict=False):
        those = list(cells.there(f"{turns}-{name}-s").values())
        if not those:
            continue
        curves = np.array([cell["accuracy"] for cell in those])
        spread = curves.std(0, ddof=1) if len(curves) > 1 else np.zeros(turns)
        panel.errorbar(np.arange(1, turns + 1) * CLASSES, curves.mean(0), spread, color=colour, label=called, capsize=2)
        rows.append([called, str(len(those)), told(curves[:, -1].tolist()), *remembered(those)])
    if rows:
        panel.set(xlabel="classes that have come", ylabel="test accuracy on these", ylim=(0, 1))
        title = f"kept of old classes,\n{PER_CLASS} per class"
        panel.legend(frameon=False, title=title, loc="center left", bbox_to_anchor=(1.0, 0.5))
        headings = ("kept", "seeds", "accuracy at the end", "of the memory alone", "kB", "stand in a training text")
        cells.write(
            table((*headings, "in a held-out one", "near copies, expected", "area of the attack"), rows), figure
        )


def remembered(those: list[Cell]) -> list[str]:
    """What there is to say of a memory: accuracy without the newest texts, size, and the trust figures of all turns."""
    if "memory_alone" not in those[0]:
        return [""] * 6
    alone, size = told([cell["memory_alone"] for cell in those]), f"{np.mean([c['bytes'] for c in those]) / 1000:.0f}"
    figures = those[0].get("trust")
    if figures is None:
        return [alone, size, "", "", "", ""]
    total = {key: sum(one[key] for one in figures) for key in ("examples", "in_training", "in_heldout", "near")}
    shares = [f"{total[key]} of {total['examples']}" for key in ("in_training", "in_heldout")]
    expected = sum(one["expected"] for one in figures)
    return [alone, size, *shares, f"{total['near']}, {expected:.0f}", told([one["area"] for one in figures])]


if __name__ == "__main__":
    main()
