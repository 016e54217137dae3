"""Prompts and drafts: what is shown of a class, and that nothing is written twice."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from textdd.errors import TextddError
from textdd.writing.drafts import drafts, kept
from textdd.writing.prompts import BETWEEN, PROMPT, check_template, line_of, longest_of, prompts_of, text_of
from textdd.writing.writer import BATCH, Manner

MANNER = Manner(1.0, 0.9, 12)
SEGMENT = st.text(min_size=1).filter(lambda text: text.strip() and "|" not in text)


def prompts(problem, writer, per_class=40, examples=4, longest=40, template=PROMPT):
    return prompts_of(template, examples, per_class, longest, problem, writer)


def test_a_prompt_shows_training_texts_of_its_class(problem, scribe):
    found, split = prompts(problem, scribe(), per_class=BATCH + 1), problem.corpus.train
    assert [(prompt.label, prompt.number) for prompt in found] == [(i % 3, i // 3) for i in range(6)]
    for prompt in found:
        rows = np.array(prompt.examples)
        assert len(set(prompt.examples)) == 4
        assert set(split.targets[rows]) == {int(prompt.target)} == {prompt.label}
        lines = "".join(f"- {' '.join(text.split())}\n" for (text,) in split.texts(rows))
        name = problem.corpus.classes[prompt.label]
        assert prompt.words == f"Short texts, one a line. All of them are labelled: {name}\n\n{lines}-"
    assert len({prompt.examples for prompt in found}) == 6


def test_more_texts_begin_with_the_same_prompts(problem, scribe):
    few, many = (prompts(problem, scribe(), per_class=size * BATCH) for size in (1, 3))
    assert [prompt.words for prompt in many[:3]] == [prompt.words for prompt in few]


def test_labels_go_together(several_labels, scribe):
    split, classes = several_labels.corpus.train, several_labels.corpus.classes
    for prompt in prompts(several_labels, scribe(), template="{class}: {examples}"):
        assert (split.targets[list(prompt.examples)] == prompt.target).all()
        assert prompt.target[prompt.label]
        names = ", ".join(name for name, yes in zip(classes, prompt.target, strict=True) if yes)
        assert prompt.words.startswith(f"{names}: - ")


def test_pairs_are_lines_of_two_segments(pairs, scribe):
    for prompt in prompts(pairs, scribe()):
        shown = prompt.words.splitlines()[2:-1]
        assert all(text_of(line.removeprefix("- "), pair=True) in pairs.corpus.train.texts(list(prompt.examples))
                   for line in shown)  # fmt: skip


@given(st.tuples(SEGMENT) | st.tuples(SEGMENT, SEGMENT))
def test_lines_are_texts_again(text):
    again = text_of(line_of(text), pair=len(text) == 2)
    assert again == tuple(" ".join(segment.split()) for segment in text)


@pytest.mark.parametrize(("line", "pair"), [("", False), (" ", False), ("a", True), ("a |||", True),
                                            ("||| a", True), ("a ||| b ||| c", True)])  # fmt: skip
def test_lines_that_are_none(line, pair):
    assert text_of(line, pair=pair) is None
    assert BETWEEN == "|||"


def test_without_examples_nothing_of_the_corpus_is_shown(problem, scribe):
    for prompt in prompts(problem, scribe(), examples=0, template=r"Write about {class}.\nOne a line:\n{examples}"):
        name = problem.corpus.classes[prompt.label]
        assert prompt.words == f"Write about {name}.\nOne a line:\n-"
        assert prompt.examples == ()


@pytest.mark.parametrize(("template", "examples", "needed"), [("{class}", 3, "examples"), ("{examples}", 0, "class")])
def test_templates_without_a_place(template, examples, needed):
    with pytest.raises(TextddError, match=rf"{{{needed}}} has to stand in it\. Type: 'distiller\.prompt="):
        check_template(template, examples)


def test_all_texts_are_too_long(problem, scribe):
    shortest = min(scribe().counts([text for (text,) in problem.corpus.train.texts(np.arange(len(problem.train)))]))
    with pytest.raises(TextddError, match=r"none has less than 2 tokens.*Type: distiller\.longest=\d+") as error:
        prompts(problem, scribe(), longest=2)
    assert int(str(error.value).rpartition("=")[2]) > shortest


def test_too_many_examples_for_the_writer(problem, scribe):
    writer = scribe()
    writer.context = 100
    with pytest.raises(TextddError, match=r"reads and writes 100 together\. Type: distiller\.examples=") as error:
        prompts(problem, writer, examples=20)
    prompts(problem, writer, examples=int(str(error.value).rpartition("=")[2]))


def test_most_real_texts_are_short_enough(problem, scribe):
    counts = scribe().counts([text for (text,) in problem.corpus.train.texts(np.arange(len(problem.train)))])
    assert 0.9 <= np.mean(np.array(counts) < longest_of(problem, scribe())) <= 1


def test_a_kill_loses_one_prompt_and_a_larger_run_writes_the_rest(problem, scribe, tmp_path):
    found = prompts(problem, scribe(), per_class=3 * BATCH)
    whole = drafts(scribe(), found, MANNER, 0, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        drafts(scribe(fails_after=4), found[:6], MANNER, 0, tmp_path / "killed")
    (path,) = (tmp_path / "killed").glob("*.jsonl")
    with path.open("a") as file:
        file.write('{"prompt": "torn')
    for size, rest in ((6, 2), (9, 3), (6, 0)):
        writer = scribe()
        assert drafts(writer, found[:size], MANNER, 0, tmp_path / "killed") == whole[:size]
        assert writer.seen == [prompt.words for prompt in found[size - rest : size]]
    assert [json.loads(line)["read"] for line in path.read_text().splitlines()] == [5] * 9


@pytest.mark.parametrize("changed", ["manner", "seed", "writer"])
def test_what_was_written_otherwise_is_written_anew(changed, problem, scribe, tmp_path):
    found, writer = prompts(problem, scribe()), scribe()
    drafts(writer, found, MANNER, 0, tmp_path)
    other = scribe()
    other.key = "another" if changed == "writer" else other.key
    manner = MANNER._replace(temperature=2.0) if changed == "manner" else MANNER
    drafts(other, found, manner, int(changed == "seed"), tmp_path)
    assert other.seen == writer.seen


@pytest.mark.parametrize("line", ["7", "{}", "no json", '{"prompt": "a", "drafts": [[1, 2, 3]], "read": 1}'])
def test_a_damaged_file(line, tmp_path):
    path = tmp_path / "drafts.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(TextddError, match=rf"{path} is damaged\. Type: rm {path}"):
        kept(path)
