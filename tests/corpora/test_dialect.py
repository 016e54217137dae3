"""Tables without a header, and quotation marks that mean nothing: no line is lost."""

import pytest

from textdd.corpora.files import open_table
from textdd.corpora.formats.options import FileOptions
from textdd.errors import TextddError


def rows(file):
    return [row for table in file.batches(file.columns()) for row in table.to_pylist()]


def test_marks_that_mean_nothing_swallow_nothing(tmp_path, capsys):
    path = tmp_path / "train.tsv"
    path.write_text('text\tlabel\n"so\ta\nb\tb\nhe said "no"\ta\n"yes"\tb\nend"\ta\n')
    file = open_table(path)
    assert [row["text"] for row in rows(file)] == ['"so', "b", 'he said "no"', '"yes"', 'end"']
    assert "dataset.quoting=minimal" in capsys.readouterr().err


@pytest.mark.parametrize("text", ['"a\nb"\tx\n"c"\ty\n', '"a"\tx\n"c ""d"""\ty\n', "a\tx\nb\ty\n"])
def test_marks_around_cells_are_no_part_of_them(text, tmp_path):
    path = tmp_path / "train.tsv"
    path.write_text("text\tlabel\n" + text)
    assert open_table(path).dialect.quoted == ('"' in text)
    assert len(rows(open_table(path))) == 2


@pytest.mark.parametrize(("quoting", "expected"), [("none", False), ("minimal", True)])
def test_what_is_asked_for_is_done(quoting, expected, tmp_path):
    path = tmp_path / "train.tsv"
    path.write_text('text\tlabel\n"so\ta\nb"\tb\n')
    assert open_table(path, FileOptions(quoting=quoting)).dialect.quoted is expected
    with pytest.raises(TextddError, match=r"Type: dataset\.quoting=none"):
        FileOptions(quoting="nun").check()


def test_a_table_without_a_header_takes_the_names_that_are_given(tmp_path, load):
    path = tmp_path / "train.csv"
    path.write_text("good,1\nbad,0\n" * 5)
    corpus = load(path=str(path), test_path=str(path), columns=["text", "label"])
    assert (corpus.train_rows, corpus.classes) == (10, ["0", "1"])
    assert corpus.test.texts([0]) == [("good",)]
    with pytest.raises(TextddError, match=r"dataset.columns=\[text\], and .*train.csv has 2 columns .* 'good', '1'"):
        load(path=str(path), columns=["text"])


def test_real_chinese_reviews_keep_every_line(real_data, load):
    train = real_data / "chnsenticorp" / "train.tsv"
    corpus = load(path=str(train), columns=["text", "label"])
    assert (corpus.train_rows, len(corpus.test)) == (8640, 960)
    assert corpus.classes == ["negative", "positive"]
    with pytest.raises(TextddError, match=r"test\.tsv, row 1: .*has no labels.*Type: dataset\.path=.*/train\.tsv"):
        load(path=str(train.parent), columns=["text", "label"])
