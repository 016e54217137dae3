"""Sets of texts: kept as they were written, and read in every space; what 0.3 wrote still loads."""

import hashlib
from pathlib import Path

import pytest
import torch

from tests.conftest import problem_of
from textdd import DistilledSet
from textdd.corpora.corpus import load_corpus
from textdd.corpora.sources import DatasetConfig
from textdd.errors import TextddError
from textdd.sets.matrices import MatrixSet
from textdd.sets.texts import TextSet
from textdd.sets.training_set import real_set
from textdd.spaces.reading import Reader
from textdd.students import make_student
from textdd.students.fasttext import FastTextConfig
from textdd.training import Recipe

HERE = Path(__file__).parent


def text_set(problem, rows, y=None, **manifest):
    """Real texts of the training split as a set."""
    targets = torch.from_numpy(problem.train.labels[rows])
    y = problem.task.as_labels(targets).float() if y is None else y
    known = {"dataset": "demo", "task": problem.task.name, "classes": problem.corpus.classes, "per_class": 2}
    known |= {"length": problem.space.length, "student": {"name": "textcnn", "filters": 8}, "distiller": {"name": "x"}}
    known |= {"embedding": {"name": "corpus"}, "versions": {"textdd": "0"}, "metrics": {}, **manifest}
    texts = problem.train.split.texts(rows)
    return TextSet(texts, y, None, Recipe("adam", 5, 3, "fixed", 0.01), known, problem.space)


ROWS = [5, 3, 9, 0, 1, 2]


@pytest.mark.parametrize("soft", [False, True])
def test_round_trip(soft, problem, tmp_path):
    y = torch.rand(6, 3).softmax(1) if soft else None
    saved = text_set(problem, ROWS, y)
    saved.save(tmp_path / "one")
    loaded = DistilledSet.load(tmp_path / "one")
    assert isinstance(loaded, TextSet)
    assert loaded.texts == saved.texts
    assert torch.equal(loaded.text_labels, saved.text_labels)
    assert loaded.recipe == saved.recipe
    loaded.save(tmp_path / "two")
    for path in (tmp_path / "one").iterdir():
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()
    names = {path.name for path in (tmp_path / "one").iterdir()}
    assert names == {"README.md", "distilled.safetensors", "manifest.json", "texts.jsonl"}  # no vectors, no tokeniser


def test_is_read_as_the_same_real_texts_are(problem):
    reader = problem.reader()
    expected, got = real_set(problem.train, ROWS, reader), text_set(problem, ROWS).training_set(reader)
    for name in ("x", "y", "mask"):
        assert torch.equal(getattr(got, name), getattr(expected, name))
    assert got.bytes == expected.bytes


def test_trains_where_its_words_are_known_and_says_what_it_needs_elsewhere(problem, tmp_path):
    made = text_set(problem, ROWS)
    assert set(made.train(seed=0)(["some text"])) <= set(problem.corpus.classes)
    made.save(tmp_path)
    with pytest.raises(TextddError, match=r"carries no space.*textdd\.train\(.*textdd evaluate artifact=PATH"):
        DistilledSet.load(tmp_path).train()


def test_is_a_table_for_people(problem):
    made = text_set(problem, ROWS)
    classes = problem.corpus.classes
    labels = [classes[i] for i in problem.train.labels[ROWS]]
    assert made.written == [{"text": t, "label": n} for (t,), n in zip(made.texts, labels, strict=True)]
    dataset = made.to_dataset()
    assert dataset["label"][:] == labels
    assert dataset.column_names == ["text", "label", "origin"]
    assert set(dataset["origin"]) == {"real"}
    soft = text_set(problem, ROWS, torch.rand(6, 3).softmax(1)).to_dataset()
    assert len(soft[0]["probabilities"]) == 3
    assert made.first(1).texts == made.texts[:3]


def test_pairs_and_several_labels(tmp_path, cache):
    rows = "".join(f"man {i},dog {i % 5},{i % 2},{int(i % 3 == 0)}\n" for i in range(60))
    (tmp_path / "p.csv").write_text("one,two,big,red\n" + rows)
    config = DatasetConfig("mine", path=str(tmp_path / "p.csv"), text=["one", "two"], pair=True, labels=["big", "red"])
    problem = problem_of(load_corpus(config, None, cache, 0), cache)
    made = text_set(problem, [0, 1, 2, 3])
    made.save(tmp_path / "set")
    loaded = DistilledSet.load(tmp_path / "set")
    assert loaded.texts == problem.train.split.texts([0, 1, 2, 3])
    assert loaded.task.name == "several_labels"
    assert torch.equal(loaded.text_labels, torch.from_numpy(problem.train.labels[:4]).float())
    assert loaded.to_dataset()["labels"][:] == loaded.label_names
    classify = made.train(seed=0)
    assert all(set(names) <= {"big", "red"} for names in classify([("man 1", "dog 2"), ("man 3", "dog 0")]))


