"""The prompt: what a text stands in when a language model is asked for its class, and the words that it may answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from textdd.errors import TextddError
from textdd.spaces.frame import Frame, Tokens

SINGLE, PAIR = "Text: {text}\nLabel:", "First text: {text}\nSecond text: {second}\nLabel:"
"""Templates that suit any corpus a little."""

EXAMPLE = "Type for instance: 'model.template=\"Review: {text}\\nSentiment: It was\"'"


@dataclass(frozen=True)
class Prompt:
    """A template in the tokens of a model.

    Attributes:
        before: tokens in front of a text, the model's own sign of a beginning among them.
        between: tokens behind the first segment of a pair.
        after: tokens behind a text; the answer follows the last of them.
        lead: what stands between the template and each text, so that its first word is the one that it is there.
        words: the tokens of each answer.
        begins: how many tokens of `before` are the model's own sign of a beginning.
        separator: tokens of an empty line, which stands between examples.
    """

    before: Tokens
    between: Tokens
    after: Tokens
    lead: str
    words: tuple[Tokens, ...]
    begins: int
    separator: Tokens

    @property
    def frame(self) -> Frame:
        """What belongs to the texts themselves: what stands between the segments of pairs."""
        return Frame(between=self.between)

    @property
    def size(self) -> int:
        """Tokens besides those of a text, with the longest answer."""
        return len(self.before) + len(self.after) + max(map(len, self.words), default=0)


def prompt_of(tokeniser: Any, template: str, words: Sequence[str]) -> Prompt:
    r"""A template and answers as tokens.

    Spaces belong to the words behind them, as most models have it: those at the end of the template's parts are left
    out and stand before texts and answers.

    Args:
        tokeniser: as `transformers` wraps it.
        template: has {text}, of pairs {second} behind it; a \n that was typed as two signs is an end of a line.
        words: the answers; none where the model is not asked for words.

    Raises:
        TextddError: the template has no place for the text, segments stand in it otherwise, or two answers are one.
    """
    tokens, following = partial(tokens_of, tokeniser), partial(behind, tokeniser)
    written = template.replace("\\n", "\n")
    check_template(template, pair="{second}" in template)
    first, rest = written.split("{text}")
    middle, _, last = rest.partition("{second}") if "{second}" in rest else ("", "", rest)
    leads = {" " if part.endswith(" ") else "" for part in ([first, middle] if "{second}" in rest else [first])}
    if len(leads) > 1:
        raise TextddError(f"Got model.template={template}. A space stands before both texts, or before none. {EXAMPLE}")
    lead = leads.pop()
    first, middle, last = (part.removesuffix(" ") for part in (first, middle, last))
    if lead and tokens(f"{first} a") != tokens(first) + tokens(" a"):
        lead = ""  # of a tokeniser that puts the space there by itself
    begin = begin_of(tokeniser)
    space = "" if last.endswith("\n") else " "
    answers = tuple(following(f"a{last}", space + word.strip()) for word in words)
    if len(set(answers)) < len(answers):
        twice = next(words[i] for i, answer in enumerate(answers) if answer in answers[:i])
        raise TextddError(
            f"Got model.words with {twice} twice. Every class has a word of its own; or type: model.answer=head"
        )
    between, after = following("a", middle) if middle else (), following("a", last)
    if not after:  # signs that the tokeniser does not see
        raise refused(template, "{text} once" if not middle else "{text}, {second} behind it")
    return Prompt((*begin, *tokens(first)), between, after, lead, answers, len(begin), following("a", "\n\n"))


def tokens_of(tokeniser: Any, text: str) -> Tokens:
    """The tokens of a text, without what the model puts around texts."""
    return tuple(tokeniser(text, add_special_tokens=False)["input_ids"])


def behind(tokeniser: Any, first: str, text: str) -> Tokens:
    """The tokens that a text has behind another."""
    whole, begin = tokens_of(tokeniser, first + text), tokens_of(tokeniser, first)
    return whole[len(begin) :] if whole[: len(begin)] == begin else tokens_of(tokeniser, text)


def begin_of(tokeniser: Any) -> Tokens:
    """The model's own sign of a beginning, if it has one."""
    whole, word = tuple(tokeniser("a")["input_ids"]), tokens_of(tokeniser, "a")
    return whole[: next(i for i in range(len(whole)) if whole[i : i + len(word)] == word)]


def check_template(template: str, *, pair: bool) -> None:
    """Check that a template has one place for each segment, in their order, and something behind the last.

    Raises:
        TextddError: it has not.
    """
    wanted = ["{text}", "{second}"] if pair else ["{text}"]
    places = [template.find(place) for place in wanted]
    good = all(template.count(place) == 1 for place in wanted) and places == sorted(places)
    if not good or (not pair and "{second}" in template) or not template.split(wanted[-1])[1].strip(" "):
        raise refused(template, "{text}, {second} behind it" if pair else "{text} once")


def refused(template: str, what: str) -> TextddError:
    """The error for a template that cannot be one."""
    return TextddError(
        f"Got model.template={template}. Allowed: a text with {what}, and something behind it that the class answers. "
        f"{EXAMPLE}"
    )
