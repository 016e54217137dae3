"""The leaderboard: entries that were tampered with are told; the page sorts and filters in a real browser."""

import copy
import json
import sys
from pathlib import Path

import pytest

from tests.report.test_page import browser
from textdd.errors import TextddError
from textdd.leaderboard.__main__ import composed, execute, main
from textdd.leaderboard.board import lines_of, markdown
from textdd.leaderboard.entries import entries_in, read
from textdd.scoring.statistics import spread
from textdd.scoring.summary import overall, summed_up

assert browser  # a fixture

COMMITTED = Path(__file__).parents[2] / "experiments" / "leaderboard"


def figure(mean):
    values = [[mean - 0.02, mean], [mean, mean + 0.02]]
    recipe = {"optimiser": "adam", "steps": 4, "batch": 8, "order": "shuffled", "step_size": 0.01}
    return {"values": values, **spread(values, 0.95), "train_seconds": 0.5, "recipe": recipe}


def student(ours, random):
    rows = {
        name: {"tuned": figure(mean), "fixed": figure(mean - 0.1)} for name, mean in (("set", ours), ("random", random))
    }
    found = {
        "measure": "accuracy",
        "options": {},
        "headline": "tuned",
        "chance": 0.5,
        "full": figure(0.9),
        "rows": rows,
    }
    return {**found, **summed_up(found, 0.95)}


def invented(method, corpus, **students):
    """An entry of two sets and two students each."""
    scored = {name: student(*means) for name, means in students.items()}
    return {
        "format": 1, "method": method, "source": None, "kind": "texts", "overlap": "",
        "corpus": {"name": corpus, "key": "key", "classes": ["bad", "good"], "train_texts": 9, "test_texts": 9},
        "size": {"texts": 4, "per_class": 2, "tokens": 40, "bytes": 200},
        "sets": [{"name": f"set_{i}", "sha256": f"{i}" * 64} for i in range(2)],
        "texts": [{"label": "good", "text": f"{method} says <b>fine</b>"}],
        "students": scored, "overall": overall(scored), "seed": 0, "seeds": 2, "options": {"confidence": 0.95},
        "machine": {"processor": "a chip", "cores": 2}, "versions": {"textdd": "0.4.0"},
    }  # fmt: skip


@pytest.fixture
def board(tmp_path):
    """Three entries, one that is none, and the folder they lie in."""
    hostile = invented('<script>alert("x")</script>', "trec6", textcnn=(0.7, 0.65))
    entries = {
        "a": invented("alpha", "sst2", textcnn=(0.8, 0.6), lstm=(0.75, 0.7)),
        "b": invented("beta", "sst2", textcnn=(0.85, 0.6)),
        "c": {**hostile, "overlap": "1 of 4 texts are test texts"},
    }
    for name, entry in entries.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(entry))
    (tmp_path / "d.json").write_text('{"format": 2}')
    return tmp_path


def test_lines_are_ordered_by_corpus_student_and_gain(board):
    entries, refused = entries_in(board)
    assert [(one.name, one.why) for one in refused] == [
        ("d.json", "format is 2; a whole number from 1 to 1 is allowed")
    ]
    lines = lines_of(entries)
    assert [(line.values["method"], line.values["student"]) for line in lines[:3]] == [
        ("alpha", "lstm"),
        ("beta", "textcnn"),
        ("alpha", "textcnn"),
    ]
    table = markdown(lines)
    assert "| beta | sst2 | 2 | textcnn | 0.850 | 0.014 | 0.014 | +0.250 |" in table
    assert "1 of 4 texts are test texts" in table
    assert "<script>" not in table.replace("\\<", "")


def changed(entry, *way, to):
    found = copy.deepcopy(entry)
    inner = found
    for key in way[:-1]:
        inner = inner[key]
    inner[way[-1]] = to
    return found


STUDENT = ("students", "textcnn")