def test_matrices_of_one_space_are_refused_in_another(problem, cache, corpus):
    other = problem_of(corpus, cache, dimension=8)
    manifest = {**text_set(problem, ROWS).manifest, "space": {"name": "corpus", "sha256": problem.space.sha256}}
    made = MatrixSet(torch.rand(3, 4, 16), torch.eye(3), None, Recipe(steps=2), problem.space, manifest)
    assert made.training_set(problem.reader()).x.shape == (3, 4, 16)
    with pytest.raises(TextddError, match=r"matrices in the space 'corpus'.*mean nothing there.*textdd\.select"):
        made.training_set(other.reader())


def test_matrices_are_a_data_set_too(problem):
    manifest = {**text_set(problem, ROWS).manifest, "pieces": 2}
    made = MatrixSet(torch.rand(3, 4, 16), torch.eye(3), None, Recipe(steps=2), problem.space, manifest)
    dataset = made.to_dataset().with_format("torch")
    assert torch.equal(dataset["x"][:], made.x)
    assert dataset["label"][:] == problem.corpus.classes * 2


def digest(tensor):
    return hashlib.sha256(tensor.numpy().tobytes()).hexdigest()[:16]


class TestOf03:
    """Two artefacts that version 0.3.0 made of the small demo corpus: matrices, and real texts with soft labels.

    What is expected of them is what 0.3.0 itself says when it loads them.
    """

    def test_matrices(self):
        loaded = DistilledSet.load(HERE / "artifact-0.3" / "matrices")
        assert isinstance(loaded, MatrixSet)
        assert loaded.x.shape == (9, 6, 16)
        assert loaded.task.name == "one_class"
        assert (digest(loaded.x), digest(loaded.text_labels)) == ("e14b804b84a78d71", "5250dd9d751364f0")
        assert loaded.classes == ["kiba", "vabi", "meba"]
        assert loaded.recipe == Recipe("adam", 4, 3, "fixed", 0.004)
        assert loaded.step_sizes.tolist() == pytest.approx([0.0038] * 4, abs=5e-5)
        assert set(loaded.train(seed=0)(loaded_words(loaded))) <= set(loaded.classes)

    def test_texts(self, tmp_path):
        loaded = DistilledSet.load(HERE / "artifact-0.3" / "texts")
        assert isinstance(loaded, TextSet)
        assert loaded.read() == OF_03
        assert loaded.text_labels.shape == (9, 3)
        assert digest(loaded.text_labels) == "a1dc5ae42bbc5d3d"
        assert loaded.text_labels[0].tolist() == pytest.approx([0.9240, 0.0267, 0.0492], abs=5e-5)
        assert loaded.step_sizes.tolist() == pytest.approx([0.0041, 0.0042, 0.0043, 0.0043], abs=5e-5)
        assert set(loaded.train(seed=0)(loaded.read())) <= set(loaded.classes)
        loaded.save(tmp_path)
        again = DistilledSet.load(tmp_path)
        assert again.texts == loaded.texts
        assert torch.equal(again.text_labels, loaded.text_labels)

    def test_texts_are_read_as_03_read_them(self):
        loaded = DistilledSet.load(HERE / "artifact-0.3" / "texts")
        student = make_student(FastTextConfig(hidden=4), 16, loaded.task)
        assert digest(loaded.training_set(Reader(loaded.space(), student)).x) == "3fbea70414b15266"


OF_03 = [
    "fubi bubi nabi robe fubo sube",
    "nobo piba pubi dabu pebe dabo",
    "nubi piba teba tuba zabe gibe",
    "debo febi nabi keba niba fuba",
    "piba sibo dobo bubi gibe sibo",
    "pubo febo subi sube piba fiba",
    "fubi robi robe dibu sube teba",
    "lobe gubi veba dabu teba sube",
    "ziba gibi ziba kuba ziba labo",
]


def loaded_words(loaded):
    """Texts of words that the set knows."""
    vocabulary = sorted(loaded.tokeniser.get_vocab())
    return [" ".join(vocabulary[5:9]), " ".join(vocabulary[20:25])]
