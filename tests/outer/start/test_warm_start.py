"""Warm starts take over what fits and refuse what does not."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from tests.distillers.test_distillers import options
from tests.tiny import Parts
from textdd.errors import TextddError
from textdd.outer.distil import make_distiller
from textdd.outer.start.start import started_set
from textdd.outer.start.warm_start import source_of
from textdd.selectors import SELECTORS
from textdd.sets.matrices import MatrixSet
from textdd.sets.parametrisations import Free
from textdd.sets.parametrisations.pieces import cut, for_pieces
from textdd.sets.texts import TextSet
from textdd.training import Recipe
from textdd.training.student import FlatStudent

CLASSES = 3  # of the small corpus


@pytest.fixture
def source(space, corpus):
    """A set of two texts of 6 tokens per class, with labels and step sizes that no start has."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2 * CLASSES, 6, 16, generator=generator)
    y = (3 * torch.eye(CLASSES).repeat(2, 1) + torch.randn(2 * CLASSES, CLASSES, generator=generator)).softmax(1)
    manifest = {"classes": corpus.classes, "dataset": "demo", "embedding": {"name": "corpus"}}
    steps = torch.tensor([0.1, 0.2, 0.3, 0.4])
    return MatrixSet(x, y, steps, Recipe("adam", 4, 3), space, manifest)


def started(source, problem, per_class=2, **changes):
    return make_distiller(
        options("meta_gradient", **changes), dataclasses.replace(problem, per_class=per_class), source
    )


def test_a_warm_start_takes_texts_labels_and_step_sizes(source, problem):
    distiller = started(source, problem)
    for synthetic in (distiller.synthetic, distiller.averaged.mean, distiller.best.mean):
        assert torch.equal(synthetic.x, source.x)
        assert torch.allclose(synthetic.labels(), source.y, atol=1e-6)
        assert torch.allclose(synthetic.step_sizes(), source.step_sizes, atol=1e-6)


@pytest.mark.parametrize("changes", [{"inner_steps": 5}, {"inner_optimiser": "sgd"}])
def test_step_sizes_of_another_training_are_left(changes, source, problem):
    synthetic = started(source, problem, step_size=0.02, **changes).synthetic
    assert torch.allclose(synthetic.step_sizes(), torch.tensor(0.02))
    assert torch.allclose(synthetic.labels(), source.y, atol=1e-6)


def test_what_is_not_learned_is_left(source, problem):
    synthetic = started(source, problem, labels="hard", learn_step_sizes=False).synthetic
    assert torch.equal(synthetic.labels(), torch.eye(CLASSES).repeat(2, 1))
    assert torch.equal(synthetic.x, source.x)


def test_texts_in_pieces_start_from_whole_ones(source, problem):
    synthetic = started(source, problem, pieces=2).synthetic
    assert torch.equal(synthetic.x, cut(source.x, CLASSES, 2))
    assert torch.allclose(synthetic.labels(), for_pieces(source.y, 2), atol=1e-6)


@pytest.mark.parametrize("pieces", [1, 3])
def test_length_and_pieces_that_are_left_open_are_those_of_the_set(pieces, source, problem):
    manifest = source.manifest | {"pieces": pieces}
    source = MatrixSet(source.x, source.y, None, source.recipe, problem.space, manifest)
    synthetic = started(source, problem, length=-1).synthetic
    assert synthetic.pieces == pieces
    assert torch.equal(synthetic.x, source.x)
    assert torch.allclose(synthetic.labels(), source.y, atol=1e-6)


def test_soft_labels_after_hard_ones_can_be_learned(source, problem):
    source.text_labels = torch.eye(CLASSES).repeat(2, 1)
    labels = started(source, problem, confidence=0.8).synthetic.labels()
    assert torch.allclose(labels.max(1).values, torch.tensor(0.8))


@pytest.mark.parametrize(
    ("spoil", "arguments", "expected"),
    [
        (lambda s: s.manifest.update(classes=["a", "b"]), {}, r"has 2 classes \(a, b\), the corpus 3 .*dataset=demo"),
        (
            lambda s: setattr(s, "texts", Free(s.x[..., :8])),
            {},
            "word vectors of 8 numbers, this run of 16.*embedding=corpus",
        ),
        (
            lambda s: s.manifest.update(task="several_labels"),
            {},
            "labels of the kind several_labels, the corpus of one_class. Type: dataset=demo",
        ),
        (lambda s: None, {"per_class": 3}, "has 2 examples per class, this run 3. Type: per_class=2"),
        (lambda s: None, {"length": -1, "pieces": 4}, "6 tokens, which .*pieces=4 does not divide. Type: .*pieces=1"),
        (lambda s: None, {"length": 9}, "texts of 6 tokens, this run of 9. Type: distiller.length=6"),
    ],
)
def test_sets_of_another_shape_are_refused(spoil, arguments, expected, source, problem):
    spoil(source)
    with pytest.raises(TextddError, match=expected):
        started(source, problem, **arguments)


