"""Bodies: students that a model of `transformers` is the greater part of, which is where it lies and has a space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from textdd.allowed import shown
from textdd.corpora.responses import RESPONSE
from textdd.errors import TextddError
from textdd.spaces.checkpoint import Checkpoint, load_checkpoint
from textdd.spaces.pretrained import frame_of, space_of
from textdd.spaces.prompt import PAIR, SINGLE, Prompt, check_template, prompt_of
from textdd.spaces.response_prompt import PLAIN, ResponsePrompt, check_response_template, response_prompt
from textdd.spaces.space import Space
from textdd.students.causal_lm import CausalLMConfig
from textdd.students.language_body import opened

BODIES = ("pretrained", "causal_lm")
"""Their names: each has a `path`."""


def body_of(model: Any) -> tuple[Checkpoint, Prompt | ResponsePrompt | None]:
    """The model that is the body of a student, and the prompt that texts stand in for it.

    Args:
        model: the student's options, completed.

    Raises:
        TextddError: there is no such model, or it cannot be asked so.
    """
    if not isinstance(model, CausalLMConfig):
        return load_checkpoint(model.path), None
    loaded = opened(model.path, model.dtype)
    if model.answer == RESPONSE:
        return loaded, response_prompt(loaded.tokeniser, model.template or PLAIN)
    return loaded, prompt_of(loaded.tokeniser, model.template or SINGLE, model.words or ())


def body_space(model: Any, tokens: int, *, framed: bool) -> Space:
    """The space of a body that reads so many tokens of a text, or as many as it can.

    Args:
        model: the student's options, completed.
        tokens: most tokens of a text.
        framed: those of the frame are among them.
    """
    checkpoint, prompt = body_of(model)
    frame = frame_of(checkpoint) if prompt is None else prompt.frame
    longest = checkpoint.longest - (0 if prompt is None else prompt.size)
    length = tokens if framed else min(longest, tokens + frame.size(pair=isinstance(prompt, ResponsePrompt)))
    return space_of(checkpoint, frame, length, "" if prompt is None else prompt.lead)


def completed(model: Any, classes: Sequence[str], *, pair: bool, one_class: bool, writes: bool = False) -> Any:
    """The options of a language model that learns, with what was left to the corpus: the template and the answers.

    Args:
        model: options of any student; others stay as they are.
        classes: names of the classes.
        pair: texts have two segments.
        one_class: every text has one class.
        writes: targets are texts, which are to be written.

    Raises:
        TextddError: the template is for other texts, there are other words than classes, words are to answer for
            several labels at once, or responses are to be written by a student that cannot, or for classes.
    """
    if writes:
        return completed_writer(model)
    if model.name != "causal_lm":
        return model
    if model.answer == RESPONSE:
        raise TextddError(
            "Got model.answer=response, and the targets of the corpus are classes. Type: model.answer=verbaliser"
        )
    template = model.template or (PAIR if pair else SINGLE)
    check_template(template, pair=pair)
    words = model.words
    if model.answer == "verbaliser":
        if not one_class:
            raise TextddError("Texts of several labels have no one word as their answer. Type: model.answer=head")
        words = [name.replace("_", " ") for name in classes] if words is None else words
        if len(words) != len(classes):
            raise TextddError(
                f"Got {len(words)} model.words; there are {len(classes)} classes: {', '.join(classes[:9])}. "
                f"Type: model.words=[{','.join(f'word{i}' for i in range(1, min(len(classes), 4) + 1))}]"
            )
    return replace(model, template=template, words=words)


def completed_writer(model: Any) -> Any:
    """The options of a language model that is to write responses.

    Raises:
        TextddError: it is another student, the template is none for responses, or something is asked that only answers
            for classes have.
    """
    if model.name != "causal_lm":
        raise TextddError(
            f"Got model={model.name}, and the targets of the corpus are texts, which only a language model writes. "
            "Type: model=causal_lm model.path=FOLDER"
        )
    refused = {
        "model.answer=response": model.answer == "head",
        "model.words=null": model.words is not None,
        "model.tuning=lora:8": model.tuning == "head",
    }
    for remedy, wrong in refused.items():
        if wrong:
            option = remedy.partition("=")[0].removeprefix("model.")
            raise TextddError(
                f"Got model.{option}={shown(getattr(model, option))}; a model that is to write texts answers no class: "
                f"its own layers or adapters learn. Type: {remedy}"
            )
    template = model.template or PLAIN
    check_response_template(template)
    return replace(model, answer=RESPONSE, template=template)
