"""What tiny sets of texts are worth to a small language model: without training, in its prompt, and as LoRA's lessons.

    python experiments/language_models.py model=GGUF_OR_FOLDER sets=DIR [dataset=sst2 data_dir=DIR minutes=40 only=lora]

`sets` holds sets of texts as `textdd run` and `textdd.select` save them, in folders METHOD-SEED. Everything is settled
beforehand and nothing is tuned: 400 test texts, the prompt and its words below, 60 steps of Adam at 1e-3 on the whole
set, adapters of rank 8. Each figure is a file of its own beside this one, `language_models/NAME.json`, and what is
there is not measured again; `minutes` ends the work before the next one, and `only` takes those whose name begins so.
The table is `language_models.md`.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

from textdd.api.composing import problem_of
from textdd.evaluation.asked import Asked, at_median, contextual
from textdd.evaluation.scoring import logits_of
from textdd.evaluation.untrained import asked_of
from textdd.machine import machine
from textdd.problem import Problem
from textdd.progress import say
from textdd.record import write_bytes, write_json
from textdd.seeds import torch_generator
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.texts import TextSet
from textdd.sets.training_set import train_students
from textdd.spaces.reading import Reading
from textdd.training import Recipe

HERE = Path(__file__).with_suffix("")
TEST, VALIDATION, ORDERS, SEEDS, STEPS = 400, 200, 2, 2, 60
OPTIONS = {
    "model.template": "Review: {text}\nSentiment: It was",
    "model.words": ["terrible", "great"],
    "model.tuning": "lora:8",
    "dataset.length": 64,
}
CPU = torch.device("cpu")


def share(problem: Problem, answers: torch.Tensor, reading: Reading) -> float:
    """The share of texts whose class is answered."""
    return problem.task.scores(answers, torch.from_numpy(reading.labels))["accuracy"]


def untrained(problem: Problem, test: Reading) -> dict[str, Any]:
    """Zero-shot: as it is, and after both corrections."""
    asked = asked_of(problem, CPU)
    found, nothing = asked.answers(test, problem.cache), asked.of_nothing()
    median = at_median(found, asked.answers(problem.validation.sample(VALIDATION), problem.cache))
    scores = {"as it is": found, "contextual": contextual(found, nothing), "at the median": median}
    return {name: share(problem, answers, test) for name, answers in scores.items()}


def shown(problem: Problem, test: Reading, texts: TextSet, order: int) -> dict[str, Any]:
    """In context: as it is, and after the contextual correction."""
    examples = list(zip(texts.texts, texts.text_labels.argmax(1).tolist(), strict=True))
    places = torch.randperm(len(examples), generator=torch_generator(order, "examples")).tolist()
    asked: Asked = asked_of(problem, CPU, [examples[place] for place in places])
    found = asked.answers(test, problem.cache)
    scores = {"as it is": found, "contextual": contextual(found, asked.of_nothing())}
    return {name: share(problem, answers, test) for name, answers in scores.items()}


def trained(problem: Problem, test: Reading, texts: TextSet, seed: int) -> dict[str, Any]:
    """LoRA on the set."""
    began, reader = time.perf_counter(), problem.reader()
    recipe = Recipe("adam", STEPS, len(texts), "shuffled", 1e-3)  # adapters at 1e-3, whatever the student's scale
    ((theta,),) = train_students(problem.student, [texts.training_set(reader)], recipe, [seed], [STEPS])
    seconds = time.perf_counter() - began
    logits, targets = logits_of([theta], test, reader)
    return {"accuracy": problem.task.scores(logits[0], targets)["accuracy"], "train_seconds": seconds}


def main() -> None:
    """Measure what is missing, one figure after the other, and write the table."""
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    began, minutes = time.monotonic(), float(given.pop("minutes", 40))
    only = given.pop("only", "")
    folder, dataset, path = Path(given.pop("sets")), given.pop("dataset", "sst2"), given.pop("model")
    problem = problem_of(dataset, None, "causal_lm", {"model.path": path, **OPTIONS, **given})
    test = problem.test.sample(TEST)
    names = sorted(place.name for place in folder.iterdir() if (place / "manifest.json").exists())
    sets = {name: DistilledSet.load(folder / name) for name in names}
    texts = {name: one for name, one in sets.items() if isinstance(one, TextSet)}
    works = {"zero_shot": lambda: untrained(problem, test)}
    # The first seed of every set before the second of any: a table of less is still a fair one.
    for number in range(max(SEEDS, ORDERS)):
        for name, one in sorted(texts.items(), key=lambda pair: pair[0].rsplit("-", 1)[::-1]):
            if number < SEEDS:
                works[f"lora-{name}-{number}"] = lambda one=one, n=number: trained(problem, test, one, n)
            if number < ORDERS:
                works[f"in_context-{name}-{number}"] = lambda one=one, n=number: shown(problem, test, one, n)
    for name, work in works.items():
        place = HERE / f"{dataset}-{name}.json"
        if place.exists() or not name.startswith(only):
            continue
        if time.monotonic() - began > 60 * minutes:
            break
        start = time.perf_counter()
        found = work()
        found |= {"seconds": time.perf_counter() - start, "machine": machine()}
        say(f"{name}: {found}")
        write_json(place, found)
    table(dataset)


def table(dataset: str) -> None:
    """Write what there is: a row for each way and each method, over all of its sets and seeds."""
    rows: dict[tuple[str, str], list[float]] = {}
    for place in sorted(HERE.glob(f"{dataset}-*.json")):
        found, name = json.loads(place.read_text()), place.stem.removeprefix(f"{dataset}-")
        way, _, rest = name.partition("-")
        method = rest.rsplit("-", 2)[0]
        for key in ("accuracy", "as it is", "contextual", "at the median"):
            if key in found:
                told = way.replace("_", "-") if key == "accuracy" else f"{way.replace('_', '-')}, {key}"
                rows.setdefault((told, method), []).append(found[key])
    lines = ["| how | texts | accuracy | least | most | figures |", "| --- | --- | ---: | ---: | ---: | ---: |"]
    for (told, method), values in sorted(rows.items()):
        spread = f" ± {torch.tensor(values).std():.3f}" if len(values) > 1 else ""
        mean = sum(values) / len(values)
        lines.append(
            f"| {told} | {method} | {mean:.3f}{spread} | {min(values):.3f} | {max(values):.3f} | {len(values)} |"
        )
    write_bytes(HERE.with_suffix(".md"), ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
