"""The distilled set while it is being learned: texts, labels and step sizes as parameters."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from textdd.outer.teacher import Teacher
from textdd.sets.parametrisations import Free, LearnedTexts
from textdd.sets.parametrisations.pieces import cut, for_pieces
from textdd.tasks import Task
from textdd.training import Lesson, Recipe
from textdd.training.attention import shares

LABELS = ("hard", "soft", "teacher")


class SyntheticSet(nn.Module):
    """M synthetic texts, the V M examples that they are taught as, and the recipe that trains students on these.

    Row m belongs to class m mod C, so every mini-batch of a fixed order is as balanced as its size allows. Where texts
    may have several labels, row m was started from a text that has label m mod C, and has all labels of that text.

    Args:
        texts: initial texts, as embeddings (M, L, D) that are learned freely, or as a parametrisation.
        task: what a label is, over C classes; C divides M.
        recipe: how students are trained on the set; its step size is where learned step sizes start.
        labels: `hard` (fixed), `soft` (distributions, learned) or `teacher` (what `teacher`, which has to be
            set before labels are asked for, thinks of the texts as they are).
        confidence: probability of an example's own class where soft labels start.
        learn_step_sizes: learn one positive step size per training step.
        pieces: V examples that each text is cut into; divides L. Below, N is V M, and L of examples that of a piece.
        given: hard labels of the texts (M, C); None gives each row its class.
        attention: logits of attention labels (N, S, H, R, L), learned; None where there are none.
        attention_weight: of these beside the classes.
    """

    def __init__(
        self,
        texts: Tensor | LearnedTexts,
        task: Task,
        recipe: Recipe,
        labels: str = "soft",
        confidence: float = 0.9,
        learn_step_sizes: bool = True,
        pieces: int = 1,
        given: Tensor | None = None,
        attention: Tensor | None = None,
        attention_weight: float = 10.0,
    ) -> None:
        super().__init__()
        self.recipe, self.task, self.classes, self.pieces = recipe, task, task.classes, pieces
        self.texts = texts if isinstance(texts, LearnedTexts) else Free(texts)
        x = self.x.detach()
        self.one_hot: Tensor
        self.register_buffer("one_hot", F.one_hot(torch.arange(len(x)) % self.classes, self.classes).to(x))
        if given is not None:
            self.one_hot = for_pieces(given.to(x), pieces)
        self.label_logits: nn.Parameter | None = None
        self.raw_step_sizes: nn.Parameter | None = None
        self.by_teacher = labels == "teacher"
        self.teacher: Teacher | None = None
        if labels == "soft":
            self.label_logits = nn.Parameter(task.start_logits(self.hard_labels(), confidence))
        if learn_step_sizes:
            self.raw_step_sizes = nn.Parameter(recipe.step_sizes().to(x.dtype).expm1().log())  # the inverse of softplus
        self.attention_logits = None if attention is None else nn.Parameter(attention)
        self.attention_weight = attention_weight

    def shared_with(self, recipe: Recipe) -> SyntheticSet:
        """The same texts and labels, learned together with this set's, for a student that has a recipe of its own."""
        labels = "teacher" if self.by_teacher else "hard"
        learn = self.raw_step_sizes is not None
        given = self.hard_labels()
        other = SyntheticSet(self.texts, self.task, recipe, labels, 0.5, learn, self.pieces, given)
        other.label_logits = self.label_logits
        return other

    @property
    def x(self) -> Tensor:
        """The examples (N, L, D)."""
        return cut(self.texts(), self.classes, self.pieces)

    def hard_labels(self) -> Tensor:
        """The labels that the texts (M, C) start with."""
        if self.pieces == 1 or self.task.name == "one_class":
            return self.one_hot[: len(self.one_hot) // self.pieces]
        return self.one_hot.view(-1, self.pieces, self.classes, self.classes)[:, 0].flatten(0, 1)

    def text_labels(self) -> Tensor:
        """Labels of the texts (M, C)."""
        if self.by_teacher:
            assert self.teacher is not None, "Distiller.prepare brings the teacher"
            return self.teacher(self.texts(), self.texts.mask)
        if self.label_logits is None:
            return self.hard_labels()
        return self.task.probabilities(self.label_logits)

    def labels(self) -> Tensor:
        """Labels of the examples (N, C)."""
        return for_pieces(self.text_labels(), self.pieces)

    def step_sizes(self) -> Tensor:
        """Step sizes (T,), or of a student with parts (T, G); positive: raw ones would turn negative and diverge."""
        if self.raw_step_sizes is None:
            return self.recipe.step_sizes().to(self.one_hot)
        return F.softplus(self.raw_step_sizes)

    def attention(self) -> Tensor | None:
        """Attention labels (N, S, H, R, L), weighted; None where there are none."""
        if self.attention_logits is None:
            return None
        return shares(self.attention_logits, self.texts.mask, self.attention_weight)

    @torch.no_grad()
    def start_from(self, labels: Tensor, step_sizes: Tensor | None) -> None:
        """Start what is learned from the labels (M, C) and step sizes (T,) of another set.

        Soft labels do not start from hard ones, whose logits would be infinite: those stay at `confidence`.
        """
        if self.label_logits is not None:
            hard = (labels == self.task.hardened(labels)).all(dim=1, keepdim=True)
            least = torch.finfo(labels.dtype).tiny if self.task.name == "one_class" else torch.finfo(labels.dtype).eps
            logits = self.task.logits_of(labels.clamp(least, 1 if self.task.name == "one_class" else 1 - least))
            self.label_logits.copy_(torch.where(hard, self.label_logits, logits))
        if self.raw_step_sizes is not None and step_sizes is not None:
            self.raw_step_sizes.copy_(step_sizes.expm1().log())

    @torch.no_grad()
    def attend_as(self, logits: Tensor) -> None:
        """Start from the attention labels (N, S, H, R, L) of another set, if they are of the same heads and rows."""
        if self.attention_logits is not None and self.attention_logits.shape == logits.shape:
            self.attention_logits.copy_(logits)

    def lesson(self, seed: int, size: int | None = None, recipe: Recipe | None = None) -> Lesson:
        """The lesson that one student is taught.

        Args:
            seed: decides the order where the recipe shuffles.
            size: teach the first `size` rows only; None means all.
            recipe: how to teach them, with as many steps as the set's own recipe, which None means.
        """
        rows = (recipe or self.recipe).schedule(size or len(self.one_hot), seed).to(self.one_hot.device)
        return Lesson(self.x, self.labels(), self.step_sizes(), rows, self.texts.mask, self.attention())
