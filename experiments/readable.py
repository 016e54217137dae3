"""What sets of sentences are worth: chosen by bilevel selection or by selectors, for students that had no part in it.

    python experiments/readable.py dataset=sst2 per_class=5 minilm=FOLDER data_dir=DIR [sets=5 students=20 whole=0]

MiniLM's features choose, with another seed for every set. Who is trained on the sets: a linear head on MiniLM's frozen
features; a TextCNN on GloVe's vectors; with `gguf=FILE` (or a folder) ridge regression on the last hidden state of that
language model, its λ chosen on 200 validation texts and 400 test texts read; and, with `whole=K`, K students that are
MiniLM tuned whole by the protocol of DiLM (Maekawa et al. 2024: 200 steps, batches of 64, step size 1e-4 with a warm-up
of half and a cosine, hard labels). The first two have recipes that were chosen on validation texts, for every method
alike; test texts are read once. What is in the file of results already is not measured again.
All other arguments are options of `textdd run`. Written beside this file: `readable/DATASET-N.json`, with the texts of
the first set of each method, and `readable/table.md` with what there is.
"""

import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from textdd import distil, select
from textdd.api.composing import problem_of
from textdd.choosing.judging import Judge, Texts
from textdd.choosing.ridge import unit
from textdd.evaluation.protocol import EvaluationConfig, Protocol
from textdd.evaluation.scoring import score
from textdd.evaluation.summary import Result, summary
from textdd.machine import machine
from textdd.problem import Problem
from textdd.progress import say
from textdd.record import write_bytes, write_json
from textdd.selectors import SELECTORS
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.texts import TextSet
from textdd.sets.training_set import train_students
from textdd.training import Recipe

HERE = Path(__file__).with_suffix("")
METHODS = ("random", "herding", "k_center", "k_means", "bilevel_selection")
MADE_HERE = {"sets", "students", "whole", "minilm", "gguf", "dataset", "per_class"}
STEPS, STEP_SIZE = 200, 1e-4
LANGUAGE = "ridge on a language model"
RIDGES, ASKED, JUDGED = (1e-3, 1e-2, 0.1, 1.0, 10.0), 200, 400


def made(method: str, dataset: str, per_class: int, seed: int, options: dict[str, Any]) -> tuple[TextSet, float]:
    """A set of texts, and the seconds that it took."""
    began, given = time.perf_counter(), {"per_class": per_class, "student": "pretrained", "seed": seed, **options}
    if method in SELECTORS:
        others = {key: value for key, value in given.items() if not key.startswith("distiller.")}
        return select(dataset, method=method, **others), time.perf_counter() - began
    return distil(dataset, distiller=method, **given), time.perf_counter() - began


def stored(method: str, dataset: str, per_class: int, seed: int, options: dict[str, Any]) -> tuple[TextSet, float]:
    """The same, from `readable/sets` if it was made before."""
    folder = HERE / "sets" / f"{dataset}-{per_class}-{method}-{seed}"
    if not (folder / "seconds.json").exists():
        one, seconds = made(method, dataset, per_class, seed, options)
        one.save(folder / "artifact")
        write_json(folder / "seconds.json", {"seconds": seconds})
    seconds = json.loads((folder / "seconds.json").read_text())["seconds"]
    return DistilledSet.load(folder / "artifact"), seconds


def spread(values: list[float], sets: int) -> dict[str, float]:
    """Deviation over sets, of the means of their students, and over students, within sets (K,)."""
    by_set = [torch.tensor(values[i::sets]) for i in range(sets)]
    means = torch.stack([one.mean() for one in by_set])
    return {"over_sets": float(means.std()), "over_students": float(torch.stack([one.std() for one in by_set]).mean())}


def schedule(groups: int) -> torch.Tensor:
    """Step sizes (T, G) that rise for the first half and fall by a cosine."""
    half = STEPS // 2
    rising = [(t + 1) / half for t in range(half)]
    falling = [0.5 * (1 + math.cos(math.pi * t / half)) for t in range(half)]
    return STEP_SIZE * torch.tensor(rising + falling).unsqueeze(1).expand(-1, groups)


def scored(sets: list[TextSet], protocol: Protocol, *, fixed: bool) -> Result:
    """Test scores of students that are trained on the sets in turn."""
    ready = [one.training_set(protocol.reader) for one in sets]
    if not fixed:
        return protocol.tuned(ready, "sets")
    student, seeds = protocol.problem.student, protocol.seeds("evaluation")
    recipe = Recipe("adam", STEPS, 64, "shuffled", STEP_SIZE).for_parts(student.scales)
    sizes = schedule(len(student.groups)).squeeze(1)
    trained = train_students(student, ready, recipe, seeds, [STEPS], sizes)
    return summary(score([theta for (theta,) in trained], protocol.problem.test, protocol.reader, protocol.validation))


