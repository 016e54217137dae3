"""The W&B report: what its panels compare, and what becomes of it without a key."""

import json
import sys

import pytest

from textdd import dashboard
from textdd.config import DashboardConfig

pytest.importorskip("wandb_workspaces")


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Run the program in this process, without a key, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("WANDB_SILENT", "true")

    def main(*arguments):
        monkeypatch.setattr(sys, "argv", ["dashboard", *arguments])
        dashboard.main()
        return capsys.readouterr()

    return main


def grids(content):
    return [block["metadata"] for block in json.loads(content)["spec"]["blocks"] if block["type"] == "panel-grid"]


def test_runs_are_grouped_so_that_methods_compare():
    comparison, distilling = grids(dashboard.specification(dashboard.build(DashboardConfig(entity="us"))))
    grouping = json.dumps(comparison["runSets"][0]["grouping"])
    for key in ("dataset.value.name", "per_class", "method"):
        assert key in grouping
    panels = [panel["config"] for panel in comparison["panelBankSectionConfig"]["panels"]]
    assert panels[0]["metrics"] == ["student/validation_accuracy"]
    assert panels[0]["xAxis"] == "student/step"
    assert panels[0]["xLogScale"]
    assert panels[0]["groupArea"] == "stddev"
    assert "test/accuracy" in json.dumps(panels[1])
    assert len(panels) == 6
    assert len(distilling["panelBankSectionConfig"]["panels"]) == 1


def test_a_report_that_loses_its_panels_is_not_sent(monkeypatch):
    import wandb_workspaces.reports.v2 as wr

    report = dashboard.build(DashboardConfig(entity="us"))
    monkeypatch.setattr(wr.Report, "_from_model", classmethod(lambda cls, model: cls(project="p", entity="us")))
    with pytest.raises(ValueError, match="do not survive"):
        dashboard.specification(report)


@pytest.mark.parametrize("arguments", [("offline=true",), ("entity=us", "project=mine")])
def test_without_a_key_the_report_is_a_file(run, tmp_path, arguments):
    shown = run(*arguments, "file=report.json")
    assert shown.out == f"report: {tmp_path / 'report.json'}\n"
    assert ("No W&B key" in shown.err) == ("offline=true" not in arguments)
    content = (tmp_path / "report.json").read_text()
    assert len(grids(content)) == 2
    assert json.loads(content)["project"]["name"] == ("mine" if "project=mine" in arguments else "textdd")


def test_mistakes(run, capsys):
    for arguments, expected in (((), "Type: entity=my-team, or offline=true"), (("entitty=us",), "Nearest: entity")):
        with pytest.raises(SystemExit) as caught:
            run(*arguments)
        assert caught.value.code == 2
        assert expected in capsys.readouterr().err
    assert "entity=null" in run("--help").out
