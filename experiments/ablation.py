"""Which ingredient of the default gives how much: each is changed alone, at equal time, and scored on validation.

    python experiments/ablation.py dataset=ag_news per_class=30 embedding=glove data_dir=DIR \
        embedding.path=DIR/vectors/glove_100d_10k.txt distiller.minutes=0.8 evaluation.texts=1000 \
        evaluation.step_sizes=[0.001,0.003]

Trials that are finished are not repeated; `jobs=2` runs two at a time, of three minutes each on one thread. The results
are written beside this file: one JSON per trial and `DATASET.md`. The first trial trains the teacher for all others, so
it runs alone.
"""

import json
import sys
from pathlib import Path

from trial import line, path_of, trials

HERE = Path(__file__).with_suffix("")
DEFAULT = "the default"
CHANGES = {
    "labels: hard": "distiller.labels=hard",
    "labels: the teacher's": "distiller.labels=teacher",
    "step sizes: one, fixed": "distiller.learn_step_sizes=false",
    "start: noise": "distiller.start=noise",
    "unknown words: random vectors": "embedding.unknown=random",
    "unknown words: no vectors": "embedding.unknown=zero",
    "outer loss: real labels": "distiller.targets=labels",
    "no student is taught plainly": "distiller.plain_share=0",
    "window: W=12, random": "distiller.truncation=random distiller.window=12",
    "window: W=12, pool": "distiller.truncation=pool distiller.window=12",
    "T=12": "distiller.inner_steps=12",
    "T=48": "distiller.inner_steps=48",
    "texts whole, not in pieces": "distiller.pieces=1",
    "texts whole, 12 tokens": "distiller.pieces=1 distiller.length=12",
    "texts whole, as long as real ones": "distiller.pieces=1 distiller.length=0",
    "no averaging": "distiller.averaging=0",
    "no decay of outer step sizes": "distiller.decay=none",
    "outer loss at three steps": "distiller.losses=3",
    "inner order: shuffled": "distiller.order=shuffled",
    "inner optimiser: momentum": "distiller.inner_optimiser=momentum distiller.step_size=0.05",
    "no clipping": "distiller.clip=0",
}
"""What is changed -> the options that change it."""


def write(dataset: str) -> None:
    """The table of the trials that are finished, which an interrupted ablation leaves, too."""
    head = "| changed | own recipe | plain recipe | seconds | outer steps |\n| --- | ---: | ---: | ---: | ---: |\n"
    paths = {name: path_of(HERE / dataset, name) for name in (DEFAULT, *CHANGES)}
    results = {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}
    lines = [f"| {name} | {line(result)} |\n" for name, result in results.items()]
    HERE.mkdir(exist_ok=True)
    (HERE / f"{dataset}.md").write_text(head + "".join(lines))


def main() -> None:
    """Run what is missing, then write the table."""
    arguments = sys.argv[1:]
    dataset = next(argument for argument in arguments if argument.startswith("dataset=")).removeprefix("dataset=")
    write(dataset)
    for named in ({DEFAULT: []}, {name: options.split() for name, options in CHANGES.items()}):
        trials(HERE / dataset, named, arguments)
    write(dataset)
    sys.stdout.write((HERE / f"{dataset}.md").read_text())


if __name__ == "__main__":
    main()
