"""Entries of the cache that are cut off, changed or unfinished are found, said and made anew, to the same bytes."""

import json
import os

import pytest

from tests.conftest import SMALL
from textdd import seal as module
from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.corpora.content import content_hash
from textdd.corpora.given import kept
from textdd.experiment import execute
from textdd.locks import built, claim, locked
from textdd.quiet import quiet
from textdd.seal import flaw, seal, seal_of


def flipped(content):
    return content[:-3] + bytes([content[-3] ^ 1]) + content[-2:]


DAMAGE = {"cut off": lambda content: content[:-2], "empty": lambda _: b"", "flipped": flipped}


def damage(path, how):
    path.write_bytes(DAMAGE[how](path.read_bytes()))


def run(place, *options):
    register()
    quiet()
    places = (f"cache_dir={place}/cache", f"output_dir={place}/runs")
    arguments = [*SMALL, *places, "logger=none", "distiller.labels=teacher", "evaluation.transfer=[]", *options]
    return execute(to_run(compose_config("config", arguments)))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder where a run was carried out, and what it found."""
    place = tmp_path_factory.mktemp("place")
    return place, accuracies(run(place))


def accuracies(path):
    """What a run found; seconds and memory are never the same twice."""
    return {name: method["accuracy"] for name, method in json.loads(path.read_text())["methods"].items()}


@pytest.mark.parametrize("how", ["cut off", "flipped"])
def test_whatever_is_damaged_is_said_and_made_anew(how, place, capfd):
    place, expected = place
    cache = place / "cache"
    files = [path for path in sorted(cache.rglob("*")) if path.is_file() and path.suffix != ".seal"]
    assert {path.relative_to(cache).parts[0] for path in files} == {
        "corpora", "spaces", "vectors", "baselines", "materials",
    }  # fmt: skip
    before = {path: path.read_bytes() for path in files}
    for path in files:
        damage(path, how)
    assert accuracies(run(place, "overwrite=true")) == expected
    said = capfd.readouterr().err
    for kind in ("corpora", "spaces", "vectors"):
        for entry in cache.glob(f"{kind}/[!.]*"):
            assert said.count(f"{entry}: ") == 1
            assert not flaw(entry)
    assert said.count("It is made anew.") == 7  # the two folders, vectors, a teacher, two students, random texts
    # Those that hold seconds differ in them.
    same = [path for path in files if {"corpora", "spaces", "vectors"} & {*path.parts}]
    assert all(path.read_bytes() == before[path] for path in same)


def test_a_damaged_result_is_made_anew_from_what_the_run_kept(place, capfd):
    place, expected = place
    path = run(place)
    damage(path, "cut off")
    assert accuracies(run(place)) == expected
    assert f"{path} is damaged. It is made anew" in capfd.readouterr().err


def test_a_damaged_set_of_an_unfinished_run_is_distilled_anew(place, capfd):
    place, expected = place
    path = run(place)
    path.unlink()
    (path.parent / "distilled.json").unlink()
    damage(path.parent / "artifact" / "distilled.safetensors", "flipped")
    assert accuracies(run(place)) == expected
    assert "It is distilled anew." in capfd.readouterr().err


def entry_of(folder):
    with built(folder / "entry", "an entry") as unfinished:
        if unfinished is not None:
            (unfinished / "part").mkdir()
            (unfinished / "part" / "small").write_bytes(b"abcdef")
            (unfinished / "large").write_bytes(bytes(100))
        return unfinished is not None


@pytest.mark.parametrize("name", ["part/small", "large", "../.entry.seal"])
@pytest.mark.parametrize("how", [*DAMAGE, "removed"])
def test_a_folder_is_whole_or_made_anew(name, how, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr(module, "ALWAYS_READ", 10)
    assert entry_of(tmp_path)
    assert not entry_of(tmp_path)
    path = (tmp_path / "entry" / name).resolve()
    if how == "removed":
        path.unlink()
    else:
        damage(path, how)
    assert entry_of(tmp_path)
    assert "entry: " in capfd.readouterr().err
    assert not entry_of(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".entry.seal", "entry"]


def test_a_large_file_is_read_again_when_it_was_touched_only(tmp_path, monkeypatch):
    entry = tmp_path / "entry"
    entry.write_bytes(bytes(100))
    monkeypatch.setattr(module, "ALWAYS_READ", 10)
    seal(entry)
    read, original = [], module.digest
    monkeypatch.setattr(module, "digest", lambda path: read.append(path) or original(path))
    assert not flaw(entry)
    assert not read
    os.utime(entry, (1, 1))  # as a copy of the cache would be
    assert not flaw(entry)
    assert read
    read.clear()
    assert not flaw(entry)
    assert not read


def test_what_a_killed_build_left_is_swept_up(tmp_path):
    for left in (".other.lock", ".mine.lock", ".file.lock", ".file.partial"):
        (tmp_path / left).touch()
    for left in (".other", ".mine"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "half").touch()
    with locked(tmp_path / "held", "what another process is at work on"), claim(tmp_path / "mine", "work"):
        assert {path.name for path in tmp_path.iterdir()} == {".held.lock", ".mine.lock"}
        (tmp_path / "mine").write_text("whole")
    assert {path.name for path in tmp_path.iterdir()} == {"mine", ".mine.seal"}


def test_texts_from_python_and_hashes_of_files_are_checked_as_well(tmp_path):
    texts = ["a fine film", "poor stuff"]
    kept(texts, ["good", "bad"], {}, tmp_path)
    (path,) = tmp_path.glob("given/*/train.parquet")
    before = path.read_bytes()
    damage(path, "cut off")
    kept(texts, ["good", "bad"], {}, tmp_path)
    assert path.read_bytes() == before
    os.utime(path, (1, 1))
    expected = content_hash(path, tmp_path)
    for note in tmp_path.glob("contents/*"):
        damage(note, "flipped")
    assert content_hash(path, tmp_path) == expected


def test_a_seal_is_no_part_of_what_is_sealed(tmp_path):
    (tmp_path / "file").write_text("x")
    seal(tmp_path / "file")
    assert seal_of(tmp_path / "file") == tmp_path / ".file.seal"
