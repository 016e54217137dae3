"""Language models that write: the loss and what they write, against transformers and by hand; errors that help."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import torch

from tests.tiny import tiny_gpt, tiny_llama
from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.errors import TextddError
from textdd.prepare import prepare
from textdd.sets.responder import Responder, prompt_tokens
from textdd.sets.training_set import real_set, train_students
from textdd.spaces.language_model import LEARNS, load_language_model
from textdd.spaces.response_prompt import response_prompt
from textdd.students.bodies import completed
from textdd.students.causal_lm import CausalLMConfig
from textdd.students.textcnn import TextCNNConfig
from textdd.students.writer import decoded
from textdd.training import Recipe

pytest.importorskip("transformers", reason="needs transformers")
D = 8
TEMPLATE = "Text: {text}\nLabel: {response}"


@pytest.fixture(scope="module")
def llama(tmp_path_factory):
    return tiny_llama(tmp_path_factory.mktemp("llama"), D)


def problem_of(folder, path, *options):
    """A problem whose responses say one word of their prompts again."""
    register()
    rows = [
        {
            "mr": f"word{i % 7} word{8 + i % 5}" + " word3" * (i % 3),
            "ref": f"{kind} word{8 + i % 5}" + " same" * (i % 2),
        }
        for i in range(60)
        for kind in ("very", "red")
    ]
    folder.mkdir(exist_ok=True)
    pd.DataFrame(rows).to_csv(folder / "texts.csv", index=False)
    corpus = ["dataset=local", f"dataset.path={folder}/texts.csv", "dataset.text=mr", "dataset.target=ref", "pairs=4"]
    words = [*corpus, "model=causal_lm", f"model.path={path}", f"cache_dir={folder}/cache", *options]
    return prepare(to_run(compose_config("config", words)))


@pytest.fixture(scope="module")
def problem(llama, tmp_path_factory):
    return problem_of(tmp_path_factory.mktemp("corpus"), llama, f'model.template="{TEMPLATE}"', "model.tuning=lora:2")


def some(problem, theta_seed=0):
    """A few pairs as a batch, and a student whose adapters are no longer zero."""
    rows = np.array([0, 5, 9, 14])
    batch = problem.reader()(problem.train.batch(rows))
    theta = problem.student.fresh(theta_seed)
    noise = torch.randn(theta.shape, generator=torch.Generator().manual_seed(1))
    return problem.train.split.texts(rows), batch, theta + 0.1 * noise


def by_hand(problem, theta, prompt, response):
    """The negative log-likelihood of each token of a response, read from token numbers with merged weights."""
    loaded = load_language_model(problem.model.path, LEARNS)
    shown = TEMPLATE.format(text=prompt, response="").removesuffix(" ")
    begin = loaded.tokeniser(shown)["input_ids"]
    ids = [*loaded.tokeniser(f"{shown} {response}")["input_ids"], loaded.tokeniser.eos_token_id]
    student = problem.student
    torch.nn.utils.vector_to_parameters(theta.clone(), student.learned())
    merged = student.module.adapters.weights(student.module.base)
    weights = {f"{loaded.model.base_model_prefix}.{name}": weight for name, weight in merged.items()}
    with torch.no_grad():
        logits = torch.func.functional_call(loaded.model, weights, (), {"input_ids": torch.tensor([ids])}).logits[0]
    likely = logits.log_softmax(-1)
    return torch.stack([-likely[i - 1, ids[i]] for i in range(len(begin), len(ids))])


def test_the_loss_is_that_of_the_responses_tokens_and_of_the_end(problem):
    pairs, batch, theta = some(problem)
    expected = [by_hand(problem, theta, *pair) for pair in pairs]
    assert [len(one) for one in expected] == [len(response.split()) + 1 for _, response in pairs]
    sums, counts = problem.student.surprisals(theta, batch.x, batch.mask, batch.labels)
    torch.testing.assert_close(sums, torch.stack([one.sum() for one in expected]), atol=1e-4, rtol=1e-4)
    assert counts.tolist() == list(map(len, expected))
    loss = problem.student.inner_loss(theta, batch.x, batch.labels, batch.mask)
    assert loss.item() == pytest.approx(torch.cat(expected).mean().item(), rel=1e-4)


def test_few_logits_at_a_time_are_the_same(problem, monkeypatch):
    _, batch, theta = some(problem)
    whole, _ = problem.student.surprisals(theta, batch.x, batch.mask, batch.labels)
    monkeypatch.setattr("textdd.students.writer.MOST_LOGITS", 1)
    parts, _ = problem.student.surprisals(theta, batch.x, batch.mask, batch.labels)
    torch.testing.assert_close(parts, whole)


def test_the_gradient_is_that_of_finite_differences(problem):
    _, batch, theta = some(problem)
    x, theta = batch.x.double(), theta.double().requires_grad_()
    loss = problem.student.inner_loss(theta, x, batch.labels, batch.mask)
    (gradient,) = torch.autograd.grad(loss, theta)
    direction = torch.randn(theta.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    with torch.no_grad():  # norms and softmax of the model are in single precision, whatever it is given
        above, below = (
            problem.student.inner_loss(theta + sign * 1e-3 * direction, x, batch.labels, batch.mask) for sign in (1, -1)
        )
    assert (gradient @ direction).item() == pytest.approx(((above - below) / 2e-3).item(), rel=2e-3)
    problem.student.fresh(0)  # the module is in single precision again


def test_students_side_by_side_have_the_losses_of_each(problem):
    _, batch, theta = some(problem)
    several = torch.stack([theta, problem.student.fresh(3)])
    alone = [problem.student.inner_loss(one, batch.x, batch.labels, batch.mask) for one in several]
    together = problem.student.inner_loss(several, batch.x, batch.labels, batch.mask)
    assert together.item() == pytest.approx(sum(alone).item(), rel=1e-5)


@pytest.mark.parametrize("tuning", ["lora:2", "top:1", "full"])
def test_training_lowers_the_loss_and_leaves_the_model_as_it_was(tuning, llama, tmp_path):
    problem = problem_of(tmp_path, llama, f"model.tuning={tuning}")
    student, reader, before = problem.student, problem.reader(), load_language_model(llama, LEARNS).model.state_dict()
    before = {name: weight.clone() for name, weight in before.items()}
    examples = real_set(problem.train, np.arange(8), reader)
    assert examples.bytes == problem.train.stored_bytes(np.arange(8))
    recipe = Recipe("adam", 30, 8, "shuffled", 3e-2).for_parts(student.scales)
    first, last = train_students(student, [examples], recipe, [0], [1, 30])[0]
    losses = [student.inner_loss(theta, examples.x, examples.y, examples.mask).item() for theta in (first, last)]
    assert losses[1] < losses[0] - 0.01
    after = load_language_model(llama, LEARNS).model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def greedy(problem, theta, prompt, most):
    """The likeliest token again and again, each time reading everything from its beginning."""
    loaded, student = load_language_model(problem.model.path, LEARNS), problem.student
    torch.nn.utils.vector_to_parameters(theta.clone(), student.learned())
    merged = student.module.adapters.weights(student.module.base)
    weights = {f"{loaded.model.base_model_prefix}.{name}": weight for name, weight in merged.items()}
    ids = loaded.tokeniser(TEMPLATE.format(text=prompt, response="").removesuffix(" "))["input_ids"]
    begin = len(ids)
    while len(ids) < begin + most:
        with torch.no_grad():
            found = torch.func.functional_call(loaded.model, weights, (), {"input_ids": torch.tensor([ids])})
        ids.append(int(found.logits[0, -1].argmax()))
        if ids[-1] == loaded.tokeniser.eos_token_id:
            break
    return loaded.tokeniser.decode(ids[begin:], skip_special_tokens=True).strip()


def test_what_is_written_is_the_likeliest_of_every_step(problem):
    """Prompts of different lengths together, with a cache, as each alone without one."""
    _, _, theta = some(problem)
    prompts = ["word1 word2 word3 word4", "word4", "word5 word6"]
    assert Responder(problem.reader(), theta)(prompts, 6) == [greedy(problem, theta, one, 6) for one in prompts]


def test_nothing_is_written_behind_the_end(problem, monkeypatch):
    _, _, theta = some(problem)
    ids = torch.stack([prompt_tokens(prompt, problem.reader()) for prompt in ("word1 word2", "word5 word6")])
    x, mask, module = problem.space.table[ids], torch.ones(ids.shape, dtype=torch.bool), problem.student.module
    monkeypatch.setattr(module, "end", -1)  # no token, so that nothing ends
    free = decoded(problem.student, theta, x, mask, 6).tolist()
    end = next(one for row in free for one, other in pairwise(row) if one != other)  # from now on the sign of the end
    monkeypatch.setattr(module, "end", end)
    found = decoded(problem.student, theta, x, mask, 6).tolist()
    kept = [row[: row.index(end)] if end in row else row for row in free]
    longest = max(min(len(row) + 1, 6) for row in kept)
    assert found == [(row + [end] * 6)[:longest] for row in kept]
    assert found != free


def test_an_empty_prompt_is_told(problem):
    with pytest.raises(TextddError, match="Prompt 1 is empty"):
        Responder(problem.reader(), problem.student.fresh(0))(["word1", " "])


def test_a_template_is_a_frame_around_both(problem, llama):
    tokeniser = load_language_model(llama, LEARNS).tokeniser
    frame = response_prompt(tokeniser, TEMPLATE).frame
    texts, batch, _ = some(problem)
    for (prompt, response), ids, mask in zip(texts, tokens(problem), batch.mask, strict=True):
        written = TEMPLATE.format(text=prompt, response=response)
        assert ids[mask].tolist() == [*tokeniser(written)["input_ids"], tokeniser.eos_token_id]
        asked = TEMPLATE.format(text=prompt, response="").removesuffix(" ")
        assert prompt_tokens(prompt, problem.reader()).tolist() == tokeniser(asked)["input_ids"]
    assert frame.after == (tokeniser.eos_token_id,)


def tokens(problem):
    return problem.train.tokens(np.array([0, 5, 9, 14])).ids


def test_pairs_are_compared_by_the_states_that_predict_their_responses(problem):
    _, batch, theta = some(problem)
    torch.nn.utils.vector_to_parameters(theta, problem.student.learned())  # what was learned counts for nothing
    found = problem.train.features(np.array([0, 5, 9, 14]), problem.reader())
    model = load_language_model(problem.model.path, LEARNS).model
    for ids, mask, wanted, row in zip(tokens(problem), batch.mask, batch.labels, found, strict=True):
        with torch.no_grad():
            states = model.base_model(input_ids=ids[mask].unsqueeze(0)).last_hidden_state[0]
        places = [i - 1 for i in range(len(states)) if wanted[i] >= 0]
        torch.testing.assert_close(row.float(), states[places].mean(0), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "template",
    ["{text}", "{response}\n{text}", "{text}{response}", "{text} and {text}\n{response}", "{text}\n{response} end"],
)
def test_a_template_without_places_is_refused(template, llama):
    config = CausalLMConfig(path=llama, template=template)
    with pytest.raises(TextddError, match=r"\{text\} once, something behind it, and \{response\} at its end"):
        completed(config, ["response"], pair=True, one_class=False, writes=True)


def test_spaces_before_one_of_both_are_refused(llama):
    tokeniser = load_language_model(llama, LEARNS).tokeniser
    with pytest.raises(TextddError, match="before the text and the response, or before none"):
        response_prompt(tokeniser, "Text: {text}\n{response}")


@pytest.mark.parametrize(
    ("options", "remedy"),
    [
        ({"answer": "head"}, "model.answer=response"),
        ({"words": ["a", "b"]}, "model.words=null"),
        ({"tuning": "head"}, "model.tuning=lora:8"),
    ],
)
def test_what_only_answers_for_classes_have_is_refused(options, remedy, llama):
    with pytest.raises(TextddError, match=f"answers no class.*Type: {remedy}"):
        completed(CausalLMConfig(path=llama, **options), ["response"], pair=True, one_class=False, writes=True)


def test_other_students_do_not_write():
    with pytest.raises(TextddError, match=r"Got model=textcnn.*Type: model=causal_lm model\.path=FOLDER"):
        completed(TextCNNConfig(), ["response"], pair=True, one_class=False, writes=True)


def test_responses_are_not_written_for_classes(llama):
    with pytest.raises(TextddError, match=r"Type: model\.answer=verbaliser"):
        completed(CausalLMConfig(path=llama, answer="response"), ["a", "b"], pair=False, one_class=True)


def test_a_model_of_gpts_kind_writes_too(tmp_path):
    path = str(tiny_gpt(tmp_path / "gpt", 20.0))
    problem = problem_of(tmp_path / "corpus", path, 'model.template="{text} word4{response}"', "model.tuning=lora:1")
    _, batch, theta = some(problem)
    loss = problem.student.inner_loss(theta, batch.x, batch.labels, batch.mask)
    assert torch.isfinite(loss)
    assert len(Responder(problem.reader(), theta)(["word1", "word2 word3"], 3)) == 2
