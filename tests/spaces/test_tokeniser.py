"""Splitting whole columns gives what the tokeniser gives text by text, and memory does not grow with the corpus."""

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.trainers import WordLevelTrainer

from textdd.corpora.parallel import in_order
from textdd.spaces import tokeniser as module
from textdd.spaces.tokeniser import PAD, SPECIAL, UNK, encode, train_tokeniser, words
from textdd.spaces.word_splitting import NORMALISER, PRE_TOKENISER, split_words

SIGNS = "aB1 .,'\t\n\r\x0b\x0c\x00\x1c\x7f\xa0éÉİßΣ中。\u2028\u200b\u3000\ufffd\u0301😀[UNK]"
texts = st.lists(st.text(st.one_of(st.sampled_from(SIGNS), st.characters(exclude_categories=["Cs"]))), max_size=5)


def by_the_tokeniser(text: str) -> list[str]:
    return [word for word, _ in PRE_TOKENISER.pre_tokenize_str(NORMALISER.normalize_str(text))]


@settings(max_examples=300, deadline=None)
@example(["", "  ", "\u200b", "the End. ", " a", "x\x0by", "naïve\u3000Café…中文", "İ"])
@given(texts)
def test_a_column_is_split_as_the_tokeniser_splits_each_text(texts):
    flat, lengths = split_words(pa.array(texts, pa.string()))
    assert [list(part) for part in np.split(np.array(flat.to_pylist(), object), np.cumsum(lengths))[:-1]] == [
        by_the_tokeniser(text) for text in texts
    ]


@pytest.fixture
def reviews() -> list[str]:
    """Texts in which many words are equally frequent, some are accented, and one is very long."""
    generator = np.random.default_rng(0)
    spelling = np.array([f"{first}{'é' * (i % 3)}{i}" for i in range(40) for first in "Xyz"])
    lengths = generator.integers(0, 30, 300)
    return [" ".join(generator.choice(spelling, length)) for length in lengths] + ["x " * 50]


@pytest.mark.parametrize("waiting", [1, 4_000_000])
def test_the_vocabulary_is_that_of_the_library_own_trainer(reviews, waiting, monkeypatch):
    monkeypatch.setattr(module, "MOST_WAITING", waiting)
    expected = Tokenizer(WordLevel(unk_token=SPECIAL[UNK]))
    expected.normalizer, expected.pre_tokenizer = NORMALISER, PRE_TOKENISER
    trainer = WordLevelTrainer(vocab_size=70, special_tokens=list(SPECIAL), show_progress=False)
    expected.train_from_iterator([reviews], trainer)
    batches = [pa.array(reviews[start : start + 13]) for start in range(0, len(reviews), 13)]
    assert words(train_tokeniser(batches, 70)) == words(expected)


def test_the_tokens_are_those_of_the_tokeniser(reviews, monkeypatch):
    tokeniser = train_tokeniser([pa.array(reviews)], 70)
    monkeypatch.setattr(module, "MOST_TOKENS", 40)
    tokens, lengths, uncut = encode(pa.array(words(tokeniser)), pa.array(reviews), np.uint16)
    expected = [encoding.ids[:40] or [UNK] for encoding in tokeniser.encode_batch(reviews)]
    assert lengths.tolist() == [len(ids) for ids in expected]
    assert tokens.tolist() == [number for ids in expected for number in ids]
    assert uncut.tolist() == [max(1, len(encoding.ids)) for encoding in tokeniser.encode_batch(reviews)]
    assert PAD not in tokens
    assert max(lengths) == 40


def test_results_come_in_order_and_the_stream_is_not_read_far_ahead():
    read = []

    def stream():
        for number in range(50):
            read.append(number)
            yield number

    def slow_at_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number

    for number, result in enumerate(in_order(slow_at_first, stream())):
        assert result == number
        assert len(read) <= number + (os.cpu_count() or 1) + 3


GROWTH = """
import sys, threading, time
from pathlib import Path
from textdd.corpora import files
from textdd.corpora.corpus import load_corpus
from textdd.corpora.sources import DatasetConfig
from textdd.spaces.words import encoded

def own():
    # Memory of the process itself: pages of files that are mapped are the system's to take back.
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return 1024 * int(line.split()[1])

def watch():
    while True:
        seen.append(own())
        time.sleep(0.005)

files.BLOCK_BYTES = 1 << 18
folder, seen = Path(sys.argv[1]), []
threading.Thread(target=watch, daemon=True).start()
text = " ".join(f"word{i % 977}" for i in range(400))
for rows in (48_000, 144_000):
    path = folder / f"{rows}.csv"
    with path.open("w") as file:
        file.write("label,text\\n")
        file.writelines(f"{row % 2},{row} {text}\\n" for row in range(rows))
    corpus = load_corpus(DatasetConfig(name="local", path=str(path)), None, folder / "cache", 0)
    encoded(folder / f"words-{rows}", corpus, 30_000, lambda *_: None)
    print(max(seen))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux tells a process's own memory")
def test_memory_does_not_grow_with_the_corpus(tmp_path):
    """What is read ahead and in the works is the same for a file three times as long."""
    command = [sys.executable, "-c", GROWTH, str(tmp_path)]
    small, large = map(int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
    sizes = [(tmp_path / f"{rows}.csv").stat().st_size for rows in (48_000, 144_000)]
    assert large - small < 0.6 * (sizes[1] - sizes[0])  # allocators keep some for later, more of it at first
