"""Folders from strangers: all that is used of them is checked by a schema, and nothing that they name is opened."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.sets.test_artifact import edit_manifest, replace_tensors
from textdd import DistilledSet
from textdd.config import EvaluateConfig
from textdd.errors import TextddError
from textdd.record import write_tensors
from textdd.set_problem import corpus_of
from textdd.sets.manifest import digest
from textdd.sets.matrices import MatrixSet
from textdd.sets.schema import FILES

OLD = Path(__file__).parent / "artifact-0.3"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A set of matrices and one of texts as this version writes them."""
    place = tmp_path_factory.mktemp("made")
    for kind in ("matrices", "texts"):
        DistilledSet.load(OLD / kind).save(place / kind)
    return place


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made / "matrices", tmp_path / "set")


def manifest_of(folder):
    return json.loads((folder / "manifest.json").read_text())


def changed(folder, path, value):
    """A manifest with one field changed, or left out where the value is `...`."""
    manifest = manifest_of(folder)
    *way, last = path.split(".")
    place = manifest
    for name in way:
        place = place[name]
    if value is ...:
        del place[last]
    else:
        place[last] = value
    (folder / "manifest.json").write_text(json.dumps(manifest))


def refused(folder):
    with pytest.raises(TextddError) as caught:
        DistilledSet.load(folder)
    assert "distil again" in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("student", None),
        ("student", [1]),
        ("student.name", "nobody"),
        ("student.widths", [1_000_000]),
        ("student.widths", "3"),
        ("student.filters", 0),
        ("student.filters", True),
        ("student.speed", 3),
        ("recipe", None),
        ("recipe.order", "foo"),
        ("recipe.optimiser", "lion"),
        ("recipe.steps", 10**9),
        ("recipe.steps", 4.0),
        ("recipe.batch", 0),
        ("recipe.step_size", float("nan")),
        ("recipe.step_size", -0.1),
        ("recipe.step_size", [0.1, "x"]),
        ("classes", ["a", "a", "b"]),
        ("classes", "abc"),
        ("classes", [1, 2, 3]),
        ("pieces", ...),
        ("pieces", 0),
        ("length", 10**9),
        ("per_class", -1),
        ("task", "poetry"),
        ("embedding", None),
        ("distiller", "x"),
        ("distiller.nested", [0.5]),
        ("metrics", {"distilled": {"accuracy": {"mean": "high"}}}),
        ("versions", {}),
        ("seed", "0"),
        ("files", {"distilled.safetensors": "0" * 64, "vectors.safetensors": "0" * 64}),
        ("files", {"distilled.safetensors": 7}),
        ("corpus.options", []),
    ],
)
def test_a_field_that_cannot_be_is_named(field, value, folder):
    changed(folder, field, value)
    message = refused(folder)
    named = field if value == value else "NaN"  # JSON has no such number
    assert named in message or f"{named} is missing" in message


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda t: t | {"y": t["y"] - 1}, "labels are probabilities"),
        (lambda t: t | {"y": t["y"] / 2}, "a row whose sum is 0.5"),
        (lambda t: t | {"y": t["y"][0]}, "y has the shape [3]; it has 2 dimensions"),
        (lambda t: t | {"y": t["y"].to(torch.float8_e4m3fn)}, "y is of the type F8_E4M3"),
        (lambda t: t | {"y": (t["y"] > 0.5).long()}, "y is of the type I64"),
        (lambda t: t | {"step_sizes": -t["step_sizes"]}, "no step size is negative"),
        (lambda t: t | {"step_sizes": t["step_sizes"] * torch.nan}, "step_sizes holds numbers that are not finite"),
        (lambda t: t | {"step_sizes": t["step_sizes"].view(2, 2)}, "2 step sizes for 4 steps"),
        (lambda t: t | {"x": t["x"][:0]}, "none of them empty"),
        (lambda t: t | {"x": t["x"][..., :3].contiguous()}, "texts (9, 6, 3), word vectors (302, 16)"),
        (lambda t: {"x": t["x"]}, "there is no tensor y"),
    ],
)
def test_tensors_that_cannot_be_are_named(damage, said, folder):
    replace_tensors(folder, **damage(load_file(folder / FILES[0])))
    assert said in refused(folder)


