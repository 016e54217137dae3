"""Language models as students: texts in their prompt, words as answers, and errors that help."""

import numpy as np
import pandas as pd
import pytest
import torch

from tests.tiny import tiny_bert, tiny_gpt, tiny_llama
from textdd.choosing.encoders import LastToken
from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.errors import TextddError
from textdd.evaluation.scoring import logits_of
from textdd.options import check_options
from textdd.prepare import prepare
from textdd.spaces.language_model import LEARNS, load_language_model
from textdd.spaces.prompt import prompt_of
from textdd.students import make_student
from textdd.students.answers import Tree
from textdd.students.bodies import body_space, completed
from textdd.students.causal_lm import CausalLMConfig
from textdd.students.language_body import opened
from textdd.tasks import OneClass

pytest.importorskip("transformers", reason="needs transformers")

D, WORDS = 6, ["good", "very bad", "very good", "fair"]
TEXTS = ["word1 word2 word3", "word4", "word5 word1 word9 word2 word7"]


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return tiny_llama(tmp_path_factory.mktemp("llama"), D)


@pytest.fixture(scope="module")
def gpt(tmp_path_factory):
    return str(tiny_gpt(tmp_path_factory.mktemp("gpt"), 20.0))


def by_hand(path, prompt, words):
    """The log-probability of each word behind a prompt, each read alone, one token after the other."""
    loaded, found = load_language_model(path, LEARNS), []
    begin = loaded.tokeniser(prompt)["input_ids"]
    for word in words:
        ids = loaded.tokeniser(prompt + ("" if prompt.endswith("\n") else " ") + word)["input_ids"]
        with torch.no_grad():
            likely = loaded.model(input_ids=torch.tensor([ids])).logits[0].log_softmax(-1)
        found.append(sum(likely[i - 1, ids[i]] for i in range(len(begin), len(ids))))
    return torch.stack(found)


ASKED = [
    ("llama", "Text: {text}\nLabel:"),
    ("llama", "{text} word3"),
    ("llama", "text\n{text}\n"),
    ("gpt", "word3 {text} word4"),
]


@pytest.mark.parametrize(("kind", "template"), ASKED, ids=["lines", "one line", "answer in a line", "gpt"])
def test_scores_are_the_log_probabilities_of_the_words(kind, template, request):
    """Several texts of different lengths at once, all words in one reading."""
    path, words = request.getfixturevalue(kind), WORDS if kind == "llama" else ["word1", "word2 word5", "word2 word6"]
    config = completed(
        CausalLMConfig(path=path, template=template, words=words, tuning="head"), words, pair=False, one_class=True
    )
    space = body_space(config, 16, framed=True)
    student = make_student(config, space.dimension, len(words))
    batch = space.tokens([(text,) for text in TEXTS])
    with torch.no_grad():
        scores = student(student.fresh(0), *student.below(space.table[batch.ids], batch.mask))
    for text, row in zip(TEXTS, scores, strict=True):
        torch.testing.assert_close(row, by_hand(path, template.format(text=text), words))


def test_signs_that_a_tokeniser_does_not_see_are_no_question(gpt):
    with pytest.raises(TextddError, match="something behind it that the class answers"):
        make_student(CausalLMConfig(path=gpt, template="word1 {text}\n", words=["word1", "word2"]), 4, 2)


def test_a_head_sees_the_last_token_of_the_prompt(llama):
    config = CausalLMConfig(path=llama, answer="head", template="Text: {text}\nLabel:")
    space = body_space(config, 16, framed=True)
    student, batch = make_student(config, D, 3), space.tokens([(text,) for text in TEXTS])
    loaded = load_language_model(llama, LEARNS)
    found = student.module.hidden(space.table[batch.ids], batch.mask)
    for text, row in zip(TEXTS, found, strict=True):
        ids = torch.tensor([loaded.tokeniser(f"Text: {text}\nLabel:")["input_ids"]])
        torch.testing.assert_close(row, loaded.model.base_model(input_ids=ids).last_hidden_state[0, -1])


