"""The prompt of a response: what a text stands in when a language model is to write after it, and its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textdd.errors import TextddError
from textdd.spaces.frame import Frame
from textdd.spaces.prompt import begin_of, behind, tokens_of

PLAIN = "{text}\n{response}"
"""A template that suits any corpus a little."""

EXAMPLE = "Type for instance: 'model.template=\"Facts: {text}\\nSentence: {response}\"'"


@dataclass(frozen=True)
class ResponsePrompt:
    """A template in the tokens of a model; all of it is a frame around a prompt and its response.

    Attributes:
        frame: the template, and the sign of the end behind a response.
        lead: what stands before every prompt and every response, so that its first word is the one that it is there.
    """

    frame: Frame
    lead: str

    size = 0
    """Tokens that are not among those of a text: none."""


def response_prompt(tokeniser: Any, template: str) -> ResponsePrompt:
    r"""A template as tokens.

    Args:
        tokeniser: as `transformers` wraps it.
        template: has {text}, and ends with {response}; a \n that was typed as two signs is an end of a line.

    Raises:
        TextddError: it is no such template, or the model has no sign of an end, so that it would never stop.
    """
    check_response_template(template)
    first, rest = template.replace("\\n", "\n").removesuffix("{response}").split("{text}")
    leads = {" " if part.endswith(" ") else "" for part in (first, rest)}
    if len(leads) > 1:
        raise TextddError(
            f"Got model.template={template}. A space stands before the text and the response, or before none. {EXAMPLE}"
        )
    lead = leads.pop()
    first, rest = first.removesuffix(" "), rest.removesuffix(" ")
    if lead and tokens_of(tokeniser, f"{first} a") != tokens_of(tokeniser, first) + tokens_of(tokeniser, " a"):
        lead = ""  # of a tokeniser that puts the space there by itself
    between = behind(tokeniser, "a", rest)
    if not between:  # signs that the tokeniser does not see
        raise refused(template)
    if tokeniser.eos_token_id is None:
        raise TextddError(
            "This language model has no sign of the end of a text, so that it would never stop writing. Take another. "
            "Type for instance: model.path=HuggingFaceTB/SmolLM2-135M"
        )
    before = (*begin_of(tokeniser), *tokens_of(tokeniser, first))
    frame = Frame(before, between, (tokeniser.eos_token_id,), second_from=len(between))
    return ResponsePrompt(frame, lead)


def check_response_template(template: str) -> None:
    """Check that a template has one place for the prompt, and something between it and the response at its end.

    Raises:
        TextddError: it has not.
    """
    places = template.count("{text}"), template.count("{response}"), template.count("{second}")
    _, _, rest = template.partition("{text}")
    if places != (1, 1, 0) or not rest.endswith("{response}") or not rest.removesuffix("{response}").strip(" "):
        raise refused(template)


def refused(template: str) -> TextddError:
    """The error for a template that cannot be one."""
    return TextddError(
        f"Got model.template={template}. Allowed, where targets are texts: a text with {{text}} once, something behind "
        f"it, and {{response}} at its end. {EXAMPLE}"
    )
