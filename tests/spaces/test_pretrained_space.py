"""The space of a pretrained model: the tokens of its own tokeniser, and texts that its frozen body reads once."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.tiny import PIECES, bert_of_pieces
from textdd.corpora.corpus import load_corpus
from textdd.corpora.sources import DatasetConfig
from textdd.errors import TextddError
from textdd.problem import Problem
from textdd.spaces import featured as module
from textdd.spaces.checkpoint import load_checkpoint
from textdd.spaces.frame import Frame
from textdd.spaces.pretrained import pretrained_space
from textdd.spaces.reading import Featured, Reading
from textdd.students import make_student
from textdd.students.pretrained import Pretrained, PretrainedConfig

WORDS = ["unlikely", "plays", "playing", "dogs", "cat", "rains", ",", "zebra"]  # the last is unknown
ROWS = np.arange(12)


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    pytest.importorskip("transformers", reason="needs transformers")
    return bert_of_pieces(tmp_path_factory.mktemp("bert") / "tiny-bert")


def sentence(generator, most):
    return " ".join(generator.choice(WORDS, generator.integers(1, most)))


@pytest.fixture
def problem(bert, tmp_path):
    """Texts or pairs, as a student with a frozen BERT reads them."""

    def problem(length, *, pair=False, most=12):
        generator = np.random.default_rng(0)
        rows = [f"{i % 2},{sentence(generator, most)!r},{sentence(generator, most)!r}" for i in range(60)]
        path = tmp_path / "texts.csv"
        path.write_text("\n".join(["label,first,second", *rows]).replace("'", '"') + "\n")
        text = ["first", "second"] if pair else "first"
        config = DatasetConfig("mine", path=str(path), test_path=str(path), text=text, pair=pair)
        corpus = load_corpus(config, None, tmp_path / "cache", 0)
        space, stores = pretrained_space(load_checkpoint(bert), corpus, length, tmp_path / "cache")
        model = PretrainedConfig(path=bert)
        student = make_student(model, space.dimension, corpus.task)
        return Problem(corpus, space, stores, student, model, 1, 0.1, 0, tmp_path / "cache")

    return problem


@pytest.mark.parametrize(("length", "pair", "most"), [(40, False, 12), (8, False, 12), (40, True, 6)])
def test_tokens_are_those_of_the_models_own_tokeniser(length, pair, most, problem, bert):
    """Texts whole and cut; of pairs, which we cut in another way where both are long, whole ones."""
    from transformers import AutoTokenizer

    read = problem(length, pair=pair, most=most)
    split, own = read.corpus.test, AutoTokenizer.from_pretrained(bert)
    tokens = Reading(split, read.stores[split.store.path], read.space).tokens(ROWS)
    wanted = [own(*text, truncation=True, max_length=length) for text in split.texts(ROWS)]
    assert [row[there].tolist() for row, there in zip(tokens.ids, tokens.mask, strict=True)] == [
        row["input_ids"] for row in wanted
    ]
    assert any(PIECES.index("##ly") in row["input_ids"] for row in wanted)
    assert any(PIECES.index("[UNK]") in row["input_ids"] for row in wanted)
    if pair:
        kinds = [row[there].int().tolist() for row, there in zip(tokens.second, tokens.mask, strict=True)]
        assert kinds == [row["token_type_ids"] for row in wanted]
        assert max(map(len, kinds)) < length
    else:
        assert tokens.second is None
    assert torch.equal(read.space.tokens(split.texts(ROWS)).ids, tokens.ids)


def test_the_space_is_that_of_the_model(problem, bert):
    from transformers import BertModel

    space, model = problem(40).space, BertModel.from_pretrained(bert)
    assert space.frame == Frame(before=(2,), between=(3,), after=(3,), second_from=1)
    assert (space.name, space.kind, space.dimension) == ("tiny-bert", "pretrained", 32)
    assert torch.equal(space.table, model.embeddings.word_embeddings.weight)
    kinds = model.embeddings.token_type_embeddings.weight
    assert torch.equal(space.second, kinds[1] - kinds[0])
    assert space.second.abs().min() > 0


@pytest.mark.parametrize("pair", [False, True])
def test_what_is_read_in_pieces_is_what_the_model_makes_of_texts(pair, problem, bert):
    """The mean over a text's tokens, which is what transformers' own users take."""
    from transformers import AutoModel, AutoTokenizer

    read = problem(40, pair=pair, most=6)
    own, model = AutoTokenizer.from_pretrained(bert), AutoModel.from_pretrained(bert).eval()
    found = read.reader()(read.test.batch(ROWS)).x
    for text, vector in zip(read.corpus.test.texts(ROWS), found, strict=True):
        with torch.no_grad():
            (hidden,) = model(**own(*text, return_tensors="pt"))[0]
        torch.testing.assert_close(vector, hidden.mean(0, keepdim=True), atol=1e-5, rtol=1e-4)


def test_as_many_tokens_are_read_as_texts_need_and_the_model_can(problem):
    read = problem("auto")
    uncut = read.stores[read.corpus.train.store.path].uncut[read.corpus.train.rows]
    assert (uncut + 2 <= read.space.length).mean() >= 0.95 > (uncut + 2 < read.space.length).mean()
    assert problem("auto", most=60).space.length == 40
    with pytest.raises(TextddError, match=r"dataset\.length=41; .*tiny-bert reads at most 40 tokens\. Type: .*=40$"):
        problem(41)


def test_texts_are_read_once_for_all_runs(problem, monkeypatch):
    first = problem(40)
    assert isinstance(first.train, Featured)
    reader = first.reader()
    direct = reader(Reading(first.corpus.train, first.train.store, first.space).batch(ROWS))
    torch.testing.assert_close(first.train.batch(ROWS).x, direct.x)
    assert torch.equal(first.train.batch(ROWS).labels, direct.labels)
    monkeypatch.setattr(Pretrained, "read", None)
    later = problem(40)
    assert torch.equal(later.train.batch(ROWS).x, first.train.batch(ROWS).x)
    assert later.validation.vectors.filename == later.train.vectors.filename  # one reading of a file serves all splits


def test_what_a_killed_process_had_read_is_not_read_again(problem, monkeypatch):
    def count(reading, rows, *rest):
        read.append(len(rows))
        if len(read) == killed_at:
            raise KeyboardInterrupt
        return original(reading, rows, *rest)

    read, killed_at, original = [], 3, module.of_chunk
    monkeypatch.setattr(module, "CHUNK", 25)
    monkeypatch.setattr(module, "of_chunk", count)
    with pytest.raises(KeyboardInterrupt):
        _ = problem(40).train
    whole = problem(40).train
    assert read == [25, 25, 10, 10]
    assert {path.suffix for path in Path(whole.vectors.filename).parent.iterdir()} == {".npy", ".seal"}
    assert not list(Path(whole.vectors.filename).parent.glob(".*-*.npy"))  # the parts are gone


def test_for_a_few_texts_the_body_reads_no_others(problem, monkeypatch):
    def count(reading, rows, *rest):
        read.extend(rows)
        return original(reading, rows, *rest)

    read, original, one = [], module.of_chunk, problem(40)
    monkeypatch.setattr(module, "of_chunk", count)
    few = one.few(one.corpus.train, 3)
    assert sorted(read) == sorted(few.rows)
    direct = one.reader()(Reading(few.split, few.store, few.space).batch(np.arange(3)))
    torch.testing.assert_close(few.batch(np.arange(3)).x, direct.x)
    assert torch.equal(few.batch(np.arange(3)).labels, direct.labels)


@pytest.mark.parametrize(
    "damage",
    [lambda content: content[:-9], lambda _: b"", lambda _: b"no vectors"],
    ids=["cut off", "empty", "foreign"],
)
def test_a_damaged_file_of_vectors_is_told_and_made_again(damage, problem, capfd):
    before = problem(40).train
    path, expected = Path(before.vectors.filename), before.batch(ROWS).x.clone()
    content = path.read_bytes()
    path.unlink()  # the map that is open keeps the old content
    path.write_bytes(damage(content))
    assert torch.equal(problem(40).train.batch(ROWS).x, expected)
    assert f"{path}: {path.name} has " in capfd.readouterr().err
