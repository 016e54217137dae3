"""What all tests share: a small corpus that is generated once, and a process that is left as it was found."""

import os
from pathlib import Path

import pytest
import torch

from tests.tiny import tiny_language_model
from textdd.corpora.corpus import load_corpus
from textdd.corpora.demo import DemoConfig
from textdd.corpora.formats.opening import say_once
from textdd.corpora.sources import DatasetConfig
from textdd.problem import Problem
from textdd.seeds import numpy_generator
from textdd.spaces.reading import Reading
from textdd.spaces.vectors import EmbeddingConfig
from textdd.spaces.words import word_space
from textdd.students import STUDENTS, make_student

SMALL_DEMO = DemoConfig(topics=3, themes=1, train=600, test=200, words=300)
SMALL = (  # the same corpus on the command line, with everything else small as well
    "dataset.demo.train=600",
    "dataset.demo.test=200",
    "dataset.demo.words=300",
    "dataset.demo.topics=3",
    "dataset.demo.themes=1",
    "embedding.dimension=16",
    "model.filters=8",
    "per_class=3",
    "distiller.outer_steps=6",
    "distiller.check_every=2",
    "distiller.inner_steps=4",
    "distiller.length=6",
    "evaluation.steps=10",
    "evaluation.students=2",
    "evaluation.step_sizes=[0.01]",
    "evaluation.full.epochs=1",
    "evaluation.full.step_sizes=[0.002]",
    "trainer=cpu",
    "trainer.threads=1",
)

STILL = {
    "accelerator": "cpu",
    "logger": False,
    "enable_progress_bar": False,
    "enable_model_summary": False,
    "num_sanity_val_steps": 0,
}
"""Options of a Lightning trainer that shows nothing and writes nothing of itself."""

WORDS = {"red": ("rose", "blood", "brick"), "green": ("leaf", "moss", "frog"), "blue": ("sky", "sea", "ink")}
"""What texts of each label speak of."""

LIBRARIES_OWN = (
    "KMP_",  # scikit-learn, when it is imported
    "PYTEST_",
    "TORCHINDUCTOR_",
    "PL_GLOBAL_SEED",
    "PL_SEED_WORKERS",
    "MASTER_",
    "NODE_RANK",
    "LOCAL_RANK",
    "WORLD_SIZE",
)


@pytest.fixture(autouse=True)
def clean_process():
    """Fail a test that leaks environment variables, and undo it: a later test must not depend on an earlier one."""
    before, threads = dict(os.environ), torch.get_num_threads()
    torch.set_float32_matmul_precision("highest")  # fixtures that run the program in this process leave it lower
    yield
    leaked = {key for key in os.environ.keys() ^ before.keys() if not key.startswith(LIBRARIES_OWN)}
    os.environ.clear()
    os.environ.update(before)
    torch.set_num_threads(threads)
    assert not leaked, f"environment variables leaked: {sorted(leaked)}"


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def corpus(cache):
    return load_corpus(DatasetConfig(demo=SMALL_DEMO), None, cache, seed=0)


@pytest.fixture(scope="session")
def problem(corpus, cache):
    """Two texts per class of the small corpus, for a small TextCNN."""
    return problem_of(corpus, cache)


def problem_of(corpus, cache, name="textcnn", length=48, per_class=2, seed=0, dimension=16, **options):
    """A problem of any corpus, in the words of its own."""
    space, stores = word_space(EmbeddingConfig(dimension=dimension), corpus, 30_000, length, None, cache, seed)
    _, kind = STUDENTS[name]
    model = kind(**({"filters": 8} if name == "textcnn" and not options else options))
    student = make_student(model, dimension, corpus.task)
    share = per_class * len(corpus.classes) / corpus.train_rows
    return Problem(corpus, space, stores, student, model, per_class, share, seed, cache)


def sentence(generator, labels, length=7):
    """Words that any text may have, and one or two of every label among them."""
    found = [f"word{i}" for i in generator.integers(20, size=length)]
    for label in labels:
        found += generator.choice(WORDS[label], generator.integers(1, 3)).tolist()
    return " ".join(generator.permutation(found))


