"""Students: the classifiers that are trained on real and on distilled texts, one per file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textdd.errors import unknown_choice
from textdd.students.causal_lm import CausalLM, CausalLMConfig
from textdd.students.custom import CustomConfig, make_custom
from textdd.students.fasttext import FastText, FastTextConfig
from textdd.students.lstm import LSTM, LSTMConfig
from textdd.students.mixed import NETWORKS
from textdd.students.pretrained import Pretrained, PretrainedConfig
from textdd.students.size import check_size
from textdd.students.textcnn import TextCNN, TextCNNConfig
from textdd.students.transformer import Transformer, TransformerConfig
from textdd.students.writer import FlatWriter, Writer
from textdd.tasks import Generation, OneClass, Task
from textdd.training.student import FlatStudent, Student

STUDENTS: dict[str, tuple[Callable[..., Student], type[Any]]] = {
    "textcnn": (TextCNN, TextCNNConfig),
    "fasttext": (FastText, FastTextConfig),
    "lstm": (LSTM, LSTMConfig),
    "transformer": (Transformer, TransformerConfig),
    "pretrained": (Pretrained, PretrainedConfig),
    "causal_lm": (CausalLM, CausalLMConfig),
    "custom": (make_custom, CustomConfig),
}
"""The choices of `model=`: name -> (what builds it, its options)."""


def make_student(config: Any, dimension: int, task: Task | int) -> FlatStudent:
    """Build the student that a model configuration names.

    Args:
        config: one of the option classes above; its `name` says which student.
        dimension: D.
        task: what it is trained for; C alone is one class a text.

    Raises:
        TextddError: no student has that name, it is too large for the memory at hand, or it cannot write.
    """
    if config.name not in STUDENTS:
        raise unknown_choice("student", config.name, STUDENTS, "model")
    build, _ = STUDENTS[config.name]
    task = OneClass(task) if isinstance(task, int) else task
    if config.name in NETWORKS:
        check_size(build, config, dimension, task.classes)
    if isinstance(task, Generation):
        return FlatWriter(Writer(config, dimension, task.classes))
    return FlatStudent(build(config, dimension, task.classes), task)


__all__ = ["NETWORKS", "STUDENTS", "Student", "make_student"]
