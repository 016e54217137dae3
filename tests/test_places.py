"""Folders that cannot be made, read or written, full disks, terminals without our signs: a line each, nothing lost."""

import errno
import io
import json
import resource
import subprocess
import sys

import pytest

from tests.conftest import SMALL
from textdd.cli import compose_config
from textdd.config import ReportConfig, register, to_run
from textdd.ending import show_plainly
from textdd.errors import TextddError
from textdd.experiment import execute
from textdd.places import check_place, in_places, refused, short_name
from textdd.quiet import quiet
from textdd.record import sweep_up, write_bytes
from textdd.report.__main__ import execute as report
from textdd.report.terminal import print_results

ARGUMENTS = (*SMALL, "logger=csv", "evaluation.transfer=[]")


def run(*options):
    register()
    quiet()
    return execute(to_run(compose_config("config", [*ARGUMENTS, *options])))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder where a run has finished."""
    place = tmp_path_factory.mktemp("place")
    run(f"output_dir={place}/runs", f"cache_dir={place}/cache")
    return place


UNUSABLE = {
    "a file": lambda folder: folder / "file",
    "in a file": lambda folder: folder / "file" / "sub",
    "where nothing is made": lambda folder: "/proc/textdd",
    "too long a name": lambda folder: folder / ("x" * 300),
}


def test_a_folder_is_not_made_to_see_whether_it_could_be(tmp_path):
    check_place("output_dir", str(tmp_path / "new" / "folder"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", UNUSABLE)
@pytest.mark.parametrize("option", ["output_dir", "cache_dir"])
def test_a_folder_that_cannot_be_used_is_told_with_its_option(option, where, tmp_path):
    (tmp_path / "file").touch()
    folder = UNUSABLE[where](tmp_path)
    other = "cache_dir" if option == "output_dir" else "output_dir"
    with pytest.raises(TextddError) as caught:
        run(f"{option}={folder}", f"{other}={tmp_path}/other")
    assert "cannot be made, read or written" in str(caught.value)
    assert str(caught.value).endswith(f"Type: {option}=/another/folder")
    assert len(str(caught.value)) < 600


def test_a_home_that_cannot_be_used(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/proc")
    with pytest.raises(TextddError, match=r"/proc/\.cache .*Type: cache_dir=/another/folder"):
        run(f"output_dir={tmp_path}")


def test_a_report_into_a_folder_that_cannot_be_used(place):
    with pytest.raises(TextddError, match=r"Type: out=/another/folder"):
        report(ReportConfig(runs=str(place / "runs"), out="/proc/report"))


@pytest.mark.slow
def test_a_finished_run_is_shown_from_where_nothing_can_be_written(place):
    mount = f"mount --bind {place} {place} && mount -o remount,bind,ro {place}"
    inside = f'{mount} && ! touch {place}/x && exec {sys.executable} -m textdd.run "$@"'
    options = (*ARGUMENTS, f"output_dir={place}/runs", f"cache_dir={place}/cache")
    done = subprocess.run(["unshare", "--mount", "sh", "-c", inside, "sh", *options], capture_output=True, text=True)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"no folder can be mounted to be read only here: {done.stderr.strip()[:200]}")
    assert done.returncode == 0, done.stderr
    assert "This run is finished" in done.stderr
    assert "result: " in done.stdout


@pytest.fixture
def room():
    """Allow this process so many bytes in a file, as if the disk had no more room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_told_and_the_same_command_goes_on(place, tmp_path, room):
    places = (f"output_dir={tmp_path}/runs", f"cache_dir={tmp_path}/cache")
    for size in (20_000, 60_000):  # too small for the corpus; for what is distilled
        room(size)
        with pytest.raises(TextddError, match="There is no room to write"):
            run(*places)
        assert not [*tmp_path.rglob("*.partial"), *tmp_path.rglob("*.lock")]
    room(resource.RLIM_INFINITY)
    path, expected = run(*places), next(place.glob("runs/*/result.json"))
    found = [json.loads(one.read_text())["methods"]["distilled"]["accuracy"] for one in (path, expected)]
    assert found[0] == found[1]


def test_the_last_table_is_shown_where_there_are_no_such_signs(place, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    show_plainly()
    print_results(json.loads(next(place.glob("runs/*/result.json")).read_text()))
    stream.flush()
    assert b" +- " in stream.buffer.getvalue()


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), r"no room to write a file: .*a=/another/folder b=/another"),
        (OSError(errno.EDQUOT, "Disk quota exceeded", "/b/x"), r"no room to write /b/x: .*Type: b=/another/folder$"),
        (OSError("5 requested and 2 written"), r"a file cannot be made, read or written: 5 requested and 2 written"),
        (PermissionError(errno.EACCES, "Permission denied", "/c"), r"/c cannot be read or written: .*Type: ls -ld /c$"),
    ],
)  # fmt: skip
def test_what_the_system_refuses(error, message):
    with pytest.raises(TextddError, match=message), in_places(a="/a", b="/b"):
        raise error
    assert str(refused(error, {"a": "/a"}))


def test_networks_are_no_places():
    with pytest.raises(ConnectionError), in_places(a="/a"):
        raise ConnectionResetError


def test_names_leave_room_for_what_is_put_around_them():
    assert short_name("x" * 300) == "x" * 120
    assert len(short_name("ж" * 300).encode()) <= 120
    assert short_name("ag_news-30") == "ag_news-30"


def test_what_could_not_be_written_leaves_nothing(tmp_path):
    (tmp_path / "folder" / "x").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_bytes(tmp_path / "folder", b"content")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_leftovers_of_kills_are_swept_out_of_a_finished_run(place):
    (folder,) = (path.parent for path in place.glob("runs/*/result.json"))
    before = sorted(folder.rglob("*"))
    (folder / "checkpoints").mkdir()
    for left in (".manifest.json.1234", "artifact/.manifest.json.77", ".distilled.json.lock", ".x.partial", ".y.seal"):
        (folder / left).touch()
    (folder / "checkpoints" / "last.ckpt").touch()
    assert run(f"output_dir={place}/runs", f"cache_dir={place}/cache") == folder / "result.json"
    assert sorted(folder.rglob("*")) == before
    assert not [path for path in before if path.name.startswith(".")]
    sweep_up(folder)
