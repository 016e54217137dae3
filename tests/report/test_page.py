"""The page: whole, safe, the same bytes every time, and shown by a real browser without a complaint."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser

import pytest
import torch

from textdd.report.drawing import LETTERS, Panel, picture, wrapped
from textdd.report.inside import Reading, course, nearest, readings
from textdd.report.page import write_report
from textdd.report.results import find
from textdd.sets.distilled_set import DistilledSet

BROWSER = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
]  # fmt: skip


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def report(mixed):
    """A report made by the command, in a process of its own."""
    command = [sys.executable, "-W", "error", "-m", "textdd.report", f"runs={mixed}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"report: {mixed}/report/index.html"
    return mixed / "report"


def test_all_that_was_promised_is_there(report):
    files = contents(report)
    figures = ("figure3", "figure4", "seconds", "course", "step_sizes", "labels")
    expected = {"index.html", *(f"figures/{name}.{form}" for name in figures for form in ("svg", "png"))}
    expected |= {f"tables/{name}.{form}" for name in ("table2", "uses", "costs") for form in ("csv", "md", "tex")}
    assert set(files) == expected
    page = files["index.html"].decode()
    for text in ("Accuracy against budget (figure 4)", "mean cosine", "Failed and missing",
                 "<strong>unfinished</strong>", "python -m textdd.run seed=7", "outer steps", "processor",
                 "adam, 4 steps of 8 examples, fixed order, step size 0.01, texts in 4 pieces<"):  # fmt: skip
        assert text in page


@pytest.mark.slow
def test_same_runs_give_same_bytes_wherever_they_lie(report, mixed, tmp_path):
    copy = tmp_path / "elsewhere" / "runs"
    shutil.copytree(mixed, copy, ignore=shutil.ignore_patterns("report"))
    write_report(find([copy]), tmp_path / "report")
    again = contents(tmp_path / "report")
    assert again.keys() == contents(report).keys()
    assert [name for name, content in contents(report).items() if again[name] != content] == []
    assert str(mixed.parent).encode() not in again["index.html"]


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def test_nothing_is_loaded_and_nothing_runs(report):
    page = (report / "index.html").read_text()
    tags = Tags()
    tags.feed(page)
    assert not {"script", "link", "iframe", "b", "object"} & {tag for tag, _ in tags.seen}
    sources = [attrs.get("src") or attrs.get("srcset") for tag, attrs in tags.seen if tag in ("img", "source")]
    assert sources
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    assert "&lt;script&gt;" in page
    assert "&lt;b&gt;no&lt;/b&gt;" in page


def test_damaged_artefact_is_named_and_the_page_goes_on(real, tmp_path):
    shutil.copytree(real, tmp_path / "runs" / "broken")
    (tmp_path / "runs" / "broken" / "artifact" / "distilled.safetensors").write_bytes(b"broken")
    page = write_report(find([tmp_path / "runs"]), tmp_path / "out").read_text()
    assert "its artefact/distilled.safetensors is damaged or was changed" in page
    assert "No artefact lies beside the results." in page
    assert str(tmp_path) not in page


def test_only_failed_runs_make_a_page_too(tmp_path, mixed):
    shutil.copytree(mixed / "failed", tmp_path / "runs" / "failed")
    page = write_report(find([tmp_path / "runs"]), tmp_path / "out").read_text()
    assert "python -m textdd.run seed=7" in page
    assert "No run is finished." in page


def test_nearest_words():
    vectors = torch.tensor([[0.0, 0.0], [0.0, 0.0], [2.0, 0.0], [0.0, 3.0]])
    cosines, ids = nearest(torch.tensor([[5.0, 0.1], [-0.1, 0.2], [1.0, 1.0]]), vectors)
    assert ids.tolist()[:2] == [2, 3]
    assert cosines[2] == pytest.approx(0.5**0.5)


def test_a_real_word_is_its_own_nearest(real):
    """Texts put on word vectors are read as these words, one text per class."""
    distilled = DistilledSet.load(real / "artifact")
    ids = torch.arange(len(distilled.x) * distilled.x.shape[1]).reshape(distilled.x.shape[:2]) % 50 + 2
    distilled.x = distilled.vectors[ids]
    found = readings(distilled)
    assert [reading.label for reading in found] == distilled.classes
    assert isinstance(found[0], Reading)
    assert all(reading.likeness == pytest.approx(1, abs=1e-5) for reading in found)


def test_course_passes_over_damaged_lines(tmp_path):
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "validation/accuracy": 0.5}\n{"step": 2, "outer/loss": 1}\nnot JSON\n{"step": 3, "va')
    assert course(path) == [(2, 0.5)]
    assert course(tmp_path / "none") == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Which runs"),
        (["runs=nowhere"], "There is no nowhere"),
        (["run=runs"], "Unknown option 'run'.*Type: runs="),
    ],
)
def test_mistakes_on_the_command_line(arguments, message, monkeypatch, capsys, tmp_path):
    from textdd.report.__main__ import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["report", *arguments])
    with pytest.raises(SystemExit) as leaving:
        main()
    assert leaving.value.code == 2
    assert re.search(message, capsys.readouterr().err)


def test_help_teaches(monkeypatch, capsys):
    from textdd.report.__main__ import main

    monkeypatch.setattr(sys, "argv", ["report", "--help"])
    main()
    text = capsys.readouterr().out
    assert "textdd report runs=runs" in text
    assert re.search(r"out=null +\[a path, or null\] the folder to write; null takes `report/`", text)


@pytest.fixture
def browser(tmp_path):
    webdriver = pytest.importorskip("selenium.webdriver")
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if None in programs:
        pytest.skip("no chromium and chromedriver on this machine")
    options = webdriver.ChromeOptions()
    options.binary_location = programs[0]
    for argument in (*BROWSER, f"--user-data-dir={tmp_path}/profile"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(programs[1]))
    yield driver
    driver.quit()


def test_in_a_real_browser(browser, report):
    """No complaint in the console, every picture shown, no scrolling aside, at the widths of a phone and a screen."""
    grounds = set()
    for width, scheme in ((400, "light"), (1600, "dark")):
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        browser.get((report / "index.html").as_uri())
        shown = browser.execute_script("return [...document.images].map(i => i.complete ? i.naturalWidth : 0)")
        assert len(shown) > 8
        assert min(shown) > 0
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        grounds.add(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
        chosen = browser.execute_script("return document.images[0].currentSrc === document.images[0].src")
        assert chosen == (scheme == "light")
    assert len(grounds) == 2
    assert browser.get_log("browser") == []


@pytest.mark.parametrize(("count", "shape"), [(1, (1, 1)), (3, (3, 1)), (4, (2, 2)), (5, (3, 2)), (7, (3, 3))])
def test_a_figure_has_as_many_axes_as_panels(count, shape):
    (svg,) = picture([Panel(f"panel {i}", lambda axes: axes.plot([0, 1])) for i in range(count)], "svg")
    assert len(re.findall(rb'<g id="axes_\d+">', svg)) == count
    width, height = (float(size) / 72 for size in re.search(rb'width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups())
    assert (width / 4.2, height / 3.5) == pytest.approx(shape)


def test_lines_are_broken_behind_blanks_and_commas():
    title = "dataset.text=[premise,hypothesis,and,other,columns,of,the,file] distiller.inner_steps=24"
    lines = wrapped(title).split("\n")
    assert max(map(len, lines)) <= LETTERS
    assert len(lines) > 1
    assert all(line.endswith(",") for line in lines[:-1] if " " not in line)
    assert "".join(lines).replace(" ", "") == title.replace(" ", "")
    assert max(map(len, wrapped("x" * 500).split("\n"))) <= LETTERS
