"""Vectors from files in every form, from the corpus, and random ones."""

from __future__ import annotations

import gzip
import zipfile

import numpy as np
import pytest
import torch
from scipy import sparse

from tests.conftest import read
from textdd.corpora.demo import DemoConfig, demo_splits
from textdd.errors import TextddError
from textdd.spaces.tokeniser import words
from textdd.spaces.vectors import EmbeddingConfig, a_la_carte, cooccurrence, load_vectors
from textdd.spaces.vectors.glove import glove_vectors

WORDS = ["[PAD]", "[UNK]", "fox", "whale", "café"]
LINES = ["the 9 9 9", "fox 1 2 3", ". . . 4 5 6", "café 0.5 -1e-1 7", "fox 8 8 8"]
EXPECTED = [[0, 0, 0], [0, 0, 0], [1, 2, 3], [0, 0, 0], [0.5, -0.1, 7]]


def write_plain(path, lines):
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_gz(path, lines):
    path.write_bytes(gzip.compress("\n".join(lines).encode()))


def write_zip(path, lines):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("vectors.txt", "\n".join(lines))


@pytest.mark.parametrize("header", [[], ["5 3"]], ids=["glove", "word2vec"])
@pytest.mark.parametrize(("name", "write"), [("v.txt", write_plain), ("v.txt.gz", write_gz), ("v.zip", write_zip)])
def test_every_form_of_file(name, write, header, tmp_path):
    write(tmp_path / name, header + LINES)
    vectors, known = glove_vectors(tmp_path / name, WORDS, tmp_path)
    assert vectors.dtype == np.float32
    assert np.allclose(vectors, EXPECTED)  # the first "fox" counts
    assert known.tolist() == [False, False, True, False, True]


def test_the_second_time_vectors_come_from_the_cache(tmp_path, monkeypatch):
    write_plain(tmp_path / "v.txt", LINES)
    first, _ = glove_vectors(tmp_path / "v.txt", WORDS, tmp_path)
    monkeypatch.setattr("textdd.spaces.vectors.glove._read", None)
    again, _ = glove_vectors(tmp_path / "v.txt", WORDS, tmp_path)
    assert (first == again).all()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("whale 1 2", "line 6: 'whale 1 2' has 2 numbers, but the file began with 3"),
        ("whale 1 2 3 4", "line 6: 'whale 1 2 3 4' has 4 numbers, but the file began with 3"),
        ("whale 1 two 3", "line 6: 'two' is not a number"),
        ("whale 1 nan 3", "line 6: 'nan' is not a number"),
        ("whale 1  3", "line 6: '' is not a number"),
    ],
)
def test_a_damaged_row_is_told_with_its_line(line, message, tmp_path):
    write_plain(tmp_path / "v.txt", [*LINES, line])
    with pytest.raises(TextddError, match=message) as caught:
        glove_vectors(tmp_path / "v.txt", WORDS, tmp_path)
    assert str(tmp_path / "v.txt") in str(caught.value)
    assert "embedding.path=" in str(caught.value)


def test_files_that_hold_no_vectors_are_errors(tmp_path):
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"fox 1 2 3\n" * 999)[:-20])
    (tmp_path / "no.zip").write_bytes(b"PK but not a zip")
    (tmp_path / "empty.txt").write_bytes(b"")
    (tmp_path / "other.txt").write_text("hund 1 2 3\n")
    with zipfile.ZipFile(tmp_path / "two.zip", "w") as archive:
        archive.writestr("50d.txt", "fox 1")
        archive.writestr("100d.txt", "fox 1 2")
    for name, message in [
        ("cut.gz", "cannot be read"),
        ("no.zip", "cannot be read"),
        ("empty.txt", "line 1: '' is no row of vectors"),
        ("other.txt", "not one word of this corpus"),
        ("two.zip", r"holds 2 files: 50d\.txt, 100d\.txt"),
    ]:
        with pytest.raises(TextddError, match=message):
            glove_vectors(tmp_path / name, WORDS, tmp_path)


