"""Texts as tokens: in their frame, in one indexing operation, as the tokeniser says."""

from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import read
from textdd.spaces import length as lengths
from textdd.spaces.frame import Frame
from textdd.spaces.reading import Reader
from textdd.spaces.store import Encoded, TokenStore, write_store
from textdd.spaces.tokeniser import PAD, SPECIAL, UNK, train_tokeniser, words
from textdd.students import make_student
from textdd.students.fasttext import FastTextConfig

BERT = Frame((101,), (102,), (102,), 1)
segments = st.lists(st.integers(1, 90), min_size=1, max_size=9)


def framed(frame, length, first, second=None):
    """The obvious way to put a frame around one text, or around a pair of which the longer segment is cut first."""
    room = length - frame.size(pair=second is not None)
    if second is None:
        return [*frame.before, *first[:room], *frame.after], None
    first, second = list(first), list(second)
    while len(first) + len(second) > room:
        (first if len(first) > len(second) or (len(first) == len(second) and room // 2 < len(first)) else second).pop()
    ids = [*frame.before, *first, *frame.between, *second, *frame.after]
    begin = len(frame.before) + len(first) + frame.second_from
    return ids, [i >= begin for i in range(len(ids))]


@settings(max_examples=200, deadline=None)
@given(st.lists(segments, min_size=1, max_size=4), st.integers(6, 20), st.sampled_from([Frame(), BERT]))
def test_texts_stand_in_their_frame(texts, length, frame):
    flat, counts = np.array([i for text in texts for i in text]), np.array([len(text) for text in texts])
    ids, mask = frame.singles(flat, np.cumsum(counts) - counts, counts, length)
    for row, there, text in zip(ids, mask, texts, strict=True):
        assert row[there].tolist() == framed(frame, length, text)[0]
        assert not row[~there].any()


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(segments, segments), min_size=1, max_size=4),
    st.integers(8, 24),
    st.sampled_from([Frame(between=(3,), second_from=1), BERT, Frame((0,), (2, 2), (2,), 2)]),
)
def test_pairs_stand_in_their_frame_and_the_longer_segment_is_cut(pairs, length, frame):
    flat = np.array([i for pair in pairs for segment in pair for i in segment])
    counts, firsts = (np.array(sizes) for sizes in zip(*((len(a) + len(b), len(a)) for a, b in pairs), strict=True))
    ids, mask, second = frame.pairs(flat, np.cumsum(counts) - counts, firsts, counts, length)
    room = length - frame.size(pair=True)
    for row, there, behind, (a, b) in zip(ids, mask, second, pairs, strict=True):
        expected, expected_second = framed(frame, length, a, b)
        assert there.sum() <= length
        if len(a) + len(b) <= room or min(len(a), len(b)) <= room // 2:
            assert row[there].tolist() == expected
            assert behind[there].tolist() == expected_second
        else:  # both are cut, to half each but for one token
            assert there.sum() == length
            assert abs(2 * int(behind[there].sum() - len(frame.after)) - room) <= 2 + 2 * len(frame.between)
        assert not behind[~there].any()


def test_a_store_gives_pairs_back(tmp_path):
    def encode(texts):
        counts = np.array([len(text) for text in texts.to_pylist()], np.int64)
        flat = np.array([ord(sign) for text in texts.to_pylist() for sign in text], np.uint16)
        return Encoded(flat, counts, counts)

    batches = [[pa.array(["ab", "c"]), pa.array(["x", "yz"])], [pa.array(["d"]), pa.array(["w"])]]
    write_store(tmp_path / "s", batches, encode)
    store = TokenStore(tmp_path / "s")
    ids, mask, second = store.gather(np.array([2, 0, 1]), 9, Frame(between=(7,), second_from=1))
    found = ["".join(map(chr, row[there])) for row, there in zip(ids, mask, strict=True)]
    assert found == ["d\7w", "ab\7x", "c\7yz"]
    assert [row[there].sum() for row, there in zip(second, mask, strict=True)] == [1, 1, 2]
    assert store.uncut.tolist() == [3, 3, 2]


def test_a_batch_is_what_the_tokeniser_says(demo):
    validation = demo[1]
    rows = np.array([5, 0, 5])
    batch = validation.batch(rows)
    longest = int(batch.mask.sum(1).max())
    assert batch.ids.shape == batch.mask.shape == (3, longest)  # no padding beyond the longest text
    assert (batch.labels.numpy() == validation.labels[rows]).all()
    again = validation.space.tokens(validation.split.texts(rows))
    assert torch.equal(again.ids, batch.ids)
    for i, row in enumerate(rows):
        ids = validation.space.tokeniser.encode(validation.text(row)).ids
        assert batch.ids[i][batch.mask[i]].tolist() == ids
        assert (batch.ids[i][~batch.mask[i]] == PAD).all()


