"""Pooling: runs that differ in their seed alone become one configuration, with mean and spread over all students."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from textdd.quality.overlap import overlap_of
from textdd.report.command import SIZE, command_of, options_of
from textdd.report.measures import called, either, headline_of, measures_of, recovered, size_of, typed_size
from textdd.report.paper import PAPER
from textdd.report.results import Run, Trouble

Result = dict[str, Any]
CHOICES = ("model", "embedding", "distiller")

COMPARED = "evaluation.selectors"
"""An option that says what a set is compared with, and so tells no set from another."""


@dataclass(frozen=True)
class Configuration:
    """Runs of one configuration, a seed each.

    Attributes:
        runs: sorted by seed.
        result: all of them pooled, in the form of one result.json.
        options: the options to type, all but seed and size.
        choices: what tells this configuration from others on the page, such as {"distiller": "paper"}.
    """

    runs: list[Run]
    result: Result
    options: tuple[str, ...]
    choices: dict[str, str]

    @property
    def seeds(self) -> list[int]:
        """The seeds of the runs."""
        return [run.result["seed"] for run in self.runs]

    @property
    def headline(self) -> str:
        """The measure that its curves and recoveries are of."""
        return headline_of(self.result)

    @property
    def corpus(self) -> str:
        """The corpus and the size of the sets."""
        return f"{self.result['dataset']}, {size_of(self.result)}"

    @property
    def title(self) -> str:
        """What it is called in figures and headings."""
        return ", ".join([self.corpus, *filter(None, self.choices.values())])

    @property
    def method(self) -> str:
        """How its sets were distilled, as far as that differs on the page."""
        parts = (self.choices.get(key) for key in ("distiller", "options"))
        return ": ".join(["distilled", *filter(None, [", ".join(filter(None, parts))])])

    @property
    def best_recovery(self) -> float:
        """The greatest recovery of any set."""
        return max(method["recovery"] for method in self.result["methods"].values())

    @property
    def command(self) -> str:
        """What to type for all of its runs."""
        seeds = ",".join(map(str, self.seeds))
        sweep = ["-m"] if len(self.runs) > 1 else []
        return command_of([*sweep, *self.options, typed_size(self.result), f"seed={seeds}"])


Key = tuple[str, str, str, str, int, tuple[str, ...], tuple[str, ...]]
"""Corpus, the three choices, examples per class, the measures, and the options to type."""


def configurations(runs: list[Run]) -> tuple[list[Configuration], list[Trouble]]:
    """Group runs into configurations; name those found twice and seeds that only other configurations have."""
    groups: dict[Key, dict[int, Run]] = {}
    typed: dict[Key, tuple[str, ...]] = {}
    troubles = []
    for run in runs:
        result = run.result
        options = tuple(o for o in options_of(result) if o.partition("=")[0] not in SIZE)
        model, embedding, distiller = (result[choice] for choice in CHOICES)
        telling = tuple(option for option in options if not option.startswith(f"{COMPARED}="))
        key = (result["dataset"], model, embedding, distiller, result["per_class"], measures_of(result), telling)
        typed[key] = max(typed.get(key, ()), options, key=len)
        first = groups.setdefault(key, {}).setdefault(result["seed"], run)
        if first is not run:
            what = f"the same configuration and seed as {first.name}, whose numbers are used"
            troubles.append(Trouble("repeated", run.name, what))
    order = [*PAPER, *sorted({key[0] for key in groups} - set(PAPER))]  # corpora in the paper's order
    keys = sorted(groups, key=lambda key: (order.index(key[0]), key[1:]))
    found = []
    for key in keys:
        same = list(groups[key].values())
        choices = told_apart(key, keys) | ({"overlap": noted(same)} if noted(runs) else {})
        found.append(Configuration(same, pooled([run.result for run in same]), typed[key], choices))
    return found, troubles + missing(found)


def noted(runs: Sequence[Run]) -> str:
    """What is to be said beside all figures of some runs: the first that holds texts it is measured on."""
    return next(filter(None, (overlap_of(run.result) for run in runs)), "")


def told_apart(key: Key, keys: list[Key]) -> dict[str, str]:
    """The headline and the choices that differ between configurations, and the options where the choices do not."""
    headlines = {other[5][0] for other in keys}
    choices = {"measure": called(key[5][0])} if len(headlines) > 1 else {}
    for i, choice in enumerate(CHOICES, 1):
        if len({other[i] for other in keys}) > 1:
            choices[choice] = str(key[i])
    siblings = [set(other[-1]) for other in keys if other[:4] == key[:4]]
    shared = set.intersection(*siblings)
    return {**choices, "options": " ".join(option for option in key[-1] if option not in shared)}


def measured(configurations: Sequence[Configuration]) -> str:
    """The headlines of some configurations in words: a measure, or one or another."""
    return either(configuration.headline for configuration in configurations)


def chosen(configuration: Configuration) -> tuple[str, ...]:
    """Student, word vectors and distiller."""
    return tuple(configuration.result[choice] for choice in CHOICES)


def missing(found: list[Configuration]) -> list[Trouble]:
    """Name the seeds that a configuration lacks, and others with the same student, vectors and distiller have."""
    seeds: dict[tuple[str, ...], set[int]] = {}
    for configuration in found:
        seeds.setdefault(chosen(configuration), set()).update(configuration.seeds)
    troubles = []
    for configuration in found:
        for seed in sorted(seeds[chosen(configuration)] - set(configuration.seeds)):
            size = typed_size(configuration.result)
            command = command_of([*configuration.options, size, f"seed={seed}"])
            name = f"{configuration.title}, seed {seed}"
            troubles.append(Trouble("missing", name, "other configurations were run with this seed", command))
    return troubles


def pooled(results: list[Result]) -> Result:
    """Pool results that differ in their seed into one of the same form."""
    first, measures = results[0], measures_of(results[0])
    names = list(dict.fromkeys(name for result in results for name in result["methods"]))
    names.sort(key=lambda name: (name == "full", name != "distilled"))  # distilled, the selectors, full
    methods = {}
    for name in names:
        having = [result for result in results if name in result["methods"]]
        # The curve of the full data is that of one student; elsewhere it is a mean over all.
        students = [1 if name == "full" else result["students"] for result in having]
        methods[name] = pooled_method([result["methods"][name] for result in having], students, measures)
    full = methods["full"][measures[0]]["mean"]
    for method in methods.values():
        for scored in (method, *method["variants"].values()):
            # An F1 score of zero is soon reached, and nothing is a share of it.
            scored["recovery"] = recovered(measures[0], scored[measures[0]]["mean"], full)
    return {**first, "budget": mean([result["budget"] for result in results]), "methods": methods}


def pooled_method(methods: Sequence[Result], students: list[int], measures: tuple[str, ...]) -> Result:
    """Pool what became of one method."""
    return {
        **pooled_scores(methods, students, measures),
        "seconds": mean([method["seconds"] for method in methods]),
        "peak_memory_bytes": max(method["peak_memory_bytes"] for method in methods),
        "bytes": round(mean([method["bytes"] for method in methods])),
        "variants": pooled_parts(methods, "variants", students, measures),
        "transfer": pooled_parts(methods, "transfer", students, measures),
    }


def pooled_parts(
    methods: Sequence[Result], kind: str, students: list[int], measures: tuple[str, ...]
) -> dict[str, Result]:
    """Pool the variants, or the other students, of a method."""
    names = dict.fromkeys(name for method in methods for name in method.get(kind, {}))
    parts = {}
    for name in names:
        having = [(m[kind][name], n) for m, n in zip(methods, students, strict=True) if name in m.get(kind, {})]
        parts[name] = pooled_scores([part for part, _ in having], [count for _, count in having], measures)
    return parts


def pooled_scores(scored: Sequence[Result], students: list[int], measures: tuple[str, ...]) -> Result:
    """Pool the measures over all students, the curves where all runs have a point, and the seconds of one training."""
    found: Result = {}
    for measure in measures:
        values = [value for result in scored for value in result[measure]["values"]]
        std = statistics.stdev(values) if len(values) > 1 else 0.0
        found[measure] = {"mean": mean(values), "std": std, "values": values}
    found["curve"] = pooled_curve([result["curve"] for result in scored], students)
    for seconds in ("train_seconds", "test_seconds"):
        if all(seconds in result for result in scored):
            found[seconds] = mean([result[seconds] for result in scored])
    return found


def pooled_curve(curves: Sequence[Result], students: list[int]) -> Result:
    """Pool curves over training steps as if all students had been measured together.

    Args:
        curves: steps, mean and standard deviation of one run each.
        students: how many students each of them is of.
    """
    points = [{step: (m, s) for step, m, s in zip(c["steps"], c["mean"], c["std"], strict=False)} for c in curves]
    steps = sorted(set.intersection(*(set(point) for point in points)))
    total = sum(students)
    means, stds = [], []
    for step in steps:
        at = [point[step] for point in points]
        centre = sum(n * m for n, (m, _) in zip(students, at, strict=True)) / total
        squares = sum((n - 1) * s**2 + n * (m - centre) ** 2 for n, (m, s) in zip(students, at, strict=True))
        means.append(centre)
        stds.append(math.sqrt(squares / (total - 1)) if total > 1 else 0.0)
    return {"steps": steps, "mean": means, "std": stds}


def mean(values: Sequence[float]) -> float:
    """The mean."""
    return statistics.fmean(values)