def problem_of_file(folder, cache, rows, length=16, **options):
    """The problem of a corpus in a csv file."""
    folder.mkdir()
    (folder / "train.csv").write_text("\n".join(",".join(map(str, row)) for row in rows) + "\n")
    config = DatasetConfig(name=folder.name, path=str(folder / "train.csv"), **options)
    return problem_of(load_corpus(config, None, cache, seed=0), cache, length=length)


@pytest.fixture(scope="session")
def several_labels(tmp_path_factory, cache):
    """Two texts per label; a text has any number of three, none included."""
    generator, rows = numpy_generator(0, "several labels"), [("text", *WORDS)]
    for flags in generator.random((300, 3)) < (0.5, 0.3, 0.2):
        labels = [label for label, yes in zip(WORDS, flags, strict=True) if yes]
        rows.append((sentence(generator, labels), *flags.astype(int)))
    return problem_of_file(tmp_path_factory.mktemp("files") / "colours", cache, rows, labels=list(WORDS))


@pytest.fixture(scope="session")
def pairs(tmp_path_factory, cache):
    """Two pairs per class: whether both segments speak of one colour; as many tokens are read as the shortest has."""
    generator, rows = numpy_generator(0, "pairs"), [("first", "other", "label")]
    for i in range(300):
        first, other = generator.choice(list(WORDS), 2, replace=False)
        segments = [sentence(generator, [label], 4) for label in (first, first if i % 2 else other)]
        rows.append((*segments, "same" if i % 2 else "different"))
    folder = tmp_path_factory.mktemp("files") / "twins"
    return problem_of_file(folder, cache, rows, length=11, text=["first", "other"], pair=True)


def read(corpus, cache, vocabulary=30_000, length=48):
    """The splits of a corpus as words, without vectors that mean anything."""
    space, stores = word_space(EmbeddingConfig("random", dimension=4), corpus, vocabulary, length, None, cache, 0)
    return [Reading(split, stores[split.store.path], space) for split in (corpus.train, corpus.validation, corpus.test)]


@pytest.fixture
def load(tmp_path):
    """Load a corpus with a cache of its own; keyword arguments are those of DatasetConfig."""
    say_once.cache_clear()  # what other tests of this process were told

    def load(data_dir=None, seed=0, **config):
        config = DatasetConfig(**{"name": "local", **config})
        return load_corpus(config, None if data_dir is None else str(data_dir), tmp_path / "cache", seed)

    return load


@pytest.fixture
def test_words(load, tmp_path):
    """The test split of a corpus as words; arguments as for `load`."""
    return lambda *place, **config: read(load(*place, **config), tmp_path / "cache")[2]


@pytest.fixture(scope="session")
def demo(cache):
    """A larger demo corpus as words, its training split first: 3 topics, 600 + 200 texts."""
    config = DemoConfig(topics=3, themes=1, train=600, test=200, words=600)
    return read(load_corpus(DatasetConfig(demo=config), None, cache, seed=0), cache)


@pytest.fixture(scope="session")
def language_model(problem, tmp_path_factory):
    """The path of a language model that writes words of its prompt; it knows those of all these corpora."""
    pytest.importorskip("transformers", reason="needs transformers")
    words = [*problem.space.tokeniser.get_vocab(), *(f"word{i}" for i in range(20)), *sum(WORDS.values(), ())]
    return tiny_language_model(tmp_path_factory.mktemp("models") / "writer", sorted(words))


@pytest.fixture(scope="session")
def student(problem):
    return problem.student


@pytest.fixture(scope="session")
def space(problem):
    return problem.space


@pytest.fixture(scope="session")
def reader(problem):
    return problem.reader()


@pytest.fixture(scope="session")
def inputs() -> Path:
    """The folder of files as people have them, which not every machine has."""
    folder = Path(__file__).parents[1].parent / "shared" / "inputs"
    if not folder.is_dir():
        pytest.skip(f"there is no {folder}")
    return folder


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real corpora, which not every machine has."""
    beside = Path(__file__).parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("TEXTDD_DATA", beside))
    if not (folder / "ag_news" / "train.csv").is_file():
        pytest.skip(f"no real corpora in {folder}; set TEXTDD_DATA to a folder that holds ag_news/train.csv")
    return folder
