"""Students that are larger than memory are refused before anything of them is allocated."""

import pytest

from textdd.errors import TextddError
from textdd.run import check_line
from textdd.students import make_student, size
from textdd.students.fasttext import FastTextConfig
from textdd.students.textcnn import TextCNNConfig

TOO_LARGE = {
    "model.filters=100000 model.widths=[512,512] embedding.dimension=4096": "Type: model.widths=[3,4,5] model",
    "model=lstm model.hidden=100000": "has 80,082,000,002 parameters; training them takes 1281.3 GB, 8.0 GB are",
    "model=transformer model.layers=100 model.width=65536": "Type: model.layers=2 model.width=64",
}


@pytest.fixture(autouse=True)
def small_machine(monkeypatch):
    monkeypatch.setattr(size, "available", lambda _: 8_000_000_000)


@pytest.mark.parametrize("line", TOO_LARGE)
def test_on_the_command_line(line):
    with pytest.raises(TextddError) as caught:
        check_line(line.split())
    assert TOO_LARGE[line] in str(caught.value)


def test_options_of_any_origin():
    """Such as an artefact's, which no command line has checked."""
    with pytest.raises(TextddError, match=r"has 10,00\d,\d+,\d+ parameters; .* Type: model.widths=\[3,4,5\]"):
        make_student(TextCNNConfig(widths=[1_000_000]), 100, 5)


def test_wide_vectors_of_a_student_as_it_is():
    with pytest.raises(TextddError, match=r"Type: embedding\.dimension=100$"):
        make_student(FastTextConfig(), 10**12, 5)
