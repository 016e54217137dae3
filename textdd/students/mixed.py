"""Several students at once: `model=[textcnn,lstm,transformer]`, for one set that is to serve all of them.

A set that is made for one student trains another less well. Here students of several kinds, which read one space of
words, take turns while the set is distilled; each has step sizes of its own (textdd/outer/mixed.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from textdd.allowed import Chosen, ListOf, OneOf
from textdd.errors import TextddError

NETWORKS = ("textcnn", "fasttext", "lstm", "transformer")
"""The networks of this program, which need no file and no class of the user's, and read any space of words."""


@dataclass
class MixedConfig:
    """Options of several students, `model=[textcnn,lstm]` for short.

    Attributes:
        name: the choice `model=mixed`.
        kinds: the students that take turns; the first is the one that `train()` trains unless it is asked for another,
            and whose opinion of real texts counts where a teacher's does.
        options: of each student, by its name, such as `model.options.textcnn.filters=50`; those of students that take
            no part count for nothing.
    """

    name: Annotated[str, Chosen("model")] = "mixed"
    kinds: Annotated[list[str], ListOf(OneOf(*NETWORKS), least=2)] = field(
        default_factory=lambda: ["textcnn", "lstm", "transformer"]
    )
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # Options of students that take no part decide nothing, so they must not be part of a run's identity.
        self.options = {name: self.options[name] for name in self.kinds if name in self.options}

    def check(self) -> None:
        """Check that every kind is named once.

        Raises:
            TextddError: one is named twice.
        """
        kinds = list(dict.fromkeys(self.kinds))
        if len(kinds) < len(self.kinds):
            once = f"model=[{','.join(kinds)}]" if len(kinds) > 1 else f"model={kinds[0]}"
            raise TextddError(f"Got model=[{','.join(self.kinds)}], which names a student twice. Type: {once}")


def models_of(model: Any) -> list[Any]:
    """The options of every student that `model=` names, in order; one alone is a list of one."""
    if not isinstance(model, MixedConfig):
        return [model]
    return [model.options[name] for name in model.kinds]


def called(model: Any) -> str:
    """What `model=` names in a word, such as "textcnn+lstm"."""
    return "+".join(one.name for one in models_of(model))