def test_texts_that_would_be_rebuilt_to_terabytes_are_refused(folder):
    tall, wide = torch.ones(9, 2_000_000, 1), torch.ones(9, 1, 16)
    replace_tensors(folder, left=tall.half(), right=wide.half(), y=load_file(folder / FILES[0])["y"])
    edit_manifest(folder, parametrisation="low_rank")
    assert "texts (9, 2000000, 16) are more than" in refused(folder)


def rehashed(folder, name, content):
    (folder / name).write_bytes(content)
    files = manifest_of(folder)["files"]
    edit_manifest(folder, files={**files, name: digest(content)})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"padding": {"strategy": {"Fixed": 500_000_000}, "pad_id": 0}}, "padding is"),
        ({"normalizer": None}, "normalizer is not the one"),
        ({"model": {"type": "BPE", "vocab": {}, "merges": []}}, "model.type is 'BPE'; WordLevel is allowed"),
        ({"model": {"type": "WordLevel", "vocab": {"[PAD]": 0, "a": 7}, "unk_token": "[UNK]"}}, "from 0 on"),
        ({"model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1}, "unk_token": "[UNK]"}}, "begin with [PAD] [UNK]"),
        ({"model": {"type": "WordLevel", "vocab": {"[PAD]": 0, "[UNK]": 1}, "unk_token": "[UNK]"}}, "for 2 words"),
    ],
)
def test_a_tokeniser_is_read_as_a_list_of_words(change, said, folder):
    content = json.loads((folder / FILES[2]).read_text()) | change
    rehashed(folder, FILES[2], json.dumps(content).encode())
    assert said in refused(folder)


def test_json_that_would_break_its_reader_is_refused(folder):
    for content, said in ((b"[" * 100_000, "nested too deep"), (b'{"a": "\\ud800"}', "surrogates not allowed")):
        (folder / "manifest.json").write_bytes(content)
        assert said in refused(folder)


def test_vectors_are_those_of_the_space_that_is_named(made, folder):
    loaded = DistilledSet.load(folder)
    named = {"kind": "words", "name": "corpus", "sha256": loaded.words_space.sha256}
    edit_manifest(folder, space=named)
    assert DistilledSet.load(folder).words_space.sha256 == named["sha256"]
    edit_manifest(folder, space={**named, "sha256": "0" * 64})
    assert "not those of the space" in refused(folder)


def test_labels_that_people_read_are_those_that_are_taught(made, tmp_path):
    folder = shutil.copytree(made / "texts", tmp_path / "set")
    rows = [json.loads(line) for line in (folder / "texts.jsonl").read_text().splitlines()]
    rows[2]["label"] = "kiba" if rows[2]["label"] != "kiba" else "vabi"
    rehashed(folder, "texts.jsonl", "\n".join(map(json.dumps, rows)).encode())
    assert "line 3: label is" in refused(folder)
    rows[1]["text"] = " "
    rehashed(folder, "texts.jsonl", "\n".join(map(json.dumps, rows)).encode())
    assert "line 2 has an empty text" in refused(folder)


def test_step_sizes_of_parts_that_the_student_has_not(folder):
    tensors = load_file(folder / FILES[0])
    replace_tensors(folder, **tensors | {"step_sizes": torch.full((4, 3), 0.1)})
    with pytest.raises(TextddError, match="step sizes for 3 parts; its student has 1"):
        DistilledSet.load(folder).train()


@pytest.mark.parametrize(
    ("student", "typed"),
    [
        ({"name": "pretrained", "path": "/etc"}, r"train\(path=FOLDER\).*model\.path=FOLDER"),
        ({"name": "custom", "target": "os:system"}, r"model\.target=package\.module:Class"),
    ],
)
def test_a_student_that_a_folder_names_is_not_opened(student, typed, folder, monkeypatch):
    monkeypatch.setattr("textdd.students.custom.import_module", None)
    monkeypatch.setattr("textdd.spaces.checkpoint._loaded", None)
    edit_manifest(folder, student=student)
    with pytest.raises(TextddError, match=typed):
        DistilledSet.load(folder).train()