@pytest.mark.parametrize(
    ("tuning", "answer"), [("head", "head"), ("head", "verbaliser"), ("lora:2", "verbaliser"), ("full", "head")]
)
def test_texts_are_compared_by_what_the_model_made_of_them_before_it_learned(tuning, answer, llama, tmp_path):
    problem = problem_of(tmp_path, llama, f"model.tuning={tuning}", f"model.answer={answer}")
    student, reader, rows = problem.student, problem.reader(), np.array([5, 0, 7, 9])
    torch.nn.utils.vector_to_parameters(student.fresh(0) + 0.3, student.learned())  # as training on all texts leaves it
    found = problem.train.features(rows, reader)
    loaded = load_language_model(llama, LEARNS)
    for (text,), row in zip(problem.train.split.texts(rows), found, strict=True):
        ids = torch.tensor([loaded.tokeniser(f"Text: {text}\nLabel:")["input_ids"]])
        wanted = loaded.model.base_model(input_ids=ids).last_hidden_state[0, -1]
        torch.testing.assert_close(row.float(), wanted, atol=2e-3, rtol=2e-3)  # kept in 16 bits where it is frozen
    assert encoder_of(problem).read([("word1 word2",)]).shape == (1, 1, D)


def encoder_of(problem):
    """Who compares texts for bilevel selection."""
    return LastToken(problem.student.module, problem.space)


def test_words_that_begin_alike_share_what_is_read(llama):
    prompt = prompt_of(load_language_model(llama, LEARNS).tokeniser, "{text}\nLabel:", WORDS)
    tree = Tree.of(prompt.words)
    assert [len(word) for word in prompt.words] == [1, 2, 2, 1]
    assert len(tree.tokens) == 1
    assert len(Tree.of([(1, 2, 3), (1, 2, 4, 5), (2,)]).tokens) == 3


def test_many_words_are_read_in_parts(llama, monkeypatch):
    config = CausalLMConfig(path=llama, words=WORDS)
    student = make_student(config, D, 4)
    x = torch.randn(5, 4, D, generator=torch.Generator().manual_seed(0))
    whole = student.module.read(x, None)
    monkeypatch.setattr("textdd.students.causal_lm.MOST_LOGITS", 1)
    torch.testing.assert_close(student.module.read(x, None), whole)


def test_one_body_serves_all_students(llama):
    kinds = [CausalLMConfig(path=llama, words=WORDS), CausalLMConfig(path=llama, answer="head")]
    first, second = (make_student(kind, D, 4) for kind in kinds)
    assert first.module.body is second.module.body is opened(llama).model


def test_what_is_named_is_learned_and_nothing_else(llama):
    for answer, head in (("verbaliser", set()), ("head", {"head.weight", "head.bias"})):
        config = CausalLMConfig(path=llama, words=WORDS, answer=answer, tuning="top:1")
        learned = {n for n, p in make_student(config, D, 4).module.named_parameters() if p.requires_grad}
        assert {name for name in learned if "body." not in name} == head
        assert all(".layers.1." in name for name in learned - head)
        assert learned > head
    assert not any(p.requires_grad for p in opened(llama).model.parameters())


@pytest.mark.parametrize(("kind", "words"), [("llama", WORDS), ("gpt", ["word1", "word2", "word5", "word6"])])
def test_adapters_change_nothing_before_they_learn(kind, words, request):
    """And afterwards the frozen body reads as it did."""
    path, texts = request.getfixturevalue(kind), torch.randn(3, 4, D, generator=torch.Generator().manual_seed(0))
    texts = texts[..., : opened(path).table.shape[1]]
    template = {"template": "word3 {text} word4"}
    adapted, plain = (
        make_student(CausalLMConfig(path=path, words=words, tuning=tuning, **template), texts.shape[-1], 4)
        for tuning in ("lora:2", "head")
    )
    wanted = plain.module.read(texts, None)
    torch.testing.assert_close(adapted(adapted.fresh(0), texts), wanted)
    moved = adapted(adapted.fresh(0) + 0.5, texts)
    assert (moved - wanted).abs().max() > 1e-2
    torch.testing.assert_close(plain.module.read(texts, None), wanted, rtol=0, atol=0)
    assert not any(p.requires_grad for p in adapted.module.body.parameters())