def test_glove_fills_unknown_words_and_measures_coverage(demo, tmp_path):
    vocabulary = words(demo[0].space.tokeniser)
    folder = tmp_path / "vectors"
    folder.mkdir()
    lines = [f"{word} {i % 3 + 4}.0 {i % 5 + 3}.0" for i, word in enumerate(vocabulary) if i >= 2 and i % 2 == 0]
    write_plain(folder / "small.txt", lines[:3])
    write_plain(folder / "large.txt", lines)
    config = EmbeddingConfig(name="glove", unknown="random")
    vectors = load_vectors(config, demo[0], "demo", str(tmp_path), tmp_path, seed=0)
    assert vectors.path == str(folder / "large.txt")
    assert vectors.table.shape == (len(vocabulary), 2)
    assert vectors.table.dtype == torch.float32
    assert not vectors.table[0].any()
    assert vectors.coverage_words == pytest.approx(0.5, abs=0.01)
    assert 0.4 < vectors.coverage < 0.6
    unknown = vectors.table[3::2]
    assert unknown.mean() == pytest.approx(5, abs=0.2)
    assert load_vectors(config, demo[0], "demo", str(tmp_path), tmp_path, 0).sha256 == vectors.sha256
    zero = load_vectors(
        EmbeddingConfig(name="glove", unknown="zero"), demo[0], "demo", str(tmp_path), tmp_path, 0
    ).table
    assert not zero[3::2].any()
    assert torch.equal(zero[2::2], vectors.table[2::2])


def test_unknown_words_get_vectors_like_their_own_from_the_words_beside_them(demo, tmp_path):
    """Of words whose vectors are known, a part is kept back, and induced."""
    own = load_vectors(EmbeddingConfig(dimension=20), demo[0], "demo", None, tmp_path, seed=0).table.numpy()
    vocabulary, kept_back = words(demo[0].space.tokeniser), slice(4, None, 4)
    kept = np.delete(np.arange(2, len(vocabulary)), slice(2, None, 4))
    rows = [" ".join([vocabulary[i], *(f"{number:.6f}" for number in own[i])]) for i in kept]
    write_plain(tmp_path / "part.txt", rows)
    config = EmbeddingConfig(name="glove", path=str(tmp_path / "part.txt"))
    table = load_vectors(config, demo[0], "demo", None, tmp_path, seed=0).table.numpy()
    assert np.allclose(table[kept], own[kept], atol=1e-5)
    error = np.square(table[kept_back] - own[kept_back]).sum()
    assert error < 0.5 * np.square(own[kept].mean(0) - own[kept_back]).sum()


def test_induced_vectors_are_those_of_the_formula(demo, monkeypatch):
    """A mean of neighbours' vectors, weighted by association, through the least squares of known words."""
    generator = np.random.default_rng(0)
    association = generator.random((9, 9)) * (generator.random((9, 9)) < 0.6)
    association[8] = 0  # a word without neighbours
    monkeypatch.setattr(a_la_carte, "count_neighbours", lambda *_: sparse.csr_matrix(association))
    monkeypatch.setattr(a_la_carte, "positive_pmi", lambda counts, *_: counts)
    vectors, known = generator.normal(size=(9, 2)).astype(np.float32), np.arange(9) < 6
    found = a_la_carte.induced_vectors(demo[0], vectors, known, EmbeddingConfig())
    means = np.array(
        [association[i, :6] @ vectors[:6] / (association[i, :6].sum() + a_la_carte.PRIOR) for i in range(9)]
    )
    size = np.sqrt(a_la_carte.RIDGE * np.square(means[:6]).sum() / 2)  # the ridge as two more rows
    matrix, *_ = np.linalg.lstsq(np.vstack([means[:6], size * np.eye(2)]), np.vstack([vectors[:6], np.zeros((2, 2))]))
    assert np.allclose(found, means @ matrix, atol=1e-5)
    assert not found[8].any()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"name": "glove"}, r"embedding\.path=.*embedding=corpus"),
        ({"name": "glove", "path": "/absent.txt"}, "no such file"),
        ({"name": "golve"}, r"nearest first.*embedding=glove"),
    ],
)
def test_mistakes_say_what_to_type(config, message, demo, tmp_path):
    with pytest.raises(TextddError, match=message):
        load_vectors(EmbeddingConfig(**config), demo[0], "demo", str(tmp_path), tmp_path, 0)


