"""What all tests share: a small corpus that is generated once, and a process that is left as it was found."""

import os
from pathlib import Path

import pytest
import torch

from textdd.corpora.corpus import load_corpus
from textdd.corpora.demo import DemoConfig
from textdd.corpora.sources import DatasetConfig
from textdd.spaces.vectors import EmbeddingConfig, load_vectors
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


LIBRARIES_OWN = (
    "KMP_",  # scikit-learn, when it is imported
    "PYTEST_",
    "TORCHINDUCTOR_",
    "PL_GLOBAL_SEED",
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
def vectors(corpus, cache):
    return load_vectors(EmbeddingConfig(dimension=16), corpus, None, cache, seed=0)


@pytest.fixture(scope="session")
def student(corpus, vectors):
    _, options = STUDENTS["textcnn"]
    return make_student(options(filters=8), vectors.table.shape[1], len(corpus.classes))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real corpora, which not every machine has."""
    beside = Path(__file__).parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("TEXTDD_DATA", beside))
    if not (folder / "ag_news" / "train.csv").is_file():
        pytest.skip(f"no real corpora in {folder}; set TEXTDD_DATA to a folder that holds ag_news/train.csv")
    return folder
