"""The words of a space, and matrices as texts of them."""

import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import BertPreTokenizer

from textdd.errors import TextddError
from textdd.projecting.placed import placed
from textdd.projecting.words import METRICS, words_of
from textdd.spaces.frame import Frame
from textdd.spaces.pretrained import encoder
from textdd.spaces.space import Space

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##like", "##s", "dog", "cat", "rain", "."]


def pieces(second=0.0, length=12):
    """A space of pieces of words, each with a direction of its own, with [CLS] and [SEP] around."""
    tokeniser = Tokenizer(WordPiece({piece: i for i, piece in enumerate(PIECES)}, unk_token="[UNK]"))
    tokeniser.pre_tokenizer = BertPreTokenizer()
    tokeniser.add_special_tokens(PIECES[:4])
    table = torch.eye(len(PIECES))
    frame = Frame(before=(2,), between=(3,), after=(3,), second_from=1)
    shift = torch.full((len(PIECES),), second)
    return Space("pieces", "pretrained", tokeniser, encoder(tokeniser), frame, table, shift, length, "", {})


def embedded(space, text):
    """A text as a matrix (1, L, D)."""
    tokens = space.tokens([text])
    x = space.table[tokens.ids]
    return x if tokens.second is None else x + tokens.second.unsqueeze(-1) * space.second


def test_parts_of_words_and_marks_are_no_words():
    words = words_of(pieces())
    assert [piece for piece, known in zip(PIECES, words.known, strict=True) if known] == [
        "un",
        "dog",
        "cat",
        "rain",
        ".",
    ]
    assert [piece for piece, mark in zip(PIECES, words.marks, strict=True) if mark] == PIECES[:4]


@pytest.mark.parametrize("name", ["problem", "pairs"])
def test_all_words_of_a_corpus_are_words(name, request):
    space = request.getfixturevalue(name).space
    words = words_of(space)
    assert torch.equal(words.known, ~words.marks)
    assert int(words.marks.sum()) == 2 + (name == "pairs")


@pytest.mark.parametrize("metric", METRICS)
def test_a_word_is_nearest_to_itself(metric, space):
    words = words_of(space)
    near = words.nearest(space.table[5:25], 3, metric)
    assert near[:, 0].tolist() == list(range(5, 25))
    assert words.known[near].all()


def test_angles_and_distances_find_other_words():
    space = pieces()
    space.table[PIECES.index("dog")] *= 4
    x = space.table[[PIECES.index("dog")]] / 4 + 0.9 * space.table[[PIECES.index("cat")]]
    found = [PIECES[words_of(space).nearest(x, 1, metric)[0, 0]] for metric in METRICS]
    assert found == ["dog", "cat"]


@pytest.mark.parametrize("text", [("dog rain . cat",), ("un . un",), ("dog rain", "cat . un rain"), ("dog", "cat")])
def test_a_text_comes_back_from_its_matrix(text):
    space = pieces(second=0.3)
    words = words_of(space)
    found = placed(embedded(space, text), space, words, "cosine", pair=len(text) > 1)
    assert words.texts(found.tokens) == [text]
    assert torch.equal(found.tokens.ids, space.tokens([text]).ids)
    vectors = space.table[found.tokens.ids] * found.places.unsqueeze(-1)
    assert torch.allclose(found.x, vectors, atol=1e-6)


def test_positions_that_stand_for_no_word_are_left_out():
    space = pieces()
    words = words_of(space)
    x = torch.cat(
        [embedded(space, ("dog cat rain",))[:, :4], torch.zeros(1, 1, len(PIECES)), space.table[[1, 3]].unsqueeze(0)], 1
    )
    assert words.texts(placed(x, space, words, "cosine", pair=False).tokens) == [("dog cat rain",)]
    nothing = space.table[[1]].repeat(6, 1).unsqueeze(0)
    (text,) = words.texts(placed(nothing, space, words, "cosine", pair=False).tokens)[0]
    assert text


def test_what_no_student_reads_is_cut_off():
    space = pieces(length=6)
    long = pieces(length=40)
    x = embedded(long, (" ".join(["dog", "cat"] * 9),))
    found = placed(x, space, words_of(space), "cosine", pair=False)
    assert words_of(space).texts(found.tokens) == [("dog cat dog cat",)]


@pytest.mark.parametrize(("length", "pair"), [(2, False), (4, True)])
def test_matrices_without_room_for_a_word_are_refused(length, pair):
    space = pieces()
    with pytest.raises(TextddError, match=rf"have {length} positions.*Type: .*distiller\.length="):
        placed(torch.ones(1, length, len(PIECES)), space, words_of(space), "cosine", pair=pair)
