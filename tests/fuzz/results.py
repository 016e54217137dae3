"""Records of runs, which a report is made of."""

import json

from tests.fuzz.mutate import altered, damaged
from tests.report.conftest import invented
from textdd.report.page import write_report
from textdd.report.results import find


def make(folder, seeds, draw):
    """A damaged result beside one that is whole."""
    del seeds
    for name, content in (("good", invented(seed=1)), ("bad", altered(invented(), draw))):
        (folder / "runs" / name).mkdir(parents=True)
        encoded = json.dumps(content).encode()
        if name == "bad" and draw.random() < 0.2:
            encoded = damaged(encoded, draw)
        (folder / "runs" / name / "result.json").write_bytes(encoded)


def run(folder):
    """Make the report, without pictures, which take a second each."""
    from unittest import mock

    with mock.patch("textdd.report.page.picture", lambda panels, *forms: [b""] * len(forms)):
        page = write_report(find([folder / "runs"]), folder / "report")
    assert b"<script>" not in page.read_bytes()
