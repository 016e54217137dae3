"""A language model that is asked and not trained: exactly what it says of the whole prompt, and corrections."""

import itertools

import numpy as np
import pytest
import torch

from tests.students.test_causal_lm import problem_of
from tests.tiny import tiny_gpt, tiny_llama
from textdd.errors import TextddError
from textdd.evaluation.asked import Asked, at_median, contextual
from textdd.evaluation.untrained import asked_of, in_context, zero_shot
from textdd.spaces.language_model import LEARNS, load_language_model
from textdd.students.bodies import body_space
from textdd.students.causal_lm import CausalLM, CausalLMConfig

pytest.importorskip("transformers", reason="needs transformers")
CPU = torch.device("cpu")
EXAMPLES = [(("word1 word2",), 0), (("word3",), 1), (("word4 word5 word6",), 0)]


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return tiny_llama(tmp_path_factory.mktemp("llama"), 6)


@pytest.fixture(scope="module")
def problem(llama, tmp_path_factory):
    return problem_of(tmp_path_factory.mktemp("corpus"), llama, "model.words=[very good,bad]", "model.orders=2")


def by_hand(path, prompt, words):
    """The log-probability of each word behind a prompt, each read alone from its beginning."""
    loaded, found = load_language_model(path, LEARNS), []
    size = len(loaded.tokeniser(prompt)["input_ids"])
    for word in words:
        ids = loaded.tokeniser(f"{prompt} {word}")["input_ids"]
        with torch.no_grad():
            likely = loaded.model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        found.append(sum(likely[i - 1, ids[i]] for i in range(size, len(ids))))
    return torch.stack(found)


@pytest.mark.parametrize("count", [0, 3])
def test_answers_are_those_to_the_whole_prompt(count, problem, llama, tmp_path):
    asked = asked_of(problem, CPU, EXAMPLES[:count])
    words = problem.model.words
    shown = "".join(f"Text: {text}\nLabel: {words[label]}\n\n" for (text,), label in EXAMPLES[:count])
    found = asked.answers(problem.test, tmp_path)
    for (text,), row in zip(problem.corpus.test.texts(np.arange(len(problem.test))), found, strict=True):
        wanted = by_hand(llama, f"{shown}Text: {text}\nLabel:", words)
        torch.testing.assert_close(row, wanted, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(asked.of_nothing(), by_hand(llama, f"{shown}Text:\nLabel:", words), atol=1e-4, rtol=1e-4)


def test_a_model_with_learned_positions_reads_behind_examples_too(tmp_path):
    path = str(tiny_gpt(tmp_path / "gpt", 20.0))
    config = CausalLMConfig(path=path, template="{text} word4", words=["word1", "word2 word3"], tuning="head")
    space = body_space(config, 8, framed=True)
    asked = Asked(CausalLM(config, 4, 2), space, CPU, [(("word5 word6",), 1)])
    batch = space.tokens([("word7",), ("word8 word9",)])
    scores = asked.scores(space.table[batch.ids], batch.mask)
    for text, row in zip(["word7", "word8 word9"], scores, strict=True):
        wanted = by_hand(path, f"word5 word6 word4 word2 word3 {text} word4", config.words)
        torch.testing.assert_close(row, wanted, atol=1e-4, rtol=1e-4)


def test_answers_are_kept_by_what_decides_them(problem, tmp_path, monkeypatch):
    first = asked_of(problem, CPU).answers(problem.test, tmp_path)
    examples = asked_of(problem, CPU, EXAMPLES)
    monkeypatch.setattr(Asked, "_asked", lambda *_: pytest.fail("asked again"))
    assert torch.equal(asked_of(problem, CPU).answers(problem.test, tmp_path), first)
    with pytest.raises(pytest.fail.Exception, match="asked again"):
        examples.answers(problem.test, tmp_path)
    with pytest.raises(pytest.fail.Exception, match="asked again"):
        asked_of(problem, CPU).answers(problem.validation, tmp_path)


def test_an_empty_text_is_as_likely_of_every_class_after_the_correction():
    scores, nothing = torch.randn(4, 3), torch.tensor([-1.0, -5.0, -2.0])
    assert torch.equal(contextual(nothing.unsqueeze(0), nothing), torch.zeros(1, 3))
    moved = contextual(scores, nothing) - scores
    assert torch.equal(moved.argmax(1), torch.ones(4, dtype=torch.long))


def test_at_the_median_half_of_the_texts_have_each_of_two_classes():
    scores = torch.randn(11, 2, generator=torch.Generator().manual_seed(0)) + torch.tensor([4.0, 0.0])
    assert scores.argmax(1).sum() == 0
    assert abs(int(at_median(scores, scores).argmax(1).sum()) - 5.5) <= 0.5


def test_rows_of_a_result(problem):
    row = zero_shot(problem, problem.validation, CPU)
    assert set(row["variants"]) == {"as it is", "at the median"}
    shown = in_context(problem, [EXAMPLES], CPU, 0)
    assert [len(found["accuracy"]["values"]) for found in shown.values()] == [2, 2]
    assert row["curve"]["steps"] == []
    assert len(row["accuracy"]["values"]) == 1


def test_orders_are_different_prompts_of_the_same_examples(problem):
    orders = [asked_of(problem, CPU, list(order)).begin for order in itertools.permutations(EXAMPLES)]
    assert len(set(orders)) == 6
    assert len({tuple(sorted(order)) for order in orders}) == 1


def test_too_many_examples_are_told(problem):
    with pytest.raises(TextddError, match=r"90 examples.*reads at most 64.*model\.orders=0"):
        asked_of(problem, CPU, EXAMPLES * 30)
