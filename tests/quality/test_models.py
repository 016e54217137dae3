"""What models say of a set: a language model how likely its texts are, a teacher whether their labels are right."""

import math

import numpy as np
import pytest
import torch

from tests.sets.test_texts import ROWS, text_set
from tests.tiny import tiny_gpt
from textdd.errors import TextddError
from textdd.quality.agreement import agreement
from textdd.quality.perplexity import check_language_model, perplexity


@pytest.fixture(scope="module")
def uniform(tmp_path_factory):
    """A language model to which all words are equally likely."""
    return tiny_gpt(tmp_path_factory.mktemp("gpt"), spread=0.0)


def test_perplexity_of_a_uniform_model_is_the_size_of_its_vocabulary(uniform):
    assert perplexity(str(uniform), ["word1 word2 word3", "word4", "word5 " * 99]) == pytest.approx(24)


def test_perplexity_is_that_of_all_tokens_together(tmp_path):
    from transformers import AutoModelForCausalLM

    folder = tiny_gpt(tmp_path, spread=5.0)
    model = AutoModelForCausalLM.from_pretrained(folder)
    surprises = []
    for ids in ([0, 5, 6, 7], [0, 8]):  # [BOS] first; word1 is number 5
        chances = model(input_ids=torch.tensor([ids])).logits[0].log_softmax(1)
        surprises += [-float(chances[i, token].detach()) for i, token in enumerate(ids[1:])]
    assert perplexity(str(folder), ["word1 word2 word3", "word4"]) == pytest.approx(
        math.exp(np.mean(surprises)), rel=1e-5
    )


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere/model.gguf", "there is no such file"),
        ("nowhere/at/all", "cannot be loaded.*Allowed: the folder"),
    ],
)
def test_no_such_model(path, message):
    with pytest.raises(TextddError, match=message):
        perplexity(path, ["a b"])


def test_transformers_are_needed(monkeypatch):
    monkeypatch.setattr("textdd.quality.perplexity.find_spec", lambda _: None)
    with pytest.raises(TextddError, match=r"pip install 'textdd\[transformers\]'"):
        check_language_model("x")


def test_agreement_is_the_share_of_labels_that_a_teacher_gives(problem):
    made, reader = text_set(problem, ROWS), problem.reader()
    theta = problem.student.fresh(0)
    batch = reader(problem.train.tokens(np.array(ROWS)))
    said = problem.student(theta, batch.x, batch.mask).argmax(1)
    assert agreement(made, reader, theta) == pytest.approx(float((said == made.text_labels.argmax(1)).float().mean()))
    agreed = text_set(problem, ROWS, torch.nn.functional.one_hot(said, 3).float() * 0.9 + 0.1 / 3)
    assert agreement(agreed, reader, theta) == 1


def test_agreement_of_several_labels_is_over_all_of_them(several_labels):
    reader, theta = several_labels.reader(), several_labels.student.fresh(0)
    rows = np.arange(6)
    batch = reader(several_labels.train.tokens(rows))
    said = (several_labels.student(theta, batch.x, batch.mask) > 0).float()
    flipped = said.clone()
    flipped[0, 0] = 1 - flipped[0, 0]
    assert agreement(text_set(several_labels, rows, flipped), reader, theta) == pytest.approx(17 / 18)
