"""Which ingredient of the default gives how much: each is changed alone, at equal time, and scored on validation.

    python experiments/ablation.py dataset=ag_news per_class=30 embedding=glove data_dir=DIR \
        embedding.path=DIR/vectors/glove_100d_10k.txt distiller.minutes=2

Trials that are finished are not repeated; `jobs=2` runs two at a time. The results are written beside this file: one
JSON per trial and `DATASET.md`. The first trial trains the teacher for all others, so it runs alone.
"""

import sys
from pathlib import Path

from trial import line, trials

HERE = Path(__file__).with_suffix("")
DEFAULT = "the default"
CHANGES = {
    "labels: hard": "labels=hard",
    "labels: the teacher's": "labels=teacher",
    "step sizes: one, fixed": "learn_step_sizes=false",
    "start: noise": "start=noise",
    "start: k-means": "start=kmeans",
    "outer loss: real labels": "targets=labels",
    "no student is taught plainly": "plain_share=0",
    "every student is taught plainly": "plain_share=1",
    "window: W=12, random": "truncation=random window=12",
    "window: W=12, pool": "truncation=pool window=12",
    "T=12": "inner_steps=12",
    "T=48": "inner_steps=48",
    "inner batch: 20": "inner_batch=20",
    "outer step size: 0.005": "outer_step_size=0.005",
    "outer step size: 0.02": "outer_step_size=0.02",
    "inner order: shuffled": "order=shuffled",
    "inner optimiser: momentum": "inner_optimiser=momentum step_size=0.05",
    "length: 6": "length=6",
    "length: 24": "length=24",
    "K=3 students per outer step": "students=3",
    "outer batch: 256": "outer_batch=256",
    "no averaging": "averaging=0",
    "no clipping": "clip=0",
    "no decay of outer step sizes": "decay=none",
}
"""What is changed -> the options that change it."""


def main() -> None:
    """Run what is missing, then write the table."""
    arguments = sys.argv[1:]
    dataset = next(argument for argument in arguments if argument.startswith("dataset=")).removeprefix("dataset=")
    folder = HERE / dataset
    named = {name: [f"distiller.{option}" for option in options.split()] for name, options in CHANGES.items()}
    results = trials(folder, {DEFAULT: []}, arguments) | trials(folder, named, arguments)
    head = "| changed | own recipe | plain recipe | seconds | outer steps |\n| --- | ---: | ---: | ---: | ---: |\n"
    table = head + "".join(f"| {name} | {line(result)} |\n" for name, result in results.items())
    (HERE / f"{dataset}.md").write_text(table)
    sys.stdout.write(table)


if __name__ == "__main__":
    main()
