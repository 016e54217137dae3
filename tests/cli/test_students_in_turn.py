"""`model=[textcnn,fasttext]` as it is typed: composed, refused where it means nothing, run, killed, scored again."""

import json
import os
import signal
import time

import pytest
from safetensors.numpy import load_file

from tests.cli.test_runs import result_of, run, start
from tests.conftest import SMALL
from textdd import cli
from textdd.checks import check
from textdd.config import ReportConfig, register, to_run
from textdd.errors import TextddError
from textdd.report.__main__ import execute
from textdd.students.mixed import called, models_of

STUDENTS = "model=[textcnn,fasttext]"
ARGUMENTS = (
    *(option for option in SMALL if not option.startswith("model.")),
    STUDENTS,
    "model.options.textcnn.filters=8",
    "model.options.fasttext.hidden=5",
    "logger=csv",
    "cache_dir=cache",
    "evaluation.transfer=[]",
    "distiller.outer_steps=60",
    "distiller.check_every=5",
    "distiller.truncation=pool",
    "distiller.window=2",
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("mixed")


@pytest.fixture(scope="module")
def whole(place):
    """The result of a whole run, and what it printed."""
    output, errors = run(*ARGUMENTS, "output_dir=whole", folder=place)
    return result_of(output), output + errors


def composed(*arguments):
    register()
    arguments = cli.as_meant("config", list(arguments))
    run = to_run(cli.compose_config("config", [argument for argument in arguments if argument != "-m"]))
    check(run)
    return run


def test_what_is_typed_names_students_with_options_of_their_own():
    run = composed("model=[textcnn,lstm,transformer]", "model.options.lstm.hidden=7")
    assert called(run.model) == "textcnn+lstm+transformer"
    assert [model.name for model in models_of(run.model)] == ["textcnn", "lstm", "transformer"]
    assert run.model.options["lstm"].hidden == 7
    assert composed("model=[lstm]").model.name == "lstm"
    assert cli.as_meant("config", ["-m", "model=mixed", "model.kinds=[textcnn,lstm],[lstm,fasttext]"])[1:] == [
        "model=mixed",
        "model.kinds=[textcnn,lstm],[lstm,fasttext]",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["model=[textcnn,lsmt]"], r"Unknown model 'lsmt'.*Type: model=lstm"),
        (["model=[textcnn,textcnn]"], r"names a student twice. Type: model=textcnn"),
        ([STUDENTS, "distiller=trajectory_matching"], r"looks at one student.*meta_gradient.*Type: model=textcnn"),
        ([STUDENTS, "distiller=bilevel_selection"], r"looks at one student"),
        ([STUDENTS, "distiller=chain", "distiller.stages=[meta_gradient,project]"], r"distiller=project, which looks"),
        (["-m", "model=[textcnn,lstm],lstm"], r"Type: -m model=mixed model.kinds=\[textcnn,lstm\]"),
    ],
    ids=["unknown", "twice", "experts", "choosing", "projecting", "sweep"],
)
def test_mistakes_say_what_to_type(arguments, message):
    with pytest.raises(TextddError, match=message):
        composed(*arguments)


def test_only_students_that_read_one_space_take_turns():
    with pytest.raises(TextddError, match=r"Got model\.kinds=\[textcnn,pretrained\]\. Allowed: a list .* of 2 or more"):
        cli.composed("config", ["model=[textcnn,pretrained]"], object, lambda _: None)


def test_every_student_has_its_rows(whole):
    path, printed = whole
    result = json.loads(path.read_text())
    assert result["model"] == "textcnn+fasttext"
    assert list(result["kinds"]) == ["fasttext"]
    assert list(result["methods"]) == list(result["kinds"]["fasttext"]) == ["distilled", "random", "full"]
    assert result["methods"]["distilled"]["accuracy"] != result["kinds"]["fasttext"]["distilled"]["accuracy"]
    for row in ("distilled, fasttext", "random, fasttext", "full, fasttext"):
        assert row in printed
        assert f"\n{row},,".replace(row, f'"{row}"') in (path.parent / "results.csv").read_text().replace("\r", "")
    assert "| distilled, fasttext |" in (path.parent / "artifact" / "README.md").read_text()


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_result(place, whole):
    process = start("textdd.run", *ARGUMENTS, "output_dir=killed", folder=place)
    folder, deadline = place / "killed" / whole[0].parent.name, time.monotonic() + 120
    while not (folder / "checkpoints" / "last.ckpt").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert not (folder / "artifact").exists(), "killed too late to show anything"
    resumed = result_of(run(*ARGUMENTS, "output_dir=killed", folder=place)[0])
    expected, got = (load_file(path.parent / "artifact" / "distilled.safetensors") for path in (whole[0], resumed))
    assert {"step_sizes", "other_step_sizes"} <= expected.keys() == got.keys()
    assert all((expected[name] == got[name]).all() for name in expected)


@pytest.mark.slow
def test_evaluate_scores_every_student_again(place, whole):
    result = json.loads(whole[0].read_text())
    given = (f"artifact={result['artifact']}", "cache_dir=cache", "students=2", "steps=10", "step_sizes=[0.01]")
    found = json.loads(result_of(run(*given, folder=place, module="textdd.evaluate")[0]).read_text())["results"]
    for name, methods in (("textcnn", result["methods"]), ("fasttext", result["kinds"]["fasttext"])):
        assert found[f"{name}, own recipe"]["accuracy"] == methods["distilled"]["accuracy"]


@pytest.mark.slow
def test_the_report_has_a_line_for_every_student(place, whole):
    config = ReportConfig(runs=str(whole[0].parent.parent), out=str(place / "report"))
    page = execute(config).read_text()
    assert "textcnn of textcnn+fasttext" in page
    assert "fasttext of textcnn+fasttext" in page