@pytest.mark.parametrize(
    ("way", "to", "why"),
    [
        (("sets", 0, "sha256"), "short", "sha256"),
        (("sets",), [{"name": "one", "sha256": "0" * 64}], "was not scored on 1 sets"),
        (("seeds",), 3, "has not the values of 3 students"),
        ((*STUDENT, "rows", "set", "tuned", "mean"), 0.99, "mean is not the mean of its values"),
        ((*STUDENT, "scores", "lrs"), 0.99, r"scores\.lrs does not follow from the values"),
        ((*STUDENT, "headline"), "own", "headline is no recipe of the set"),
        ((*STUDENT, "rows", "random"), {}, "random"),
        (("students",), {}, "at least one"),
        (("machine",), {}, r"machine\.processor is missing"),
    ],
    ids=lambda part: str(part)[:40] if isinstance(part, str) else None,
)
def test_entries_that_were_tampered_with_are_told(way, to, why, tmp_path):
    import re

    path = tmp_path / "entry.json"
    path.write_text(json.dumps(changed(invented("alpha", "sst2", textcnn=(0.8, 0.6)), *way, to=to)))
    assert re.search(why, read(path)[0])


def test_folders_without_entries_are_told(tmp_path):
    with pytest.raises(TextddError, match=r"holds no entry\. Make one: textdd score"):
        entries_in(tmp_path)
    with pytest.raises(TextddError, match="there is no such file or folder"):
        entries_in(tmp_path / "nowhere")


def test_the_page_says_what_it_has(board, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["textdd leaderboard", f"entries={board}", f"out={board}/out"])
    main()
    assert capsys.readouterr().out == f"leaderboard: {board}/out/index.html\n"
    page = (board / "out" / "index.html").read_text()
    assert '<script>alert("x")' not in page
    assert "format is 2" in page
    assert "0" * 64 in page
    assert page == execute(composed([f"entries={board}"])).read_text()


def test_sorts_filters_and_opens_in_a_real_browser(browser, board):
    page = execute(composed([f"entries={board}", f"out={board}/out"]))
    for width in (400, 1600):
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == 400}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get(page.as_uri())
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        heights = "return [...document.querySelectorAll('#board tbody td:first-child')].map(cell => cell.clientHeight)"
        assert max(browser.execute_script(heights)) < 80  # names are not broken letter by letter

    def column(number):
        script = (
            "return [...document.querySelectorAll('#board tbody tr')].filter(row => row.getClientRects().length)"
            f".map(row => row.cells[{number}].textContent.trim())"
        )
        return browser.execute_script(script)

    def click(number):
        browser.execute_script(f"document.querySelectorAll('#board th button')[{number}].click()")

    click(4)
    assert column(4) == ["0.850", "0.800", "0.750", "0.700"]
    click(4)
    assert column(4) == ["0.700", "0.750", "0.800", "0.850"]
    click(0)
    assert column(0)[-1] == "beta"
    choose = (
        "const one = document.querySelector(`select[name=${arguments[0]}]`); one.value = arguments[1]; "
        "one.dispatchEvent(new Event('change'))"
    )
    browser.execute_script(choose, "student", "textcnn")
    browser.execute_script(choose, "corpus", "sst2")
    assert sorted(column(0)) == ["alpha", "beta"]
    assert browser.execute_script("return document.getElementById('count').textContent") == "2"
    link = "[...document.querySelectorAll('#board td a')].find(a => a.textContent === 'beta')"
    browser.execute_script(f"{link}.click()")
    opened = browser.execute_script("return document.querySelector('details[open]').innerText")
    assert "beta says <b>fine</b>" in opened
    assert browser.get_log("browser") == []


def test_what_is_committed_is_whole_and_its_table_is_up_to_date(tmp_path):
    entries, refused = entries_in(COMMITTED)
    assert entries
    assert refused == []
    execute(composed([f"entries={COMMITTED}", f"out={tmp_path}"]))
    assert (tmp_path / "leaderboard.md").read_bytes() == (COMMITTED / "leaderboard.md").read_bytes()
