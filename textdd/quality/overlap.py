"""Texts of a set that figures are measured on: refused unless allowed by name, and then said beside every figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textdd.errors import TextddError
from textdd.harmless import on_screen

if TYPE_CHECKING:
    from textdd.quality.against import Against
    from textdd.sets.texts import TextSet


def check_overlap(distilled: TextSet, found: Against, *, allowed: bool) -> None:
    """Refuse a set that holds validation or test texts.

    Args:
        distilled: the set.
        found: what the corpus has of it.
        allowed: `quality.allow_overlap`.

    Raises:
        TextddError: it does, and that is not allowed; the message has the first of them.
    """
    note = overlap_note(found.overlap, len(distilled))
    if note and not allowed:
        first = int(max(found.overlap.values(), key=lambda those: those.sum()).argmax())
        text = on_screen(" / ".join(distilled.texts[first]))
        shown = text if len(text) <= 100 else f"{text[:99]}…"
        raise TextddError(
            f"{note[0].upper()}{note[1:]} but for white space and case, such as {shown!r}: what is measured on them "
            "says nothing of other texts. Leave them out, or have it said beside every figure. Type: "
            "quality.allow_overlap=true"
        )


def overlap_of(result: dict[str, Any]) -> str:
    """What to say beside the figures of a result.json; an empty string where there is nothing to say."""
    quality = result.get("quality")
    return overlap_note(quality["overlap"], len(quality["texts"])) if quality else ""


def overlap_note(overlap: dict[str, Any], size: int) -> str:
    """What to say beside figures; an empty string where there is nothing to say.

    Args:
        overlap: of `validation` and `test`, how many texts of the set stand among them, or which (M,).
        size: M.
    """
    counts = {part: int(sum(those)) if hasattr(those, "__iter__") else int(those) for part, those in overlap.items()}
    told = [f"{count} among the {part} texts" for part, count in counts.items() if count]
    return f"of the {size} texts of the set, {' and '.join(told)}" if told else ""
