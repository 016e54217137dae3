"""Which texts should a language model be shown? Distilled and selected ones as examples in its prompt.

    python experiments/applications/examples_in_a_prompt.py data_dir=DIR model=GGUF encoder=MINILM [seeds=5 minutes=60]

SmolLM2-135M (dequantised Q4_1) classifies TEST test texts of sst2 without any training, with PER_CLASS examples of each
class before every question, in an order that the seed draws. The examples come from a pool of POOL training texts:
random ones, those that each selector picks, a bilevel selection, all of them the same for every question; and for each
question the nearest of the pool (Liu et al. 2022, by MiniLM's features, the most alike last), which needs all of the
pool at hand and a prompt of its own for every question. Selectors and bilevel selection look at MiniLM's features.
Answers are corrected by what an empty text has (Zhao et al. 2021), and told as they are beside. Nothing is chosen on
test texts. `examples_in_a_prompt/WHAT-sSEED.json` hold the figures; table and picture lie beside this file.
"""

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from cells import Cell, Cells, arguments, picture, ranked, table, told

from textdd import distil, select
from textdd.api.composing import problem_of
from textdd.evaluation.asked import Asked, Example, contextual
from textdd.evaluation.untrained import asked_of
from textdd.problem import Problem
from textdd.progress import track
from textdd.seeds import torch_generator
from textdd.selectors import SELECTORS
from textdd.spaces.reading import Reading

POOL, TEST, PER_CLASS = 600, 100, 4
CPU = torch.device("cpu")
ASKED = {
    "model.template": "Review: {text}\nSentiment: It was",
    "model.words": ["terrible", "great"],
    "model.tuning": "lora:8",  # nothing is trained; a frozen model would first make a vector of every text
    "dataset.length": 64,
}
METHODS = ("random", "bilevel_selection", "k_means", "herding", "k_center", "less")
CALLED = {"nothing": "no examples", **{name: name.replace("_", " ") for name in METHODS}, "nearest": "nearest to each"}
UNTUNED = {"evaluation.steps": 5, "evaluation.step_sizes": [3e-3], "evaluation.tuning_students": 1}


class Prompts:
    """A language model, the texts that it is asked about, and those that it may be shown.

    Args:
        path: of the language model.
        encoder: the folder of MiniLM.
        options: of the corpus.
    """

    def __init__(self, path: str, encoder: str, options: dict[str, Any]) -> None:
        corpus = problem_of("sst2", None, "textcnn", {"embedding": "random", **options}).corpus
        self.data = {}
        for part, size in (("train", POOL), ("test", TEST)):
            split = getattr(corpus, part).sample(size)
            labels = [corpus.classes[number] for number in split.targets]
            texts = [text for (text,) in split.texts(np.arange(len(split)))]
            self.data[part] = {"text": texts, "label": labels}
        self.encoder = {"student": "pretrained", "path": encoder, "tuning": "head", **options}
        self.problem: Problem = problem_of(self.data, None, "causal_lm", {"model.path": path, **ASKED, **options})
        self.plain = asked_of(self.problem, CPU)

    def asked(self, examples: Sequence[Example]) -> Asked:
        """The model with examples in its prompt."""
        return Asked(self.plain.module, self.problem.space, CPU, examples)

    def share(self, answers: torch.Tensor) -> float:
        """The share of the test texts whose class is answered."""
        return self.problem.task.scores(answers, torch.from_numpy(self.problem.test.labels))["accuracy"]

    def with_examples(self, examples: Sequence[Example]) -> Cell:
        """The same examples before every question."""
        asked = self.asked(examples)
        found = asked.answers(self.problem.test, self.problem.cache)
        scores = {"as it is": self.share(found), "contextual": self.share(contextual(found, asked.of_nothing()))}
        return {**scores, "shown": [[" / ".join(text), label] for text, label in examples]}

    def chosen(self, method: str, seed: int) -> Cell:
        """Examples that a method picks for all questions."""
        given = {**self.encoder, "per_class": PER_CLASS, "seed": seed}
        began = time.process_time()
        if method in SELECTORS:
            picked = select(self.data, method=method, **given, **UNTUNED)
        else:
            picked = distil(self.data, distiller=method, **given, **{"distiller.minutes": 0.1, "distiller.rerank": 0})
        seconds = time.process_time() - began
        pairs = list(zip(picked.texts, picked.text_labels.argmax(1).tolist(), strict=True))
        order = torch.randperm(len(pairs), generator=torch_generator(seed, "examples")).tolist()
        return {"choosing": seconds, **self.with_examples([pairs[place] for place in order])}

    def nearest(self) -> Cell:
        """Examples that are nearest to each question; no chance has a part in it."""
        given = {key: value for key, value in self.encoder.items() if key != "student"}
        problem = problem_of(self.data, None, "pretrained", given)
        features = [_directions(problem, reading) for reading in (problem.test, problem.train)]
        near = (features[0] @ features[1].T).topk(2 * PER_CLASS, dim=1).indices.flip(1)  # the most alike last
        classes, found = problem.train.labels, []
        for row in track(range(len(problem.test)), "asking with the nearest examples"):
            texts = problem.train.split.texts(near[row].numpy())
            asked = self.asked(list(zip(texts, classes[near[row].numpy()].tolist(), strict=True)))
            batch = self.problem.test.tokens(np.array([row]))
            found.append((asked.scores(self.problem.space.table[batch.ids], batch.mask), asked.of_nothing()))
        raw = torch.cat([answers for answers, _ in found])
        nothing = torch.stack([empty for _, empty in found])
        right = torch.from_numpy(classes)[near] == torch.from_numpy(problem.test.labels)[:, None]
        scores = {"as it is": self.share(raw), "contextual": self.share(contextual(raw, nothing))}
        return {**scores, "of_the_class_of_the_question": float(right.float().mean())}


def _directions(problem: Problem, reading: Reading) -> torch.Tensor:
    """Features of length one (n, H)."""
    found = reading.features(np.arange(len(reading)), problem.reader())
    return found / found.norm(dim=1, keepdim=True)


def main() -> None:
    """Measure what is missing; write the table and the picture."""
    given, cells = arguments(__file__, 60)
    seeds = int(given.pop("seeds", 5))
    prompts = Prompts(given.pop("model"), given.pop("encoder"), given)
    works = {"nothing-s0": partial(prompts.with_examples, [])}
    for seed in range(seeds):
        works |= {f"{method}-s{seed}": partial(prompts.chosen, method, seed) for method in METHODS}
        works.setdefault("nearest-s0", prompts.nearest)
    cells.measure(works)
    shown(cells)


def shown(cells: Cells) -> None:
    """Write the table and the picture of what there is."""
    rows, accuracies = [], {}
    for name, called in CALLED.items():
        those = list(cells.there(f"{name}-s").values())
        if not those:
            continue
        values = accuracies[called] = [cell["contextual"] for cell in those]
        raw = told([cell["as it is"] for cell in those])
        choosing = [cell["choosing"] for cell in those if "choosing" in cell]
        seconds = f"{np.mean(choosing):.0f}" if choosing else ""
        rows.append([called, str(len(those)), told(values), raw, f"{min(values):.3f}", seconds])
    if rows:
        figure, (panel,) = picture(width=6.0)
        ranked(panel, accuracies)
        panel.set_xlabel(f"accuracy on {TEST} test texts of sst2, {2 * PER_CLASS} examples")
        headings = ("examples", "seeds", "accuracy", "uncorrected", "least", "seconds of choosing")
        cells.write(table(headings, rows), figure)


if __name__ == "__main__":
    main()
