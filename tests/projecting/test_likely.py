"""A language model chooses words as one would by reading every text anew for every word."""

import pytest
import torch

from textdd.errors import TextddError
from textdd.projecting.likely import Likely

WRITTEN = ["a", "b", "ab", "cab", "dd", "e", "bead", "c"]


def tokens_of(text, add_special_tokens):
    """A token for each letter; a space is none."""
    assert not add_special_tokens
    return {"input_ids": ["\nabcde".index(letter) for letter in text if letter != " "]}


@pytest.fixture(scope="module")
def model():
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    sizes = {"vocab_size": 6, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2}
    config = transformers.LlamaConfig(num_attention_heads=2, max_position_embeddings=64, initializer_range=0.6, **sizes)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return transformers.LlamaForCausalLM(config).eval().requires_grad_(False)


def chance(model, ids, start):
    """Log-probability of the tokens from `start` on."""
    said = model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
    return float(sum(said[i - 1, ids[i]] for i in range(start, len(ids))))


def by_hand(model, prompt, candidates, places):
    """The words of one text, each judged as the docstring of the module says."""
    said, chosen = tokens_of(prompt, False)["input_ids"], []
    for words, place in zip(candidates, places, strict=True):
        if not place:
            chosen.append(words[0])
            continue
        spelled = [tokens_of(WRITTEN[word], False)["input_ids"] for word in words]
        scores = [chance(model, [*said, ids[0]], len(said)) + chance(model, ids, 1) for ids in spelled]
        best = max(range(len(words)), key=scores.__getitem__)
        chosen.append(words[best])
        said = said + spelled[best]
    return chosen


@pytest.mark.parametrize("seed", range(4))
def test_the_likeliest_word_of_every_place(seed, model):
    generator = torch.Generator().manual_seed(seed)
    candidates = torch.randint(8, (3, 5, 4), generator=generator)
    places = torch.rand(3, 5, generator=generator) < 0.7
    prompts = ["abc\n", "d\nea\nbb\n", "c"]
    found = Likely(model, tokens_of, WRITTEN, prompts).choose(candidates, places)
    for row in range(3):
        wanted = by_hand(model, prompts[row], candidates[row].tolist(), places[row].tolist())
        assert found[row].tolist() == wanted


def test_prompts_give_way_to_texts(model):
    likely, places = Likely(model, tokens_of, WRITTEN, ["abcde" * 50]), torch.ones(1, 15, dtype=torch.bool)
    assert likely.choose(torch.full((1, 15, 1), 6), places).tolist() == [[6] * 15]
    with pytest.raises(TextddError, match=r"may take 64 tokens of the language model, which reads 63\. Type: "):
        likely.choose(torch.full((1, 16, 1), 6), torch.ones(1, 16, dtype=torch.bool))