def test_adapters_are_as_if_their_product_had_been_added(llama):
    config = CausalLMConfig(path=llama, words=WORDS, tuning="lora:2")
    student, x = make_student(config, D, 4), torch.randn(3, 4, D, generator=torch.Generator().manual_seed(0))
    theta = student.fresh(0) + 0.1 * torch.randn(student.size, generator=torch.Generator().manual_seed(1))
    by_name = student.unflatten(theta)
    wanted = make_student(CausalLMConfig(path=llama, words=WORDS, tuning="full"), D, 4)
    layers = wanted.module.body.model.layers
    places = [projection for layer in layers for projection in (layer.self_attn.q_proj, layer.self_attn.v_proj)]
    assert len(places) == len(student.module.adapters.names)
    with torch.no_grad():
        for i, projection in enumerate(places):
            projection.weight += 2 * by_name[f"adapters.up.{i}"] @ by_name[f"adapters.down.{i}"]
        torch.testing.assert_close(student(theta, x), wanted.module(x))


def problem_of(folder, path, *given, names=("good", "bad")):
    """A small corpus whose classes are told by a word, as a language model reads it."""
    texts = [f"word{i % 7} word{8 + i % 2} word{i % 5}" for i in range(60)]
    frame = pd.DataFrame({"text": texts, "label": [names[i % 2] for i in range(60)]})
    frame.to_csv(folder / "texts.csv", index=False)
    register()
    line = [f"dataset.path={folder / 'texts.csv'}", "dataset=local", "per_class=1", f"cache_dir={folder / 'cache'}"]
    line += ["model=causal_lm", f"model.path={path}", "logger=none", *given]
    return prepare(to_run(compose_config("config", line)))


def test_names_of_classes_are_the_words_unless_others_are_given(llama, tmp_path):
    problem = problem_of(tmp_path, llama)
    assert problem.model.words == problem.corpus.classes == ["bad", "good"]
    assert problem.model.template == "Text: {text}\nLabel:"
    given = problem_of(tmp_path, llama, "model.words=[very,fair]", 'model.template="text {text}\\nLabel:"')
    assert given.model.words == ["very", "fair"]


def test_texts_that_were_kept_are_read_as_they_are(llama, tmp_path):
    """Tokens of the corpus stand in the prompt as they do when the whole is written out."""
    problem = problem_of(tmp_path, llama)
    thetas = [problem.student.fresh(0)]
    logits, _ = logits_of(thetas, problem.test, problem.reader())
    texts = [text for (text,) in problem.corpus.test.texts(torch.arange(len(problem.test)).numpy())]
    wanted = torch.stack([by_hand(llama, f"Text: {text}\nLabel:", ["bad", "good"]) for text in texts])
    torch.testing.assert_close(logits[0], wanted, atol=2e-3, rtol=1e-3)


def test_other_prompts_are_other_features(llama, tmp_path):
    """What a frozen body made of the texts is kept, for each prompt of its own."""
    lines = [["model.tuning=head"], ["model.tuning=head", "model.words=[very,fair]"]]
    found = [problem_of(tmp_path, llama, *line).train.vectors for line in lines]
    assert found[0].shape == found[1].shape
    assert (found[0] != found[1]).any()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tuning": "top:3"}, r"model\.tuning=top:3; .* has 2 layers\. Type: model\.tuning=top:2"),
        ({"tuning": "half"}, r"Got model\.tuning=half\. Allowed: lora:R"),
        ({"answer": "words"}, r"Got model\.answer=words\. Allowed: verbaliser, head or response"),
        ({"path": None}, r"Which language model\?.*model\.path="),
        ({"path": "/nowhere/at/all"}, r"/nowhere/at/all, which cannot be loaded.*model\.path="),
        ({"template": "Review:"}, r"Got model\.template=Review:\. Allowed: a text with \{text\} once"),
        ({"template": "{text}"}, r"Allowed: .* something behind it"),
        ({"words": ["good", "good", "fair", "bad"]}, "Got model.words with good twice"),
        ({"words": ["good", "bad"]}, r"Got model\.words=.* for 4 classes\..*Type: model\.words=\[word1"),
    ],
    ids=["layers", "tuning", "answer", "no path", "no model", "no place", "no question", "twice", "too few"],
)
def test_mistakes_say_what_is_allowed(options, message, llama):
    config = CausalLMConfig(**{"path": llama, "words": WORDS, **options})
    with pytest.raises(TextddError, match=message):
        checked_student(config)