LABELS = torch.tensor([[1.0, 1, 0], [0, 1, 0], [1, 0, 1], [1, 0, 0], [0, 1, 1], [1, 1, 1]])


@pytest.fixture
def of_several_labels(source, several_labels):
    """The same texts, with labels that no shade is in."""
    manifest = source.manifest | {"classes": several_labels.corpus.classes, "task": "several_labels"}
    return MatrixSet(source.x, LABELS, None, source.recipe, several_labels.space, manifest)


def test_texts_of_several_labels_keep_all_of_them(of_several_labels, several_labels):
    hard = started(of_several_labels, several_labels, labels="hard").synthetic
    assert torch.equal(hard.labels(), LABELS)
    soft = started(of_several_labels, several_labels, labels="soft", confidence=0.8).synthetic
    assert torch.allclose(soft.labels(), 0.2 + 0.6 * LABELS)
    of_several_labels.text_labels = 0.1 + 0.7 * LABELS
    learned = started(of_several_labels, several_labels, labels="soft").synthetic
    assert torch.allclose(learned.labels(), 0.1 + 0.7 * LABELS, atol=1e-6)


@pytest.mark.parametrize("name", ["problem", "several_labels", "pairs"])
def test_a_set_of_texts_is_read_in_the_space_of_the_problem(name, request):
    problem = request.getfixturevalue(name)
    rows = SELECTORS["random"](problem.train, problem.reader(), 2, 0)
    texts, y = problem.train.split.texts(rows), problem.task.as_labels(torch.from_numpy(problem.train.labels[rows]))
    manifest = {"classes": problem.corpus.classes, "dataset": "demo", "task": problem.task.name}
    source = TextSet(texts, y.float(), None, Recipe("adam", 4, 3), manifest)
    synthetic = started(source, problem, length=-1, labels="hard").synthetic
    assert torch.equal(synthetic.x, problem.reader().embed(problem.train.tokens(rows)).x)
    assert torch.equal(synthetic.labels(), y.float())


def test_step_sizes_of_parts_are_taken(source, problem):
    problem = dataclasses.replace(problem, student=FlatStudent(Parts(16, CLASSES)))
    source.step_sizes = torch.rand(4, 2) / 10
    synthetic = started(source, problem).synthetic
    assert torch.allclose(synthetic.step_sizes(), source.step_sizes, atol=1e-6)


def lines(path, problem, rows):
    """A file of some training texts with the names of their classes."""
    texts, numbers = problem.train.split.texts(rows), problem.train.labels[rows]
    found = [{"sentence": text, "label": problem.corpus.classes[n]} for (text,), n in zip(texts, numbers, strict=True)]
    path.write_text("".join(json.dumps(row) + "\n" for row in found))
    return str(path)


def rows_by_class(problem, counts):
    """So many training texts of each class, one class after the other."""
    return np.concatenate([np.flatnonzero(problem.train.labels == c)[:count] for c, count in enumerate(counts)])


def test_a_file_of_texts_is_a_start(problem, tmp_path):
    rows = rows_by_class(problem, [2] * CLASSES)
    source = source_of(lines(tmp_path / "set.jsonl", problem, rows), problem)
    changes = {"parametrisation": "real", "length": -1}
    start = started_set(options("meta_gradient", **changes), problem, source)
    assert torch.equal(start.synthetic.labels().argmax(1), torch.arange(CLASSES).repeat(2))
    assert (start.texts, start.origins) == (source.texts, ["unknown"] * 2 * CLASSES)
    in_turn = rows.reshape(CLASSES, 2).T.ravel()
    assert source.texts == problem.train.split.texts(in_turn)


def test_a_file_with_more_of_one_class_is_refused(problem, tmp_path):
    counts = [3, *[2] * (CLASSES - 1)]
    with pytest.raises(TextddError, match=r"has 3 of .* as many of every class are needed"):
        source_of(lines(tmp_path / "set.jsonl", problem, rows_by_class(problem, counts)), problem)
