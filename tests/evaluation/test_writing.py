"""Held-out prompts, the loss over all response tokens, and recipes that are chosen by it."""

import numpy as np
import pytest

from tests.students.test_writer import problem_of
from tests.tiny import tiny_llama
from textdd.evaluation.protocol import add_recovery
from textdd.evaluation.responses import WritingConfig, held_out, response_losses, written_scores
from textdd.evaluation.text_measures import text_measures
from textdd.evaluation.tuning import tune
from textdd.sets.responder import responses_to
from textdd.sets.training_set import real_set, train_students

pytest.importorskip("transformers", reason="needs transformers")


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    llama = tiny_llama(tmp_path_factory.mktemp("llama"), 8)
    return problem_of(tmp_path_factory.mktemp("corpus"), llama, "model.tuning=lora:2")


def test_every_prompt_is_read_once_and_has_all_of_its_references(problem):
    held = held_out(problem, 4)
    corpus = problem.corpus.test.texts(np.arange(len(problem.corpus.test)))
    assert len(held.reading) == len(set(held.prompts)) == 4
    for pair, prompt, references in zip(
        held.reading.split.texts(np.arange(4)), held.prompts, held.references, strict=True
    ):
        assert references == [response for own, response in corpus if own == prompt]
        assert pair[0] == prompt
        assert pair[1] in references
    assert held_out(problem, 4).prompts == held.prompts
    everything = held_out(problem, 1000)
    assert set(everything.prompts) == {prompt for prompt, _ in corpus}
    assert everything.prompts[:4] == held.prompts


def test_the_loss_is_the_mean_over_all_tokens_whatever_the_batches(problem, monkeypatch):
    thetas = [problem.student.fresh(0), problem.student.fresh(1) + 0.1]
    whole = problem.reader()(problem.test.batch(np.arange(len(problem.test))))
    expected = [problem.student.inner_loss(theta, whole.x, whole.labels, whole.mask).item() for theta in thetas]
    monkeypatch.setattr("textdd.evaluation.responses.BATCH", 3)
    assert response_losses(thetas, problem.test, problem.reader()).tolist() == pytest.approx(expected, rel=1e-5)


def test_scores_are_of_what_each_student_wrote(problem):
    thetas = [problem.student.fresh(0), problem.student.fresh(1) + 0.1]
    held, reader = held_out(problem, 4), problem.reader()
    scores, written = written_scores(thetas, held, reader, WritingConfig(prompts=4, decoded=3, tokens=5))
    losses = response_losses(thetas, held.reading, reader)
    assert scores["response_loss"].tolist() == pytest.approx(losses.tolist())
    assert scores["perplexity"].tolist() == pytest.approx(losses.exp().tolist())
    for place, theta in enumerate(thetas):
        own = responses_to(theta, held.prompts[:3], reader, 5)
        expected = text_measures(own, held.references[:3])
        assert {name: scores[name][place].item() for name in expected} == pytest.approx(expected)
    assert written == responses_to(thetas[0], held.prompts[:3], reader, 5)


def test_the_recipe_with_the_least_loss_is_chosen(problem):
    """A step size that moves nothing, one that helps, and one that destroys."""
    reader, examples = problem.reader(), real_set(problem.train, np.arange(12), problem.reader())
    sizes = [1e-7, 3e-2, 30.0]
    recipe = tune([examples], problem.validation, reader, step_sizes=sizes, most_steps=30, batch=8, students=1, seed=0,
                  what="pairs")  # fmt: skip
    found = []
    for size in sizes:
        own = recipe.__class__("adam", 30, 8, "shuffled", size).for_parts(problem.student.scales)
        ((theta,),) = train_students(problem.student, [examples], own, [0], [30])
        found.append(response_losses([theta], problem.validation, reader).item())
    assert recipe.step_size == pytest.approx(sizes[int(np.argmin(found))] * problem.student.scales[0])
    assert int(np.argmin(found)) == 1


def test_recovery_of_a_loss_is_what_the_full_data_have_of_it():
    methods = {name: {"loss": {"mean": mean}} for name, mean in (("full", 1.0), ("distilled", 1.25), ("random", 2.0))}
    add_recovery(methods, "loss", higher_is_better=False)
    assert [methods[name]["recovery"] for name in methods] == pytest.approx([1, 0.8, 0.5])
