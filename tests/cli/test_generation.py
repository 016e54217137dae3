"""Runs whose targets are texts: from a file of prompts and responses to a set, a table and a page; and refusals."""

import json
from collections import Counter

import pandas as pd
import pytest

from tests.tiny import tiny_llama
from textdd import DistilledSet, distil, evaluate, export, select, train
from textdd.checks import check
from textdd.cli import compose_config
from textdd.config import register, to_run
from textdd.errors import TextddError
from textdd.experiment import execute, show_plan
from textdd.quality.__main__ import composed as composed_quality
from textdd.quality.__main__ import execute as examine
from textdd.quiet import quiet
from textdd.report.page import write_report
from textdd.report.results import find
from textdd.report.terminal import print_results, print_sweep
from textdd.scoring.__main__ import composed as composed_score
from textdd.scoring.__main__ import execute as score
from textdd.sets.responder import Responder
from textdd.trust.__main__ import composed as composed_trust
from textdd.trust.__main__ import execute as attack

pytest.importorskip("transformers", reason="needs transformers")
register()
QUICK = (
    "distiller=bilevel_selection",
    "distiller.looked_at=30",
    "distiller.asked=20",
    "distiller.inner_steps=5",
    "distiller.step_sizes=[0.01]",
    "evaluation.steps=5",
    "evaluation.students=2",
    "evaluation.step_sizes=[0.01]",
    "evaluation.texts=10",
    "evaluation.full.epochs=1",
    "evaluation.full.step_sizes=[0.002]",
    "evaluation.selectors=[k_means]",
    "evaluation.writing.prompts=5",
    "evaluation.writing.decoded=3",
    "evaluation.writing.tokens=6",
    "evaluation.writing.full=20",
    "trainer=cpu",
    "trainer.threads=1",
    "logger=csv",
    "pairs=4",
)
MEASURES = ["response_loss", "perplexity", "bleu", "chrf", "rouge_l", "distinct_1", "distinct_2"]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a language model, and prompts with two responses each."""
    place = tmp_path_factory.mktemp("place")
    tiny_llama(place / "llama", 8)
    rows = [
        {"mr": f"Text word{i % 7} word{8 + i % 5} word{i % 12}", "ref": f"word{8 + i % 5} {kind} word{i % 7}"}
        for i in range(50)
        for kind in ("same", "very")
    ]
    pd.DataFrame(rows).to_csv(place / "texts.csv", index=False)
    return place


def line(place, *options):
    corpus = ["dataset=local", f"dataset.path={place}/texts.csv", "dataset.text=mr", "dataset.target=ref"]
    model = ["model=causal_lm", f"model.path={place}/llama", "model.tuning=lora:2"]
    return [*corpus, *model, f"cache_dir={place}/cache", *options]


def composed(place, *options):
    quiet()
    return to_run(compose_config("config", line(place, *QUICK, f"output_dir={place}/runs", *options)))


@pytest.fixture(scope="module")
def made(place):
    return execute(composed(place))


@pytest.fixture(scope="module")
def artifact(made):
    return made.parent / "artifact"


def test_a_run_compares_pairs_by_all_measures(made):
    result = json.loads(made.read_text())
    assert result["measures"] == MEASURES
    assert list(result["methods"]) == ["distilled", "random", "k_means", "zero_shot", "full"]
    for method in result["methods"].values():
        assert set(MEASURES) <= set(method)
        loss, full = method["response_loss"]["mean"], result["methods"]["full"]["response_loss"]["mean"]
        assert method["recovery"] == pytest.approx(full / loss)
    assert result["methods"]["full"]["pairs"] == 20
    assert len(result["methods"]["zero_shot"]["answers"]) == 3
    assert result["quality"]["overlap"] == {"validation": 0, "test": 0}


def test_a_run_is_shown(made, place, capsys):
    result = json.loads(made.read_text())
    print_results(result)
    print_sweep([result], {}, [])
    shown = capsys.readouterr().out
    assert "local: 4 pairs" in shown
    assert "response loss" in " ".join(shown.split())
    page = write_report(find([place / "runs"]), place / "out").read_text()
    assert "ROUGE-L" in page
    assert "pairs=4" in page
    assert "per_class=4" not in page


def test_a_killed_run_goes_on_to_the_same_result(made, place, monkeypatch):
    """Killed where its sets are compared: what was chosen is not chosen again."""
    again = place / "again"
    monkeypatch.setattr("textdd.experiment.compare", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        execute(composed(place, f"output_dir={again}"))
    monkeypatch.undo()
    monkeypatch.setattr("textdd.experiment.choose_pairs", None)
    found = json.loads(execute(composed(place, f"output_dir={again}")).read_text())
    before = json.loads(made.read_text())
    for name, method in before["methods"].items():
        assert found["methods"][name]["response_loss"] == method["response_loss"]
    assert found["quality"]["texts"] == before["quality"]["texts"]


def test_the_set_is_kept_with_its_responses(artifact, place):
    loaded = DistilledSet.load(artifact)
    rows = [json.loads(row) for row in (artifact / "texts.jsonl").read_text().splitlines()]
    assert [set(row) for row in rows] == [{"text", "response", "origin"}] * 4
    corpus = {tuple(row) for row in pd.read_csv(place / "texts.csv").to_numpy().tolist()}
    assert set(loaded.texts) <= corpus
    assert max(Counter(loaded.texts).values()) == 1
    assert loaded.stored_bytes()["labels"] == 0


def test_a_set_teaches_a_model_that_answers(artifact, place):
    loaded = DistilledSet.load(artifact)
    with pytest.raises(TextddError, match=r"carries no space.*textdd\.train\(set, student='causal_lm', path=FOLDER\)"):
        loaded.train(seed=0)
    respond = train(loaded, "causal_lm", path=str(place / "llama"), tuning="lora:2")
    assert isinstance(respond, Responder)
    assert len(respond(["Text word1 word8 word1", "word3"], tokens=4)) == 2


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".csv"])
def test_files_of_pairs_are_written_and_taken_up(suffix, artifact, place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    target, loaded = tmp_path / f"set{suffix}", DistilledSet.load(artifact)
    export.execute(compose_and_object("export", [f"artifact={artifact}", f"to={target}"]))
    again = DistilledSet.load(target)
    assert (again.texts, again.origins, again.task) == (loaded.texts, loaded.origins, loaded.task)
    assert "text-generation" in (tmp_path / "README.md").read_text()
    words = [f"artifact={target}", "students=1", "steps=4", "step_sizes=[0.01]", "texts=10", "writing.prompts=4"]
    config = compose_and_object("evaluate", line(place, *words, "writing.decoded=2", "writing.tokens=4"))
    found = json.loads(evaluate.execute(config).read_text())
    assert set(MEASURES) <= set(found["results"]["causal_lm"])


def test_a_set_is_evaluated_by_its_own_recipe(artifact, made, place):
    words = [f"artifact={artifact}", "students=2", "texts=10", "writing.prompts=5", "writing.decoded=3"]
    config = compose_and_object("evaluate", line(place, *words, "writing.tokens=6"))
    found = json.loads(evaluate.execute(config).read_text())["results"]["own recipe"]
    before = json.loads(made.read_text())["methods"]["distilled"]
    assert found["response_loss"]["values"] == pytest.approx(before["response_loss"]["values"], rel=1e-5)


def compose_and_object(command, words):
    return evaluate.OmegaConf.to_object(compose_config(command, words))


def test_quality_is_told(artifact, place, capsys):
    path = examine(composed_quality([f"artifact={artifact}", *line(place)]))
    found = json.loads(path.read_text())
    assert found["teacher_agreement"] is None
    assert found["copied"]["exactly"] == 1
    assert "4 real" in capsys.readouterr().out


def test_what_is_about_classes_is_refused(artifact, place):
    for command in (
        lambda: score(composed_score([f"set={artifact}", *line(place)[:4], f"cache_dir={place}/cache"])),
        lambda: attack(composed_trust([f"artifact={artifact}", *line(place)])),
    ):
        with pytest.raises(TextddError, match="Sets of prompts and responses are not"):
            command()


def test_a_set_of_pairs_is_none_of_classes(artifact, place):
    frame = pd.DataFrame(
        {"text": [f"word{i % 7} word{i % 5}" for i in range(40)], "label": [("a", "b")[i % 2] for i in range(40)]}
    )
    frame.to_csv(place / "classes.csv", index=False)
    words = [f"artifact={artifact}", "dataset=local", f"dataset.path={place}/classes.csv", "model=fasttext"]
    with pytest.raises(TextddError, match=r"The targets of the set of local are texts, those of local are classes"):
        evaluate.execute(compose_and_object("evaluate", [*words, f"cache_dir={place}/cache"]))


def test_a_plan_is_made(place, capsys):
    show_plan(composed(place, "plan=true"))
    assert "seconds per outer step" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["pairs=null", "per_class=3"], r"Got per_class=3.*no classes.*Type: pairs=3"),
        (["budget=0.1"], r"Got budget=0\.1 and pairs=4.*Type: pairs=4"),
        (["dataset.target=null"], r"Got pairs=4.*Type: per_class=4"),
    ],
)
def test_sizes_are_given_as_the_targets_allow(options, message, place):
    with pytest.raises(TextddError, match=message):
        check(composed(place, *options))


def test_more_pairs_than_there_are_are_told(place):
    with pytest.raises(TextddError, match=r"1000 pairs are asked for, and there are \d+ training pairs. Type: pairs="):
        execute(composed(place, "pairs=1000"))


def test_methods_that_make_no_pairs_are_refused(place):
    quiet()
    words = [word for word in QUICK if not word.startswith("distiller")]
    run = to_run(compose_config("config", line(place, *words, f"output_dir={place}/runs")))
    with pytest.raises(TextddError, match=r"Got distiller=meta_gradient.*Type: distiller=bilevel_selection"):
        execute(run)


def test_pairs_are_picked_from_python(place):
    options = {"path": str(place / "llama"), "tuning": "lora:2", "cache_dir": str(place / "cache"), "pairs": 3}
    options |= {"evaluation.steps": 4, "evaluation.step_sizes": [0.01], "evaluation.texts": 10, "text": "mr"}
    frame = pd.read_csv(place / "texts.csv")
    picked = select(frame, student="causal_lm", method="k_means", target="ref", **options)
    assert len(picked) == 3
    assert set(picked.texts) <= {tuple(row) for row in frame.to_numpy().tolist()}
    assert isinstance(picked.train(seed=0), Responder)


def test_from_python_as_by_the_command(place, artifact):
    frame = pd.read_csv(place / "texts.csv")
    given = {
        word.partition("=")[0]: word.partition("=")[2] for word in QUICK if not word.startswith(("logger", "trainer"))
    }
    options = {
        **given,
        "trainer": "cpu",
        "text": "mr",
        "target": "ref",
        "tuning": "lora:2",
        "path": str(place / "llama"),
    }
    options |= {"cache_dir": str(place / "cache"), "output_dir": str(place / "python")}
    small = distil(frame, student="causal_lm", **{key: parsed(value) for key, value in options.items()})
    assert small.texts == DistilledSet.load(artifact).texts


def parsed(value):
    """What a word of a command line means."""
    if value.startswith("["):
        return [parsed(one) for one in value[1:-1].split(",")]
    try:
        return json.loads(value)
    except ValueError:
        return value
