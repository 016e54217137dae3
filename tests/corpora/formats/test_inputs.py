"""Files as people have them: each gives what it holds, and what was found is said."""

import pytest

from textdd.errors import TextddError

SHEET = {"text": "Text", "label": "Klasse"}
SPAM = {"text": "v2", "label": "v1"}


@pytest.mark.parametrize(
    ("name", "options", "classes", "part", "said"),
    [
        (
            "01_excel_semicolon_cp1252.csv",
            {"encoding": "cp1252", **SHEET},
            ["gut", "schlecht"],
            "\N{EN DASH} das „Übel“; naja",
            "';'",
        ),
        ("01b_excel_semicolon_utf8bom.csv", SHEET, ["gut", "schlecht"], "\N{EN DASH} das „Übel“; naja", "';'"),
        (
            "02_newline_in_quotes.csv",
            {},
            ["0", "1"],
            'service story and,\nsaid "he", and\r\nwent',
            "120 rows in 361 lines",
        ),
        ("03_polarity", {"encoding": "cp1252"}, ["neg", "pos"], "service story and", "a file a class"),
        ("04_tsv_unquoted.tsv", {"text": "sentence"}, ["0", "1"], "service story", "dataset.quoting=minimal"),
        ("04b_tsv_one_quote.tsv", {"text": "sentence"}, ["0", "1"], "service story", "dataset.quoting=minimal"),
        ("05_lone_cr.csv", {}, ["0", "1"], "and  and more", "120 carriage returns"),
        ("07_spam.csv", {"encoding": "latin-1", **SPAM}, ["ham", "spam"], "£500", ""),
        ("09_array.json", {}, ["0", "1"], "service story", ""),
        ("09b_array.jsonl", {}, ["0", "1"], "service story", ""),
        ("10_gz.csv.gz", {}, ["0", "1"], "service story", ""),
        ("10b_gz.jsonl.gz", {}, ["0", "1"], "service story", ""),
        ("13_fasttext.txt", {}, ["neg", "pos"], "service story", ""),
    ],
)
def test_a_file_is_read_whole(name, options, classes, part, said, inputs, load, capsys):
    corpus = load(path=str(inputs / name), **options)
    assert (corpus.train_rows + len(corpus.test), corpus.classes) == (120, classes)
    assert part in corpus.train.store.take([0])[0][0]
    assert said in capsys.readouterr().err.replace("\n", " ")


@pytest.mark.parametrize(
    ("name", "options", "reading"),
    [
        ("01_excel_semicolon_cp1252.csv", SHEET, "cp1252: .*service story and \N{EN DASH} das „Übel“; naja"),
        ("07_spam.csv", SPAM, "cp1252: .*service story and £500"),
        ("03_polarity", {}, "cp1252: .*food and \N{EM DASH} it.s"),
    ],
)
def test_another_encoding_is_proposed_with_how_a_row_would_read(name, options, reading, inputs, load):
    with pytest.raises(TextddError, match=f"dataset.encoding={reading}(.|\n)*Type: dataset.encoding=cp1252$"):
        load(path=str(inputs / name), **options)


def test_a_folder_a_class_has_its_own_test_texts(inputs, load):
    corpus = load(path=str(inputs / "03b_folders"))
    assert (corpus.train_rows, len(corpus.test), corpus.classes) == (60, 60, ["neg", "pos"])
    other = load(path=str(inputs / "03b_folders" / "train"), test_path=str(inputs / "03b_folders" / "test"))
    assert (other.train_rows, len(other.test)) == (60, 60)
