"""Pieces of texts: what is cut is what was there, in the order that mini-batches and nested sets rely on."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.distillers.test_distillers import options
from textdd.checks import check_method
from textdd.errors import TextddError
from textdd.outer.distil import make_distiller
from textdd.outer.start.length import usual_length
from textdd.outer.synthetic import SyntheticSet
from textdd.sets.distilled_set import DistilledSet
from textdd.sets.matrices import MatrixSet
from textdd.sets.parametrisations.pieces import MANY, SHORTEST, cut, for_pieces, join, piece_count, shortest_piece
from textdd.tasks import OneClass
from textdd.training import Recipe

CLASSES, PIECES, LENGTH = 3, 2, 4


def sized(problem, per_class):
    """The same problem for another number of examples per class."""
    return dataclasses.replace(problem, per_class=per_class)


NAMED = [[f"text {m} token {t}" for t in range(LENGTH)] for m in range(2 * CLASSES)]
NUMBERS = torch.arange(2 * CLASSES * LENGTH).view(2 * CLASSES, LENGTH)


def test_pieces_come_by_turns_of_the_classes():
    names = [[NAMED[i // LENGTH][i % LENGTH] for i in row] for row in cut(NUMBERS, CLASSES, PIECES).tolist()]
    order = [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1), (3, 0), (4, 0), (5, 0), (3, 1), (4, 1), (5, 1)]
    assert names == [NAMED[text][2 * piece : 2 * piece + 2] for text, piece in order]


@pytest.mark.parametrize("pieces", [1, 2, 4])
def test_joining_undoes_cutting(pieces):
    texts = torch.rand(6, 8, 5)
    assert torch.equal(join(cut(texts, 3, pieces), 3, pieces), texts)
    assert cut(texts, 3, pieces).shape == (6 * pieces, 8 // pieces, 5)


def test_every_piece_has_the_label_of_its_text():
    labels = torch.rand(6, CLASSES)
    marked = labels.argmax(1, keepdim=True).expand(-1, LENGTH)
    assert torch.equal(for_pieces(labels, PIECES).argmax(1), cut(marked, CLASSES, PIECES)[:, 0])
    assert torch.equal(for_pieces(labels, 1), labels)


def test_labels_of_texts_are_learned_and_those_of_pieces_taught():
    synthetic = SyntheticSet(torch.rand(6, 4, 5), OneClass(3), Recipe(steps=2, batch=3), pieces=2)
    assert synthetic.text_labels().shape == (6, 3)
    assert torch.equal(synthetic.labels(), for_pieces(synthetic.text_labels(), 2))
    assert synthetic.one_hot.argmax(1).tolist() == synthetic.labels().argmax(1).tolist()
    lesson = synthetic.lesson(0)
    assert lesson.x.shape == (12, 2, 5)
    lesson.x[3].sum().backward()  # the second piece of the first text
    gradient = synthetic.texts.x.grad
    assert gradient[0, 2:].all()
    assert gradient.abs().sum() == gradient[0, 2:].abs().sum()


def test_every_piece_starts_as_a_real_text(problem):
    whole = make_distiller(options("meta_gradient"), sized(problem, 4)).synthetic
    pieces = make_distiller(options("meta_gradient", length=12, pieces=2), sized(problem, 2)).synthetic
    assert torch.equal(pieces.x, whole.x)
    assert pieces.texts().shape == (2 * 3, 12, 16)


@pytest.mark.parametrize(
    ("length", "real_length", "expected"),
    [(-1, 48, 4), (0, 200, 4), (-1, 47, 3), (-1, 24, 2), (0, 23, 1), (48, 24, 4), (50, 48, 2), (25, 48, 1), (6, 48, 1)],
)
def test_a_text_is_cut_into_as_many_pieces_as_are_not_too_short(length, real_length, expected):
    assert piece_count(0, length, real_length, SHORTEST) == expected
    assert piece_count(7, length, real_length, SHORTEST) == 7
    assert piece_count(0, length, real_length, SHORTEST, most=1) == 1


@pytest.mark.parametrize(("classes", "expected"), [(2, 2), (MANY, 2), (MANY + 1, 4)])
def test_pieces_of_many_classes_are_shorter(classes, expected):
    assert piece_count(0, -1, 34, shortest_piece(classes)) == expected


@pytest.mark.parametrize(("per_class", "pieces", "length"), [(2, 4, 4 * 14), (60, 2, 2 * 24), (100, 1, 24)])
def test_left_open_there_are_no_more_pieces_than_real_texts_to_start_from(
    per_class, pieces, length, problem, monkeypatch
):
    monkeypatch.setattr("textdd.outer.start.start.usual_length", lambda *_: 96)
    fewest = np.bincount(problem.train.labels).min()
    config = options("meta_gradient", length=-1, inner_batch=-1)
    distiller = make_distiller(config, sized(problem, per_class))
    assert per_class * pieces <= fewest
    assert pieces == 4 or fewest < per_class * (pieces + 1)
    assert distiller.config.pieces == distiller.synthetic.pieces == pieces
    assert distiller.synthetic.texts().shape == (per_class * CLASSES, length, 16)


@pytest.mark.parametrize(("inner_batch", "pieces"), [(24, 4), (12, 2), (5, 1), (-1, 4), (0, 4)])
def test_left_open_there_are_no_more_pieces_than_a_training_reaches(inner_batch, pieces, problem, monkeypatch):
    monkeypatch.setattr("textdd.outer.start.start.usual_length", lambda *_: 48)
    config = options("meta_gradient", length=-1, inner_steps=4, inner_batch=inner_batch)
    synthetic = make_distiller(config, sized(problem, 8)).synthetic
    assert synthetic.pieces == pieces
    assert synthetic.lesson(0).rows.unique().numel() == 8 * CLASSES * pieces


def test_left_open_texts_are_no_longer_than_the_real_ones_of_the_corpus(problem):
    longest = usual_length(problem.train.text_lengths())
    synthetic = make_distiller(options("meta_gradient", length=-1), sized(problem, 2)).synthetic
    assert 36 <= longest < problem.space.length == 48
    assert synthetic.pieces == 3
    assert synthetic.texts().shape[1] == 3 * 12
    synthetic = make_distiller(options("meta_gradient", length=0), sized(problem, 2)).synthetic
    assert synthetic.texts().shape[1] == 48


def test_real_texts_are_whole_where_pieces_are_left_open(problem):
    config = options("meta_gradient", length=48, parametrisation="real")
    assert make_distiller(config, sized(problem, 2)).synthetic.pieces == 1


def test_lengths_that_are_no_multiple_are_refused():
    with pytest.raises(TextddError, match=r"length=7 and distiller\.pieces=2.* Type: distiller\.length=6"):
        check_method(options("meta_gradient", length=7, pieces=2))
    check_method(options("meta_gradient", length=-1, pieces=5))


def test_real_texts_are_not_cut():
    with pytest.raises(TextddError, match=r"real texts stay as they are\. Type: distiller\.pieces=1"):
        check_method(options("meta_gradient", parametrisation="real", pieces=2))


def test_more_pieces_than_real_texts_are_refused(problem):
    with pytest.raises(TextddError, match=r"every piece starts from a real text .* Type: distiller\.pieces=\d"):
        make_distiller(options("meta_gradient", length=600, pieces=300), sized(problem, 2))


def test_an_artefact_keeps_texts_and_gives_pieces(problem, tmp_path):
    config = options("meta_gradient", pieces=2, nested=[1])
    synthetic = make_distiller(config, sized(problem, 2)).synthetic
    manifest = {
        "dataset": "demo", "classes": problem.corpus.classes, "per_class": 2, "length": 48, "budget": 0.5,
        "student": {"name": "textcnn", "filters": 8}, "embedding": {"name": "corpus"}, "metrics": {},
        "versions": {"textdd": "0"}, "pieces": 2, "distiller": dataclasses.asdict(config),
    }  # fmt: skip
    y = synthetic.text_labels().detach()
    rest = (y, None, synthetic.recipe, problem.space)
    made = MatrixSet(synthetic.texts, *rest, manifest)
    made.save(tmp_path)
    assert len(MatrixSet(synthetic.texts, *rest, manifest | {"distiller": {"name": "chain"}})) == len(made)
    loaded = DistilledSet.load(tmp_path)
    assert len(loaded) == 2 * 2 * 3
    assert torch.equal(loaded.x, synthetic.x)
    assert torch.equal(loaded.y, synthetic.labels())
    assert loaded.training_set(problem.reader()).bytes == 4 * (6 * 6 * 16 + 6 * 3)
    assert "cut into 2 pieces of 3 vectors" in (tmp_path / "README.md").read_text()
    first = loaded.first(1)
    assert torch.equal(first.x, loaded.x[:6])
    assert loaded.nested == [1]
    assert first.manifest["budget"] == 0.25
    assert set(loaded.train(seed=0)([problem.test.text(0)])) <= set(problem.corpus.classes)