def test_a_folder_holds_no_path_of_the_machine(tmp_path):
    old = DistilledSet.load(OLD / "matrices")
    corpus = {"key": "x", "options": {"name": "mine", "path": "/home/me/a.csv", "test_path": "/home/me/b.csv"}}
    manifest = old.manifest | {
        "corpus": corpus,
        "student": old.manifest["student"],
        "distiller": {"name": "meta_gradient", "warm_start": "/home/me/runs/artifact"},
        "embedding": {"name": "glove", "path": "/home/me/glove.txt"},
    }
    MatrixSet(old.x, old.y, old.step_sizes, old.recipe, old.words_space, manifest).save(tmp_path)
    written = "".join(path.read_text(errors="ignore") for path in tmp_path.iterdir())
    assert "/home/me" not in written
    assert '"path": "a.csv"' in written


def test_the_card_shows_names_as_text(tmp_path):
    old = DistilledSet.load(OLD / "matrices")
    names = ["<script>x</script>", "[a](http://x)", "c | d\n# e \x1b[31m"]
    manifest = old.manifest | {"classes": names, "dataset": "# `x`\n***", "distiller": {"name": "a`b`\n```"}}
    MatrixSet(old.x, old.y, old.step_sizes, old.recipe, old.words_space, manifest).save(tmp_path)
    card = (tmp_path / "README.md").read_text()
    assert r"\<script>x\</script>, \[a\](http://x), c \| d # e \\x1b\[31m." in card
    assert "# # \\`x\\` \\*\\*\\*, distilled" in card
    assert "`ab`" in card
    assert card.count("```") == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "local", "path": "{secret}"}, "dataset=local dataset.path="),
        ({"name": "somebody/corpus", "hub": "somebody/corpus"}, "a name that a folder can have"),
        ({"name": "mine", "hub": "somebody/corpus"}, "Or say which texts"),
        ({"name": "${{oc.env:HOME}}"}, "Or say which texts"),
        ({"name": "demo", "length": {"a": 1}}, "corpus.options.length is"),
        ({"name": "demo", "vocabulary": "many"}, "corpus.options.vocabulary is 'many'"),
    ],
)
def test_evaluation_opens_no_file_that_a_folder_names(options, said, folder, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("label,text\n" + "a,x y\nb,z w\n" * 20)
    filled = {key: value.format(secret=secret) if isinstance(value, str) else value for key, value in options.items()}
    changed(folder, "corpus.options", filled)
    with pytest.raises(TextddError) as caught:
        corpus_of(DistilledSet.load(folder), EvaluateConfig(str(folder)), tmp_path / "cache")
    assert said in str(caught.value)


def test_a_student_too_large_for_memory_is_refused(folder):
    changed(folder, "student.widths", [512] * 1000)
    changed(folder, "student.filters", 4096)
    with pytest.raises(TextddError, match=r"has .* parameters; training them takes"):
        DistilledSet.load(folder).train()


def test_a_file_larger_than_any_of_ours_is_not_read(folder):
    with (folder / FILES[0]).open("r+b") as file:
        file.truncate(3 << 30)
    assert "3221225472 bytes; at most" in refused(folder)


def test_stray_second_vectors(folder):
    own = load_file(folder / FILES[1])
    write_tensors(folder / FILES[1], own | {"second": torch.ones(3)})
    edit_manifest(folder, files=manifest_of(folder)["files"] | {FILES[1]: digest((folder / FILES[1]).read_bytes())})
    assert "does not begin with [PAD] [UNK] [SEP]" in refused(folder)


def test_logits_of_64_bits_are_read_beside_vectors_of_32(folder):
    ids = torch.arange(9 * 6 * 2).view(9, 6, 2)
    parts = {"candidates": ids, "logits": torch.zeros(9, 6, 2, dtype=torch.float64)}
    replace_tensors(folder, **parts, y=load_file(folder / FILES[0])["y"])
    edit_manifest(folder, parametrisation="mixture")
    assert DistilledSet.load(folder).x.dtype == torch.float64
