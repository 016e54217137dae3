"""The artefact: what is saved is what is loaded, and anything else is refused with the reason."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch.utils.data import DataLoader

from textdd import DistilledSet
from textdd.errors import TextddError
from textdd.outer.start.initialise import initial_texts
from textdd.record import write_tensors
from textdd.sets.manifest import digest
from textdd.sets.matrices import MatrixSet
from textdd.sets.parametrisations import OF_WORDS, PARAMETRISATIONS, Source
from textdd.sets.schema import FILES
from textdd.training import Recipe


@pytest.fixture(scope="module")
def distilled(corpus, space):
    classes, generator = len(corpus.classes), torch.Generator().manual_seed(0)
    manifest = {
        "dataset": corpus.name,
        "classes": corpus.classes,
        "per_class": 2,
        "length": space.length,
        "student": {"name": "textcnn", "widths": [2, 3], "filters": 8},
        "distiller": {"name": "meta_gradient"},
        "embedding": {"name": "corpus"},
        "versions": {"textdd": "0"},
        "metrics": {"distilled": {m: {"mean": 0.5, "std": 0.1} for m in ("accuracy", "macro_f1")}},
    }
    x = torch.randn(2 * classes, 5, 16, generator=generator)
    y = torch.eye(classes).repeat(2, 1) * 0.7 + 0.1
    steps = torch.full((4,), 0.01)
    return MatrixSet(x, y, steps, Recipe("adam", 4, 3, "fixed", 0.01), space, manifest)


@pytest.fixture
def folder(distilled, tmp_path):
    distilled.save(tmp_path / "artifact")
    return tmp_path / "artifact"


def test_round_trip(distilled, folder):
    loaded = DistilledSet.load(folder)
    for name in ("x", "y", "step_sizes", "vectors"):
        assert torch.equal(getattr(loaded, name), getattr(distilled, name))
    assert loaded.recipe == distilled.recipe
    assert loaded.classes == distilled.classes
    assert loaded.tokeniser.to_str() == distilled.tokeniser.to_str()


def test_saving_again_gives_the_same_bytes(folder, tmp_path):
    DistilledSet.load(folder).save(tmp_path / "again")
    for path in folder.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_is_a_dataset_for_any_loader(folder):
    loaded = DistilledSet.load(folder)
    x, y = next(iter(DataLoader(loaded, batch_size=4)))
    assert x.shape == (4, 5, 16)
    assert y.shape == (4, 3)
    assert len(loaded) == 6


def test_trains_a_classifier_of_plain_text(folder, corpus, problem):
    loaded = DistilledSet.load(folder)
    classify = loaded.train(seed=0)
    texts = [text for (text,) in corpus.test.texts(range(4))]
    assert set(classify(texts)) <= set(corpus.classes)
    assert loaded.train(seed=0)(texts) == classify(texts)
    assert torch.allclose(classify.probabilities(texts).sum(1), torch.ones(4))
    # A text is read as the evaluation reads it.
    batch = problem.reader()(problem.test.batch(torch.arange(4).numpy()))
    own = classify.reader(classify.reader.space.tokens([(text,) for text in texts]))
    assert torch.equal(own.mask, batch.mask)
    assert torch.equal(own.x[own.mask], batch.x[batch.mask])
    with pytest.raises(TextddError, match="Text 1 is empty"):
        classify(["a word", "  "])


def test_hard_labels_and_bytes(distilled, reader):
    own = distilled.training_set(reader)
    assert torch.equal(own.hardened(distilled.task).y, torch.eye(3).repeat(2, 1))
    assert own.bytes == 4 * (6 * 5 * 16 + 6 * 3 + 4)


def with_texts(distilled, kind, problem):
    """The same set with texts of another parametrisation, away from their start."""
    found = initial_texts("real", problem.train, problem.reader(), 2, 5, 0)
    texts = PARAMETRISATIONS[kind].start(Source(found.x, found.ids, problem.space.table), 3)
    with torch.no_grad():
        for parameter in texts.parameters():
            parameter += torch.rand(parameter.shape, generator=torch.Generator().manual_seed(1))
    manifest = {**distilled.manifest, "budget": 0.5}
    rest = (distilled.text_labels, distilled.step_sizes, distilled.recipe, problem.space, manifest)
    return MatrixSet(texts, *rest)


KINDS = [kind for kind in PARAMETRISATIONS if kind != "real"]  # which is kept as a set of texts


@pytest.mark.parametrize("kind", KINDS)
class TestParametrised:
    def test_round_trip_to_the_bit(self, distilled, kind, problem, tmp_path):
        saved = with_texts(distilled, kind, problem)
        saved.save(tmp_path / "one")
        loaded = DistilledSet.load(tmp_path / "one")
        assert type(loaded.texts) is PARAMETRISATIONS[kind]
        assert torch.equal(loaded.x, saved.x)
        assert not loaded.x.requires_grad
        loaded.save(tmp_path / "two")
        for path in (tmp_path / "one").iterdir():
            assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes()

    def test_bytes_are_those_of_the_file_and_told_everywhere(self, distilled, kind, problem, tmp_path):
        saved = with_texts(distilled, kind, problem)
        saved.save(tmp_path)
        in_file = sum(tensor.nbytes for tensor in load_file(tmp_path / FILES[0]).values())
        assert saved.training_set(problem.reader()).bytes == sum(saved.stored_bytes().values()) == in_file
        manifest = json.loads((tmp_path / "manifest.json").read_text())
        assert manifest["parametrisation"] == kind
        assert manifest["bytes"] == saved.stored_bytes()
        stored = saved.stored_bytes()
        assert f"`{kind}`: {stored['texts']} bytes, labels {stored['labels']}" in (tmp_path / "README.md").read_text()

    def test_first_is_a_set_of_its_own(self, distilled, kind, problem, tmp_path):
        whole = with_texts(distilled, kind, problem)
        first = whole.first(1)
        assert torch.equal(first.x, whole.x[:3, : first.x.shape[1]])
        assert torch.equal(first.y, whole.y[:3])
        assert first.recipe == replace(whole.recipe, batch=3)
        assert (first.manifest["per_class"], first.manifest["budget"]) == (1, 0.25)
        assert sum(first.stored_bytes().values()) < sum(whole.stored_bytes().values())
        first.save(tmp_path)
        assert torch.equal(DistilledSet.load(tmp_path).x, first.x)
        with pytest.raises(TextddError, match="Got 3 examples per class; 1 to 2 are there"):
            whole.first(3)

    def test_reads_as_text_or_says_why_not(self, distilled, kind, problem):
        saved = with_texts(distilled, kind, problem)
        if kind not in OF_WORDS:
            with pytest.raises(TextddError, match=rf"{kind} are no words.*parametrisation=mixture"):
                saved.read()
            return
        vocabulary = saved.tokeniser.get_vocab()
        texts = saved.read()
        assert len(texts) == 6
        assert all(word in vocabulary for text in texts for word in text.split(" "))


def test_nested_sizes_are_those_below_the_whole(distilled):
    manifest = {**distilled.manifest, "distiller": {"name": "meta_gradient", "nested": [1]}}
    whole = MatrixSet(distilled.x, distilled.y, None, distilled.recipe, distilled.words_space, manifest)
    assert (whole.nested, whole.first(1).nested, distilled.nested) == ([1], [], [])


@pytest.mark.parametrize("chained", [False, True])
def test_a_given_batch_size_holds_for_the_first_examples_too(chained, distilled):
    method = {"name": "meta_gradient", "inner_batch": 2, "nested": [1]}
    chain = {"name": "chain", "stages": ["kernel_ridge", "meta_gradient"], "options": {"meta_gradient": method}}
    given = {**distilled.manifest, "distiller": chain if chained else method}
    steps, recipe = distilled.step_sizes, replace(distilled.recipe, batch=2)
    whole = MatrixSet(distilled.x, distilled.y, steps, recipe, distilled.words_space, given)
    assert whole.first(1).recipe.batch == 2
    assert whole.nested == [1]


def test_card_shows_the_metrics(folder):
    text = (folder / "README.md").read_text()
    assert "| distilled | 0.5000 ± 0.1000 |" in text
    assert "DistilledSet.load" in text


def test_nothing_is_pickled(folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "manifest.json", "README.md"])
    assert not any(path.read_bytes().startswith((b"\x80", b"PK")) for path in folder.iterdir())


def edit_manifest(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def replace_tensors(folder, **tensors):
    """A consistent hash over inconsistent content: what a careless tool, not a broken disk, would leave."""

    write_tensors(folder / FILES[0], tensors)
    files = json.loads((folder / "manifest.json").read_text())["files"]
    edit_manifest(folder, files={**files, FILES[0]: digest((folder / FILES[0]).read_bytes())})


DAMAGES = {
    "no folder": (shutil.rmtree, "has no manifest.json. Give the folder named artifact"),
    "no manifest": (lambda f: (f / "manifest.json").unlink(), "is not a textdd artefact"),
    "manifest cut off": (lambda f: (f / "manifest.json").write_text('{"format": 1,'), "manifest.json is damaged"),
    "foreign manifest": (lambda f: (f / "manifest.json").write_text("[1]"), "was not written by textdd"),
    "newer format": (lambda f: edit_manifest(f, format=99), "has format 99; this version reads format 3. Update"),
    "older format": (lambda f: edit_manifest(f, format=1), "has format 1; this version reads format 3. Distil again"),
    "missing file": (lambda f: (f / FILES[1]).unlink(), "vectors.safetensors is missing"),
    "truncated": (lambda f: (f / FILES[0]).write_bytes((f / FILES[0]).read_bytes()[:-9]), "is damaged or was changed"),
    "changed": (lambda f: (f / FILES[2]).write_text("{}"), "tokenizer.json is damaged or was changed"),
    "other classes": (lambda f: edit_manifest(f, classes=["a", "b"]), "texts (6, 5, 16), labels (6, 3) for 2 classes"),
    "bad recipe": (lambda f: edit_manifest(f, recipe={"speed": 1}), "recipe.optimiser is missing"),
    "no pieces": (lambda f: edit_manifest(f, pieces=0), "pieces is 0; a whole number from 1 to 512 is allowed"),
    "no tensors": (lambda f: replace_tensors(f, z=torch.zeros(1)), "it holds 'z'; allowed are y, step_sizes, x"),
    "unknown parametrisation": (
        lambda f: edit_manifest(f, parametrisation="wavelets"),
        "parametrisation is 'wavelets'; free",
    ),
    "other parametrisation": (lambda f: edit_manifest(f, parametrisation="basis"), "there is no tensor coefficients"),
    "factors that do not fit": (
        lambda f: (
            replace_tensors(f, left=torch.ones(6, 5, 2), right=torch.ones(6, 3, 16), y=torch.ones(6, 3)),
            edit_manifest(f, parametrisation="low_rank"),
        ),
        "do not fit together: left (6, 5, 2), right (6, 3, 16)",
    ),
    "no such word, as 0.3 stored words": (
        lambda f: (
            replace_tensors(f, text=torch.tensor(list(b"wordless")).byte(), y=torch.ones(1, 3)),
            edit_manifest(f, parametrisation="real", format=2),
        ),
        "'wordless' is not in the vocabulary",
    ),
    "unknown kind": (lambda f: edit_manifest(f, kind="pictures"), "kind is 'pictures'; matrices or texts is allowed"),
    "foreign files": (lambda f: edit_manifest(f, files={"../x": "0" * 64}), "files names ../x; distilled.saf"),
    "not finite": (
        lambda f: replace_tensors(f, x=torch.full((6, 5, 16), torch.nan), y=torch.eye(3).repeat(2, 1)),
        "not finite",
    ),
    "step sizes": (
        lambda f: replace_tensors(f, x=torch.ones(6, 5, 16), y=torch.eye(3).repeat(2, 1), step_sizes=torch.ones(9)),
        "there are 9 step sizes for 4 steps",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_folders_are_refused(folder, damage):
    spoil, reason = DAMAGES[damage]
    spoil(folder)
    with pytest.raises(TextddError) as caught:
        DistilledSet.load(folder)
    assert reason in str(caught.value)