def by_ridge(sets: list[TextSet], problem: Problem) -> list[float]:
    """Test accuracy of ridge regression on a language model's last hidden state, one for each set."""
    reader, module, judge = problem.reader(), problem.student.module, Judge(problem.task, RIDGES)
    parts = [problem.validation.sample(ASKED), problem.test.sample(JUDGED)]
    features = [part.features(np.arange(len(part)), reader) for part in parts]
    middle, found = features[0].mean(0), []
    real = [
        Texts((unit(one, middle),), torch.from_numpy(part.labels)) for one, part in zip(features, parts, strict=True)
    ]
    for small in sets:
        examples = small.training_set(reader)
        with torch.no_grad():
            own = module.compared(examples.x, examples.mask).double()  # type: ignore[operator]
        chosen = Texts((unit(own, middle),), small.text_labels.argmax(1))
        validated, tested = (
            [float((answers.argmax(1) == part.targets).double().mean()) for answers in judge.answers(chosen, part)]
            for part in real
        )
        found.append(tested[int(np.argmax(validated))])
    return found


def main() -> None:
    """Make the sets, train on them, write what came out."""
    given = dict(argument.split("=", 1) for argument in sys.argv[1:])
    dataset, per_class, minilm = given["dataset"], int(given["per_class"]), given["minilm"]
    count, whole = int(given.get("sets", 5)), int(given.get("whole", 0))
    few = [n for n in (int(given.get("students", 20)), whole) if 0 < n < 2 * count]
    if few:
        raise SystemExit(f"Every set needs two students, for their deviation: got {few[0]} for {count} sets.")
    options = {key: value for key, value in given.items() if key not in MADE_HERE}
    own = {**options, "path": minilm, "tuning": "head"}
    plain = {key: value for key, value in options.items() if not key.startswith("distiller.")}
    students = {
        "linear head on MiniLM": (
            "pretrained",
            {**plain, "path": minilm, "tuning": "head"},
            int(given.get("students", 20)),
            False,
        ),
        "TextCNN on GloVe": ("textcnn", {**plain, "embedding": "glove"}, int(given.get("students", 20)), False),
        "MiniLM tuned whole": ("pretrained", {**plain, "path": minilm, "tuning": "full"}, whole, True),
    }
    path = HERE / f"{dataset}-{per_class}.json"
    result = {"machine": machine(), "sets": count, "methods": {}, "dataset": dataset, "per_class": per_class}
    known = json.loads(path.read_text())["methods"] if path.exists() else {}
    sets = {}
    for method in METHODS:
        found = [stored(method, dataset, per_class, seed, own) for seed in range(count)]
        sets[method] = [one for one, _ in found]
        seconds = sum(taken for _, taken in found) / count
        texts = [" / ".join(text) for text in sets[method][0].texts]
        labels = [", ".join(names) for names in sets[method][0].label_names]
        trained = known.get(method, {}).get("trained", {})
        result["methods"][method] = {
            "seconds": seconds,
            "texts": list(zip(labels, texts, strict=True)),
            "trained": trained,
        }
        result["methods"][method]["words"] = sum(len(text.split()) for text in texts)
    for name, (student, its, k, fixed) in students.items():
        if not k:
            continue
        problem = problem_of(dataset, None, student, its)
        config = EvaluationConfig(students=k, transfer=[])
        for method in METHODS:
            if name in result["methods"][method]["trained"]:
                continue
            say(f"{name}: {method}")
            measured = scored(sets[method], Protocol(config, problem, torch.device("cpu"), 0), fixed=fixed)
            kept = {key: measured[key] for key in (*problem.task.measures, "recipe") if key in measured}
            kept |= spread(measured[problem.task.measures[0]]["values"], count)
            result["methods"][method]["trained"][name] = kept
            write_json(path, result)
    if "gguf" in given:
        problem = problem_of(dataset, None, "causal_lm", {**plain, "path": given["gguf"]})
        for method in METHODS:
            if LANGUAGE not in result["methods"][method]["trained"]:
                values = torch.tensor(by_ridge(sets[method], problem))
                scores = {"mean": float(values.mean()), "values": values.tolist()}
                found = {"accuracy": scores, "over_sets": float(values.std()), "over_students": 0.0}
                result["methods"][method]["trained"][LANGUAGE] = found
                write_json(path, result)
    table()


def table() -> None:
    """Write what there is: a row for every corpus, size and method."""
    results = [json.loads(path.read_text()) for path in sorted(HERE.glob("*.json"))]
    names = list(dict.fromkeys(n for r in results for m in r["methods"].values() for n in m["trained"]))
    lines = [
        f"| corpus, per class | method | {' | '.join(names)} | seconds |",
        f"| --- | --- |{' ---: |' * (len(names) + 1)}",
    ]
    for result in results:
        for method, found in result["methods"].items():
            cells = []
            for name in names:
                scores = found["trained"].get(name)
                spread = scores and f"± {scores['over_sets']:.3f} (sets) ± {scores['over_students']:.3f} (students)"
                cells.append(f"{scores['accuracy']['mean']:.3f} {spread}" if scores else "")
            where = f"{result['dataset']}, {result['per_class']}"
            lines.append(f"| {where} | {method} | {' | '.join(cells)} | {found['seconds']:.0f} |")
    write_bytes(HERE / "table.md", ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
