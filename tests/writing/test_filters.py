"""Filters: what each leaves out, that it is counted and said, and what a class without texts is told."""

import numpy as np
import pytest
import torch

from textdd.choosing.pool import real_pool
from textdd.distillers.generate import GenerateConfig, together
from textdd.errors import TextddError
from textdd.writing.filters import Sieve, check_left, copied, repeated, runs, sifted, words_of
from textdd.writing.prompts import Prompt
from textdd.writing.writer import Draft, Reply

SHOWN = ("one two three four five six seven", "alpha beta gamma")
WORDS = "Texts of this kind are shown here:\n- one two three four five six seven\n- alpha beta gamma\n-"


class Teacher:
    """Finds that a text is of the class whose number it begins with, the surer the longer it is."""

    def read(self, x, mask):
        del x
        sure = mask.sum(1) / 100
        return torch.stack([sure, 1 - sure, torch.zeros_like(sure)], 1)


def sieve_of(problem, lines, teacher=None, agreement=0.5, label=0):
    prompt = Prompt(label, 0, np.asarray(label), (), WORDS)
    reply = Reply([Draft(*line) if isinstance(line, tuple) else Draft(line, True) for line in lines], 0, 0)
    return sifted([prompt], [reply], 100, problem, teacher, agreement)


LINES = {
    "a line that goes on and on": (("word some other", False), "unfinished"),
    "nothing": ("", "empty"),
    "signs alone": ("... -- !", "empty"),
    "the same again": ("A new one, of course", "written twice"),
    "an example": ("one two three four five six seven", "echoes of the prompt"),
    "most of an example": ("zero one two three four five six seven eight", "echoes of the prompt"),
    "a short example": ("Alpha, beta: gamma!", "echoes of the prompt"),
    "the instruction": ("texts of this kind are shown here", "echoes of the prompt"),
    "a part of a short example": ("alpha beta", None),
    "little of an example": ("one two three four five and then it is about other things", None),
}


@pytest.mark.parametrize("what", LINES)
def test_what_is_left_out(what, problem, capsys):
    line, reason = LINES[what]
    sieve = sieve_of(problem, ["a new one of course", line])
    assert {name: count[0] for name, count in sieve.left_out.items() if count[0]} == ({reason: 1} if reason else {})
    assert len(sieve.texts()) == len(sieve.kept) == 1 + (reason is None)
    assert "2 drafts, left out: 0 unfinished, 0 empty" in capsys.readouterr().err or reason in ("unfinished", "empty")


@pytest.mark.parametrize("split", ["train", "validation"])
def test_copies_of_real_texts(split, problem):
    ((real,),) = getattr(problem.corpus, split).texts(np.array([3]))
    words = real.split()
    copies = [real.upper() + " !", " ".join(["something", *words])]
    others = [" ".join(words[::-1]), " ".join([*words[:5], *(f"{word}x" for word in words)])]
    assert sieve_of(problem, [*copies, *others]).left_out["near-copies of real texts"][0] == 2


def test_shares_are_of_one_other_text():
    text, halves = ("a b c d e f g h i j",), [("a b c d e f",), ("e f g h i j",), ("x",)]
    assert copied([text, ("x",), ("x y",)], halves) == [2 / 6, 1.0, 0.0]


@pytest.mark.parametrize(("words", "count"), [(["a"], 1), (list("abcd"), 1), (list("abcde"), 1), (list("abcdefg"), 3)])
def test_runs(words, count):
    assert len(runs(words)) == count


def test_words_are_compared_and_not_signs():
    assert words_of(("It's  GREAT, isn't it?",)) == words_of(("it s great isn", "t it")) != []
    assert list(repeated([("a b",), ("A, B!",), ("b a",)])) == [False, True, False]


def test_texts_that_a_teacher_finds_off_their_class(problem, capsys):
    """The bar is the median of real texts of the class; of a class that validation lacks, all is kept."""
    lengths = [len(problem.space.tokeniser.encode(text).ids) for (text,), label in zip(
        problem.corpus.validation.texts(np.arange(len(problem.validation))), problem.corpus.validation.targets,
        strict=True) if label == 0]  # fmt: skip
    middle = int(np.median(np.minimum(lengths, problem.space.length)))
    lines = [" ".join(f"new{i}x{j}" for j in range(middle + more)) for i, more in enumerate((-2, -1, 1, 2))]
    assert [text for (text,) in sieve_of(problem, lines, Teacher()).texts()] == lines[2:]
    assert "2 off their class; 2 remain" in capsys.readouterr().err
    assert [text for (text,) in sieve_of(problem, lines, Teacher(), label=2).texts()] == lines


REMEDIES = {
    "unfinished": "distiller.longest=80",
    "off their class": "distiller.agreement=0",
    "empty": "distiller.written=128",
    "near-copies of real texts": "distiller.temperature=1.2",
}


@pytest.mark.parametrize("reason", REMEDIES)
def test_a_class_without_texts(reason, problem):
    sieve = Sieve([])
    sieve.left_out = {"empty": {0: 1, 1: 0, 2: 0}, reason: {0: 31, 1: 2, 2: 2}}
    with pytest.raises(TextddError) as error:
        check_left(sieve, 2, 32, 40, problem)
    assert "32 texts were written and 0 are left" in str(error.value)
    assert str(error.value).endswith(f"2 are to be picked. Type: {REMEDIES[reason]}")


def test_a_class_with_too_few_texts_gets_more(problem):
    sieve = sieve_of(problem, ["a new one of course"])
    with pytest.raises(TextddError, match=r"32 texts were written and 1 are left \(.*Type: distiller\.written=128"):
        check_left(sieve, 2, 32, 40, problem)


def test_written_and_real_texts_together(problem):
    real = real_pool(problem, 100)
    both = together(real._replace(origins=["written"] * len(real.texts)), real)
    assert len(both.texts) == len(both.targets) == len(both.strata) == len(both.origins) == 2 * len(real.texts)
    assert both.origins[0] == "written"
    assert both.origins[-1] == "real"


@pytest.mark.parametrize("given", [{}, {"language_model": "a", "endpoint": "http://b"}])
def test_one_writes(given):
    with pytest.raises(TextddError, match=r"Who is to write\?.*Type for instance: distiller\.language_model="):
        GenerateConfig(**given).check()
