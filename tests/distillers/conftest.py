"""Problems whose texts may have several labels, or are pairs: small corpora in files."""

import pytest

from tests.conftest import problem_of
from textdd.corpora.corpus import load_corpus
from textdd.corpora.sources import DatasetConfig
from textdd.seeds import numpy_generator

WORDS = {"red": ("rose", "blood", "brick"), "green": ("leaf", "moss", "frog"), "blue": ("sky", "sea", "ink")}


def sentence(generator, labels, length=7):
    """Words that any text may have, and one or two of every label among them."""
    found = [f"word{i}" for i in generator.integers(20, size=length)]
    for label in labels:
        found += generator.choice(WORDS[label], generator.integers(1, 3)).tolist()
    return " ".join(generator.permutation(found))


def posed(folder, cache, rows, **options):
    """The problem of a corpus in a csv file."""
    folder.mkdir()
    (folder / "train.csv").write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n")
    config = DatasetConfig(name=folder.name, path=str(folder / "train.csv"), **options)
    return problem_of(load_corpus(config, None, cache, seed=0), cache, length=16)


@pytest.fixture(scope="session")
def several_labels(tmp_path_factory, cache):
    """Two texts per label; a text has any number of three, none included."""
    generator, rows = numpy_generator(0, "several labels"), [("text", *WORDS)]
    for flags in generator.random((300, 3)) < (0.5, 0.3, 0.2):
        labels = [label for label, yes in zip(WORDS, flags, strict=True) if yes]
        rows.append((sentence(generator, labels), *flags.astype(int)))
    return posed(tmp_path_factory.mktemp("files") / "colours", cache, rows, labels=list(WORDS))


@pytest.fixture(scope="session")
def pairs(tmp_path_factory, cache):
    """Two pairs per class: whether both segments speak of one colour."""
    generator, rows = numpy_generator(0, "pairs"), [("first", "other", "label")]
    for i in range(300):
        first, other = generator.choice(list(WORDS), 2, replace=False)
        segments = [sentence(generator, [label], 4) for label in (first, first if i % 2 else other)]
        rows.append((*segments, "same" if i % 2 else "different"))
    return posed(tmp_path_factory.mktemp("files") / "twins", cache, rows, text=["first", "other"], pair=True)
