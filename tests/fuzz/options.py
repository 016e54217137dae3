"""Command lines."""

import json
from functools import lru_cache

from textdd import cli
from textdd.config import register
from textdd.run import check_line

VALUES = [
    *(
        "",
        "null",
        "0",
        "-1",
        "1",
        "1000000",
        "1e30",
        "-0.5",
        "nan",
        "inf",
        "-inf",
        "true",
        "x",
        "''",
        "[]",
        "[1,2]",
        "[[1]]",
    ),
    *(
        "{}",
        "{a:1}",
        "${seed}",
        "${oc.env:HOME}",
        "${nothing}",
        "${",
        "[",
        "'",
        "a b",
        "../../x",
        "/etc/passwd",
        "~nobody/x",
    ),
    *("range(1,3)", "1,2", "choice(a,b)", "名前", "\x1b[31m", "[/x]", "a=b", "9" * 400, "x" * 3000, "1.5", "auto"),
]
GROUPS = {
    "dataset": ("demo", "local", "ag_news", "nope"),
    "model": ("textcnn", "lstm", "fasttext", "transformer", "custom", "pretrained", "x"),
    "distiller": ("paper", "meta_gradient", "chain", "kernel_ridge", "trajectory_matching", ""),
    "embedding": ("glove", "corpus", "random"),
    "trainer": ("cpu", "ddp", "gpu"),
}


@lru_cache
def names(chosen):
    register()
    return cli.paths(cli.compose_config("config", list(chosen)))


def make(folder, seeds, draw):
    """A few options, most of which exist."""
    del seeds
    groups = draw.sample(sorted(GROUPS), draw.choice((0, 1, 2)))
    line = [f"{group}={draw.choice(GROUPS[group])}" for group in groups]
    known = names(tuple(part for part in line if part.split("=")[1] in GROUPS[part.split("=")[0]][:2]))
    for _ in range(draw.choice((1, 1, 2, 3))):
        name = draw.choice(known)
        sign = draw.choice(("", "", "", "", "", "+", "++", "~", "-"))
        line.append(f"{sign}{name}{draw.choice(('=', '=', '=', '=', '', ':'))}{draw.choice(VALUES)}")
    (folder / "line.json").write_text(json.dumps(line + ["-m"] * (draw.random() < 0.1)))


def run(folder):
    """Check the line as the program does before it touches any data."""
    line = json.loads((folder / "line.json").read_text())
    check_line(cli.as_meant("config", line))