def test_runs_give_every_token_once(demo):
    store, rows = demo[0].store, demo[0].rows[::3]
    runs = list(store.runs(rows, tokens=100))
    assert len(runs) > 10
    assert all(len(tokens) == len(owner) for tokens, owner in runs)
    owners = np.concatenate([owner for _, owner in runs])
    tokens = np.concatenate([tokens for tokens, _ in runs])
    for i in (0, 7, len(rows) - 1):
        assert (tokens[owners == i] == store.tokens[store.offsets[rows[i]] : store.offsets[rows[i] + 1]]).all()
    assert len(tokens) == np.diff(store.offsets)[rows].sum()


def test_tokens_travel_to_another_process_as_their_path(demo):
    stored = pickle.dumps(demo[0].store)
    assert len(stored) < 1000
    assert (pickle.loads(stored).tokens[:9] == demo[0].store.tokens[:9]).all()


def test_the_vocabulary_is_of_the_most_frequent_words():
    tokeniser = train_tokeniser([pa.array(["The cat's naïve"]), pa.array(["the CAT the"])], vocabulary=5)
    assert words(tokeniser) == [*SPECIAL, "the", "cat", "'"]
    assert tokeniser.encode("the dog").ids == [2, UNK]


def test_a_text_of_invisible_signs_still_has_a_token(tmp_path, test_words):
    path = tmp_path / "mine.csv"
    path.write_text("label,text\n" + "a,x\nb,y\n" * 4 + "a,\u200b\n", encoding="utf-8")
    batch = test_words(path=str(path), test_path=str(path)).batch(np.array([8]))
    assert batch.ids[0, 0] == UNK
    assert batch.mask.sum() == 1


def test_a_large_vocabulary_is_stored_in_wider_integers(tmp_path, load):
    path = tmp_path / "mine.csv"
    text = " ".join(f"w{i}" for i in range(500))
    rows = [f"{row % 2}," + " ".join(f"w{row}x{i}" for i in range(500)) for row in range(140)]
    path.write_text("\n".join(["label,text", *rows, f"0,{text}"]) + "\n")
    corpus = load(path=str(path))
    train, _, _ = read(corpus, tmp_path, 70_000, 512)
    assert train.store.tokens.dtype == np.uint32
    assert train.text(0).startswith("w")
    assert read(corpus, tmp_path, 1000)[0].store.tokens.dtype == np.uint16


def test_what_is_read_of_a_text_is_told(tmp_path, load, capsys):
    path = tmp_path / "mine.csv"
    path.write_text("label,text\n" + "".join(f"{i % 2},{'w ' * (i + 1)}\n" for i in range(100)))
    corpus = load(path=str(path), test_path=str(path))
    auto, _, _ = read(corpus, tmp_path, length="auto")
    uncut = auto.store.uncut[auto.rows]
    assert (uncut <= auto.length).mean() >= 0.95 > (uncut < auto.length).mean()
    lengths.tell_cuts(auto)
    assert "warning" not in capsys.readouterr().err
    short, _, _ = read(corpus, tmp_path, length=30)
    lengths.tell_cuts(short)
    told = capsys.readouterr().err
    cut, lost = (uncut > 30).mean(), np.maximum(uncut - 30, 0).sum() / uncut.sum()
    assert f"warning: 30 tokens are read of a text: {cut:.1%} of the training texts are cut, {lost:.1%}" in told
    assert "dataset.length=auto" in told
    assert short.text(short.lengths().argmax()).count("w") == 30


def test_no_length_is_advised_beyond_what_can_be_read(tmp_path, load, capsys):
    path = tmp_path / "mine.csv"
    path.write_text("label,text\n" + "".join(f"{i % 2},{'w ' * 1000}\n" for i in range(20)))
    corpus = load(path=str(path), test_path=str(path))
    for length, advised in (("auto", False), (512, False), (400, True)):
        lengths.tell_cuts(read(corpus, tmp_path, length=length)[0])
        told = capsys.readouterr().err
        assert "warning" in told
        assert ("dataset.length=auto" in told) is advised


def test_a_second_segment_is_told_from_the_first(tmp_path, load):
    path = tmp_path / "p.csv"
    path.write_text("label,one,two\n" + "yes,a man,a dog\nno,a dog,a man\n" * 6)
    corpus = load(path=str(path), test_path=str(path), text=["one", "two"], pair=True)
    _, _, test = read(corpus, tmp_path)
    batch = test.batch(np.array([0]))
    assert [words(test.space.tokeniser)[i] for i in batch.ids[0]] == ["a", "man", "[SEP]", "a", "dog"]
    reader = Reader(test.space, make_student(FastTextConfig(), 4, 2))
    x = reader(batch).x[0]
    assert torch.equal(x[0], test.space.table[batch.ids[0, 0]])
    assert torch.allclose(x[3] - x[0], test.space.second)
    assert test.space.second.abs().min() > 0


@pytest.mark.parametrize("texts", [[("",)], [("a",), (" \n",)]])
def test_empty_texts_are_refused(texts, demo):
    with pytest.raises(Exception, match=f"Text {len(texts) - 1} is empty"):
        demo[0].space.tokens(texts)