def checked_student(config):
    check_options(config, prefix="model.")
    if config.path is None or "{text}" not in (config.template or "{text}"):  # is told before anything is opened
        with pytest.raises(TextddError):
            config.check()
    return make_student(config, D, OneClass(4))


@pytest.mark.parametrize(
    ("options", "pair", "one_class", "message"),
    [
        ({}, False, False, r"Type: model\.answer=head"),
        ({"words": ["one"]}, False, True, r"Got 1 model\.words; there are 2 classes: good, bad"),
        ({"template": "{text}\nLabel:"}, True, True, r"\{text\}, \{second\} behind it"),
        ({"template": "{second} {text}\nLabel:"}, True, True, r"\{text\}, \{second\} behind it"),
        ({"template": "{text} {second}\nLabel:"}, False, True, r"\{text\} once"),
    ],
    ids=["several labels", "too few words", "no second", "turned", "a second too many"],
)
def test_what_does_not_suit_the_corpus_is_told(options, pair, one_class, message):
    with pytest.raises(TextddError, match=message):
        completed(CausalLMConfig(**options), ["good", "bad"], pair=pair, one_class=one_class)


def test_an_encoder_is_no_language_model(tmp_path):
    with pytest.raises(TextddError, match="does not write"):
        opened(str(tiny_bert(tmp_path / "bert")))


def test_pairs_stand_in_the_template_one_behind_the_other(llama):
    config = completed(
        CausalLMConfig(path=llama, words=["same", "different"], tuning="head"), ["a", "b"], pair=True, one_class=True
    )
    space = body_space(config, 24, framed=True)
    student, batch = (
        make_student(config, D, 2),
        space.tokens([("word1 word2", "word3"), ("word4", "word5 word6 word7")]),
    )
    scores = student(student.fresh(0), *student.below(space.table[batch.ids], batch.mask))
    for pair, row in zip([("word1 word2", "word3"), ("word4", "word5 word6 word7")], scores, strict=True):
        prompt = f"First text: {pair[0]}\nSecond text: {pair[1]}\nLabel:"
        torch.testing.assert_close(row, by_hand(llama, prompt, ["same", "different"]))


@pytest.mark.parametrize("answer", ["verbaliser", "head"])
def test_a_body_of_half_precision_is_one_outside(answer, llama):
    """Logits and gradients of adapters are nearly those of single precision; the body stays half, and is not copied."""
    generator = torch.Generator().manual_seed(0)
    texts, found = torch.randn(3, 5, D, generator=generator), {}
    for dtype in ("float32", "bfloat16"):
        config = CausalLMConfig(path=llama, answer=answer, words=WORDS, tuning="lora:2", dtype=dtype)
        student = make_student(config, D, OneClass(4))
        noise = torch.randn(student.size, generator=generator.manual_seed(2))
        leaf = (student.fresh(1) + 0.3 * noise).requires_grad_()
        logits = student(leaf, texts)
        (gradient,) = torch.autograd.grad(student.task.inner_loss(logits, torch.eye(4)[:3]), leaf)
        found[dtype] = logits.detach(), gradient
        body = opened(llama, dtype)
        assert {p.dtype for p in body.model.parameters()} == {getattr(torch, dtype)}
        assert student.module.body is body.model
        assert body.table.dtype == logits.dtype == gradient.dtype == torch.float32
    (single, steps), (half, half_steps) = found.values()
    assert not torch.equal(single, half)
    torch.testing.assert_close(half, single, atol=0.05, rtol=0.05)
    assert torch.cosine_similarity(steps, half_steps, dim=0) > 0.99


@pytest.mark.parametrize("tuning", ["full", "top:1"])
def test_layers_that_learn_are_single(tuning, llama):
    with pytest.raises(TextddError, match=r"model\.dtype=bfloat16 and model\.tuning=.*Type: model\.tuning=lora:8"):
        CausalLMConfig(path=llama, tuning=tuning, dtype="bfloat16").check()
