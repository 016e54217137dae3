"""What tiny sets of prompts and responses are worth to a small language model that is to write (E2E restaurants).

    python experiments/generation.py model=GGUF_OR_FOLDER corpus=DIR/e2e cache=FOLDER [minutes=60 only=random]

Everything is settled beforehand and nothing is tuned: sets of 50 pairs (and one kind of 150), 30 steps of Adam at 2e-3
with 5 pairs each, adapters of rank 8, the loss on one response of each of 50 test prompts, and 20 of these answered
greedily. Random sets are drawn from all training pairs; the other methods pick from a pool of 200 of them, and what
looks at gradients matches those of 150 others, of a model that was trained for a moment. Each figure is a file of its
own beside this one, `generation/NAME.json`, and what is there is not measured again; `minutes` ends the work before the
next one, and `only` takes those whose name begins so. The table is `generation.md`.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from textdd.api.composing import composed
from textdd.choosing.matching import Matching
from textdd.choosing.response_gradients import Gradients, gradients_of, warm_writer
from textdd.evaluation.responses import WritingConfig, held_out, written_scores
from textdd.machine import machine
from textdd.prepare import prepare
from textdd.problem import Problem
from textdd.progress import say
from textdd.record import write_bytes, write_json
from textdd.seeds import derive, numpy_generator
from textdd.selectors import SELECTORS
from textdd.selectors.less import most_alike
from textdd.sets.training_set import real_set, train_students
from textdd.training import Recipe

HERE = Path(__file__).with_suffix("")
PAIRS, MORE, POOL, OTHERS = 50, 150, 200, 150
WRITING = WritingConfig(prompts=50, decoded=20, tokens=60)
RECIPE = Recipe("adam", 30, 5, "shuffled", 2e-3)
COLUMNS = ("response_loss", "perplexity", "bleu", "chrf", "rouge_l", "distinct_1", "distinct_2")


class Sets:
    """Sets of training pairs by the names of methods, as rows of the training split.

    Args:
        problem: corpus and model.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem, self.reader = problem, problem.reader()
        self._known: dict[int, tuple[Gradients, torch.Tensor, list[torch.Tensor]]] = {}

    def pool(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows that may be picked, and others."""
        rows = numpy_generator(seed, "pool of the experiment").permutation(len(self.problem.train))
        return rows[:POOL], rows[POOL : POOL + OTHERS]

    def gradients(self, seed: int) -> tuple[Gradients, torch.Tensor, list[torch.Tensor]]:
        """Those of the pool, and the mean of all others and of their halves."""
        if seed in self._known:
            return self._known[seed]
        (candidates, others), train = self.pool(seed), self.problem.train
        theta = warm_writer(train, self.reader, seed)
        found = gradients_of(theta, train, candidates, self.reader, "reading candidates")
        halves = [
            gradients_of(theta, train, rows, self.reader, "reading others").mean() for rows in np.array_split(others, 2)
        ]
        self._known[seed] = found, torch.stack(halves).mean(0), halves
        return self._known[seed]

    def picked(self, method: str, seed: int) -> np.ndarray:
        """The rows of a set."""
        train = self.problem.train
        if method.startswith("random"):
            size = MORE if method == "random_150" else PAIRS
            return SELECTORS["random"](train, self.reader, size, derive(seed, method))
        candidates, _ = self.pool(seed)
        if method in ("herding", "k_means"):
            return candidates[SELECTORS[method](train.at(candidates), self.reader, PAIRS, seed)]
        found, mean, halves = self.gradients(seed)
        if method == "less":
            return candidates[most_alike(found, mean, PAIRS)]
        matching = Matching(found, [mean, *halves])
        picks, exchanges = matching.exchanged(matching.greedy(PAIRS, lambda _: None), 10 * PAIRS, lambda _: None)
        missed = matching.distance(picks, float(mean.square().sum()))
        say(f"{exchanges} exchanges; of the squared gradient {missed:.3f} is missed")
        return candidates[picks]


METHODS = ("random", "bilevel_selection", "k_means", "herding", "less", "random_150")


def measured(problem: Problem, rows: np.ndarray | None, seed: int) -> dict[str, Any]:
    """Train on a set, or on nothing, and read the test prompts."""
    student, reader, began = problem.student, problem.reader(), time.process_time()
    theta = student.fresh(derive(seed, "experiment"))
    if rows is not None:
        examples = real_set(problem.train, rows, reader)
        ((theta,),) = train_students(student, [examples], RECIPE, [derive(seed, "experiment")], [RECIPE.steps])
    trained = time.process_time()
    scores, written = written_scores([theta], held_out(problem, WRITING.prompts), reader, WRITING)
    return {
        **{name: float(values[0]) for name, values in scores.items()},
        "train_processor_seconds": trained - began,
        "test_processor_seconds": time.process_time() - trained,
        "answers": written[:5],
    }


def main() -> None:
    """Measure what is missing, one figure after the other, and write the table."""
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    began, minutes = time.monotonic(), float(given.pop("minutes", 60))
    only = given.pop("only", "")
    corpus = {"dataset.name": "e2e", "dataset.text": "mr", "dataset.target": "ref", "pairs": PAIRS}
    options = {"model.path": given.pop("model"), "cache_dir": given.pop("cache"), "dataset.length": "auto", **corpus}
    problem = prepare(composed(Path(given.pop("corpus")), None, None, "causal_lm", {**options, **given}))
    sets = Sets(problem)
    # The first set of every method before the second of any, and these before a second training of the first.
    cells = [("zero_shot", 0, 0), *((method, one, 0) for one in range(3) for method in METHODS)]
    cells += [(method, 0, 1) for method in METHODS]
    for method, one, seed in cells:
        place = HERE / f"{method}-{one}-{seed}.json"
        if place.exists() or not method.startswith(only):
            continue
        if time.monotonic() - began > 60 * minutes:
            break
        start = time.process_time()
        rows = None if method == "zero_shot" else sets.picked(method, one)
        found: dict[str, Any] = {"pick_processor_seconds": time.process_time() - start}
        found |= measured(problem, rows, seed) | {"rows": [] if rows is None else rows.tolist(), "machine": machine()}
        say(f"{method}, set {one}, seed {seed}: loss {found['response_loss']:.3f}, BLEU {found['bleu']:.3f}")
        write_json(place, found)
    table()


def table() -> None:
    """Write what there is: a row for each method, over all of its sets and seeds."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for place in sorted(HERE.glob("*.json")):
        rows.setdefault(place.stem.rsplit("-", 2)[0], []).append(json.loads(place.read_text()))
    heads = ("pairs from", "loss", "perplexity", "BLEU", "chrF", "ROUGE-L", "distinct 1", "distinct 2", "figures")
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
    for method in ("zero_shot", *METHODS):
        found = rows.get(method, [])
        if found:
            cells = [spread([one[name] for one in found]) for name in COLUMNS]
            lines.append("| " + " | ".join([method, *cells, str(len(found))]) + " |")
    write_bytes(HERE.with_suffix(".md"), ("\n".join(lines) + "\n").encode())


def spread(values: list[float]) -> str:
    """The mean, and the deviation where there are several."""
    mean = sum(values) / len(values)
    return f"{mean:.3f}" + (f" ± {torch.tensor(values).std():.3f}" if len(values) > 1 else "")


if __name__ == "__main__":
    main()