@pytest.mark.parametrize("name", ["random", "corpus"])
def test_made_vectors_are_deterministic_and_as_large_as_those_of_glove(name, demo, tmp_path):
    config = EmbeddingConfig(name=name, dimension=20)
    first = load_vectors(config, demo[0], "demo", None, tmp_path / "one", seed=0)
    again = load_vectors(config, demo[0], "demo", None, tmp_path / "two", seed=0)
    assert first.sha256 == again.sha256
    assert first.table.shape == (demo[0].space.tokeniser.get_vocab_size(), 20)
    assert not first.table[0].any()
    assert first.table[2:].square().mean().sqrt().item() == pytest.approx(0.4, abs=0.02)
    assert (first.coverage, first.coverage_words) == (1.0, 1.0)


def test_words_of_one_topic_are_nearer_than_words_of_two(demo, tmp_path):
    table = load_vectors(EmbeddingConfig(dimension=20), demo[0], "demo", None, tmp_path, seed=0).table
    vocabulary = {word: i for i, word in enumerate(words(demo[0].space.tokeniser))}
    split, _ = demo_splits(DemoConfig(topics=3, themes=1, train=600, test=200, words=600))
    own = [[vocabulary[word] for word in topic[:20]] for topic in split.own_words()]
    unit = torch.nn.functional.normalize(table, dim=1)
    likeness = torch.tensor([[(unit[a] @ unit[b].T).mean() for b in own] for a in own])
    assert likeness.diagonal().min() > likeness[~torch.eye(3, dtype=torch.bool)].max() + 0.1


def test_counts_are_those_of_a_plain_loop(demo, monkeypatch):
    monkeypatch.setattr(cooccurrence, "RUN_TOKENS", 500)
    vocabulary = demo[0].space.tokeniser.get_vocab_size()
    counts = cooccurrence.count_neighbours(demo[0], vocabulary, window=2, most_tokens=10**9).toarray()
    expected = np.zeros_like(counts)
    store = demo[0].store
    for row in demo[0].rows:
        tokens = store.tokens[store.offsets[row] : store.offsets[row + 1]]
        for distance, weight in ((1, 1.0), (2, 0.5)):
            for left, right in zip(tokens[:-distance], tokens[distance:], strict=True):
                expected[left, right] += weight
                expected[right, left] += weight
    assert np.allclose(counts, expected)


def test_association_is_the_logarithm_of_how_much_oftener_than_by_chance(monkeypatch):
    monkeypatch.setattr(cooccurrence, "ROWS", 7)
    drawn = np.random.default_rng(0).integers(0, 3, (40, 40)).astype(np.float32)
    counts = drawn + drawn.T
    counts[0], counts[:, 0] = 0, 0  # a word without neighbours
    context = counts.sum(0) ** 0.75 / (counts.sum(0) ** 0.75).sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = np.log(counts / (counts.sum(1)[:, None] * context * 1.2))
    found = cooccurrence.positive_pmi(sparse.csr_matrix(counts), 0.75, 1.2).toarray()
    assert np.allclose(found, np.where(expected > 0, expected, 0), atol=1e-5)


def test_a_corpus_smaller_than_the_vectors_are_wide(load, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("label,text\n" + "a,x y\nb,z w\n" * 5)
    vectors = load_vectors(EmbeddingConfig(), read(load(path=str(path)), tmp_path)[0], "small", None, tmp_path, 0)
    assert vectors.table.shape == (6, 100)
    assert vectors.table.isfinite().all()


def test_of_a_long_corpus_a_part_is_read(demo):
    vocabulary = demo[0].space.tokeniser.get_vocab_size()
    whole = cooccurrence.count_neighbours(demo[0], vocabulary, 5, most_tokens=10**9).sum()
    part = cooccurrence.count_neighbours(demo[0], vocabulary, 5, most_tokens=5_000).sum()
    assert 0.2 < part / whole < 0.6
