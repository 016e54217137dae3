"""The whole of scoring on a small corpus: by the command and from Python, killed and gone on with, and its mistakes."""

import json
import re
import sys

import numpy as np
import pytest

import textdd
from tests.conftest import SMALL
from tests.tiny import tiny_bert
from textdd.errors import TextddError
from textdd.scoring import trainee
from textdd.scoring.__main__ import composed, execute, main

CORPUS = ["dataset=demo", *(word for word in SMALL if word.startswith(("dataset.", "embedding.")))]
LITTLE = [
    "model.textcnn.filters=8",
    "score.seeds=2",
    "score.baseline_sets=2",
    "score.steps=10",
    "score.step_sizes=[0.01]",
    "score.copies=2",
    "score.full.epochs=1",
    "score.full.step_sizes=[0.002]",
]


@pytest.fixture(scope="module")
def place(tmp_path_factory, problem):
    """A folder with two sets of two random texts per class, as a stranger would hand them on."""
    folder = tmp_path_factory.mktemp("scoring")
    corpus = problem.corpus
    for number in range(2):
        rows = [np.flatnonzero(corpus.train.targets == c)[2 * number : 2 * number + 2] for c in range(3)]
        lines = [
            json.dumps({"sentence": corpus.train.texts(np.array([row]))[0][0], "labels": label})
            for label, own in enumerate(rows)
            for row in own
        ]
        (folder / "method").mkdir(exist_ok=True)
        (folder / "method" / f"dataset_{number}.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def line(place, *more):
    words = [f"set={place}/method", *CORPUS, *LITTLE, f"cache_dir={place}/cache", f"output_dir={place}/scores"]
    return [*words, *more]


@pytest.fixture(scope="module")
def result(place):
    entry = place / "board" / "demo-method.json"
    path, found = execute(composed(line(place, "score.students=[textcnn,fasttext]", f"score.entry={entry}")))
    assert json.loads(path.read_text()) == found == json.loads(entry.read_text())
    return path, found


def test_every_row_of_every_student_is_there(result):
    _, found = result
    assert list(found["students"]) == ["textcnn", "fasttext"]
    for student in found["students"].values():
        assert {name: list(recipes) for name, recipes in student["rows"].items()} == {
            "set": ["tuned", "fixed"],
            "random": ["tuned", "fixed"],
            "herding": ["tuned", "fixed"],
            "k_means": ["tuned", "fixed"],
            "random, equal tokens": ["tuned"],
            "random, equal bytes": ["tuned"],
            "set, words dropped": ["tuned"],
            "random, words dropped": ["tuned"],
        }
        for recipes in student["rows"].values():
            assert all(np.shape(row["values"]) == (2, 2) for row in recipes.values())
        assert student["scores"]["hlr"] == pytest.approx(student["full"]["mean"] - student["scores"]["hard"])
        assert student["against"]["random"]["unit"] == "sets"
        assert student["chance"] == pytest.approx(1 / 3, abs=0.1)
    means = [student["scores"]["accuracy"] for student in found["students"].values()]
    assert found["overall"]["accuracy"] == pytest.approx(np.mean(means))
    assert found["method"] == "method"
    assert [one["name"] for one in found["sets"]] == ["dataset_0", "dataset_1"]
    assert len(found["texts"]) == 6
    assert {"processor", "cores"} <= set(found["machine"])


def test_no_place_of_the_machine_stands_in_a_result(result, place):
    assert str(place) not in json.dumps(result[1])


def without_costs(content):
    if isinstance(content, dict):
        return {
            key: without_costs(value) for key, value in content.items() if "seconds" not in key and "memory" not in key
        }
    return content


def test_a_killed_scoring_goes_on_to_the_same_result(result, place, monkeypatch):
    path, before = result
    units = sorted((place / "scores" / "units").glob("*.json"))
    lost = units[::3]
    for unit in lost:
        unit.unlink()
    path.unlink()
    done = []
    monkeypatch.setattr(trainee, "once", counted(trainee.once, done))
    again, after = execute(composed(line(place, "score.students=[textcnn,fasttext]")))
    assert again == path
    assert without_costs(after) == without_costs(before)
    assert sorted(set(done)) == lost


def counted(once, done):
    def counting(path, work):
        def worked():
            done.append(path)
            return work()

        return once(path, worked)

    return counting


def test_baselines_serve_the_next_method(result, place, monkeypatch):
    """Other sets of the same size cost what is their own: their tunings, and themselves by each recipe."""
    (place / "other").mkdir()
    text = (place / "method" / "dataset_0.jsonl").read_text().replace('"sentence": "', '"sentence": "also ')
    (place / "other" / "dataset_0.jsonl").write_text(text)
    (place / "other" / "dataset_1.jsonl").write_text((place / "method" / "dataset_1.jsonl").read_text())
    done = []
    monkeypatch.setattr(trainee, "once", counted(trainee.once, done))
    found = textdd.score(
        place / "other",
        "demo",
        cache_dir=f"{place}/cache",
        output_dir=f"{place}/scores",
        baselines=["herding", "k_means"],
        **options(*CORPUS[1:], *LITTLE),
    )
    names = {path.name.split("-")[2] for path in done}
    assert names <= {"recipe", "set"}
    rows = found["students"]["textcnn"]["rows"]
    assert without_costs(rows["herding"]) == without_costs(result[1]["students"]["textcnn"]["rows"]["herding"])
    assert len(done) < 12


def options(*words):
    """Options of the command line as Python takes them."""
    return {word.partition("=")[0]: json.loads(word.partition("=")[2]) for word in words}


@pytest.mark.slow
def test_a_soft_set_meets_random_texts_with_the_labels_of_a_teacher(place):
    where = {"cache_dir": f"{place}/cache", **options(*CORPUS[1:])}
    found = textdd.select("demo", per_class=2, student="textcnn", **{"model.filters": 8}, **where)
    found.text_labels = 0.8 * found.text_labels + 0.2 / 3
    scored = textdd.score(
        found, "demo", baselines=[], dropped=0, output_dir=f"{place}/scores", **where, **options(*LITTLE)
    )
    student = scored["students"]["textcnn"]
    assert student["headline"] == "own"  # it was picked for this very student
    assert list(student["rows"]["set, hard labels"]) == ["own", "tuned"]
    assert list(student["rows"]["random, teacher labels"]) == ["tuned"]
    assert student["against"]["random"]["unit"] == "students"
    ours, random = student["scores"]["accuracy"], student["rows"]["random, teacher labels"]["tuned"]["mean"]
    assert student["scores"]["ior"] == pytest.approx(ours - random)
    assert student["scores"]["ars_wd"] is None


def test_matrices_are_scored_by_students_of_their_space_alone(place):
    where = {"cache_dir": f"{place}/cache", **options(*CORPUS[1:])}
    small = {"model.filters": 8, "distiller.outer_steps": 10, "distiller.inner_steps": 4, "distiller.length": 6}
    distilled = textdd.distil("demo", per_class=2, output_dir=f"{place}/runs", **small, **where)
    distilled.save(place / "matrices")
    where |= {"output_dir": f"{place}/scores", "baselines": [], **options(*LITTLE)}
    found = textdd.score(place / "matrices", "demo", students=["textcnn", "fasttext"], **where)
    assert found["kind"] == "matrices"
    assert found["size"]["tokens"] == 2 * 3 * 6
    assert found["seconds_to_make"] > 0
    assert [student["headline"] for student in found["students"].values()] == ["own", "tuned"]
    assert found["students"]["textcnn"]["rows"]["random, equal bytes"]["tuned"]["mean"] > 0
    bert = {"model.pretrained.path": str(tiny_bert(place / "bert"))}
    with pytest.raises(TextddError, match=r"pretrained does not read.*score.students=\[textcnn\]"):
        textdd.score(place / "matrices", "demo", students=["textcnn", "pretrained"], **bert, **where)
    found = textdd.score(
        place / "method" / "dataset_0.jsonl", "demo", students=["pretrained"], length=16, **bert, **where
    )
    assert found["students"]["pretrained"]["options"]["path"] == "bert"


def test_a_language_model_is_a_student(place, language_model):
    where = {"cache_dir": f"{place}/cache", "output_dir": f"{place}/scores", "baselines": [], **options(*CORPUS[1:])}
    writer = {"model.causal_lm.path": str(language_model), "model.causal_lm.tuning": "head"}
    asked = {**where, **options(*LITTLE), **writer, "length": 16}
    found = textdd.score(place / "method" / "dataset_0.jsonl", "demo", students=["causal_lm"], **asked)
    student = found["students"]["causal_lm"]
    assert student["options"]["words"] == found["corpus"]["classes"]  # where nobody says other words
    assert 0 < student["scores"]["accuracy"] <= 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["dataset=demo"], "Which set"),
        (["set=x.csv"], r"Whose test texts.*Type: textdd score set=x.csv dataset=NAME"),
        (["set=x.csv", "dataset=demo", "score.students=[textcnn,textcnn]"], r"twice.*score.students=\[textcnn\]"),
        (["set=x.csv", "dataset=demo", "score.students=[pretrained]"], "Type: model.pretrained.path=FOLDER"),
        (["set=x.csv", "dataset=demo", "score.entry=board"], "Type: score.entry=board.json"),
        (["set=x.csv", "dataset=demo", "score.seeds=0"], r"Got score.seeds=0.*Type: score.seeds=5"),
        (["set=x.csv", "dataset=demo"], "there is no such file"),
        (["set=strange.csv", "dataset=demo"], r"no sets? |The labels of the texts of strange are x, y"),
    ],
)
def test_mistakes_say_what_to_type(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "strange.csv").write_text("text,label\na b,x\nc d,y\n")
    monkeypatch.setattr(sys, "argv", ["textdd score", *words, "cache_dir=cache"])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert re.search(message, " ".join(capsys.readouterr().err.split()))
