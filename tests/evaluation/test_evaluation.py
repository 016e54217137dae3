"""The protocol's parts: scores, tuning on validation, training sets, full data, costs."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from tests.tiny import Parts
from textdd.evaluation.cost import Cost
from textdd.evaluation.full_data import FullDataConfig, StudentTraining, train_full
from textdd.evaluation.protocol import EvaluationConfig, Protocol, add_recovery, evenly, marks_of
from textdd.evaluation.scoring import score
from textdd.evaluation.summary import summary
from textdd.evaluation.tuning import curve, plateaus, tune
from textdd.selectors import SELECTORS
from textdd.sets.training_set import TrainingSet, in_pieces, real_set, train_students
from textdd.trainer import TrainerConfig, make_trainer
from textdd.training import Recipe
from textdd.training.student import FlatStudent

SMALL = EvaluationConfig(students=2, texts=60, step_sizes=[1e-2], steps=10, batch=8, tuning_students=1, transfer=[])
CPU = torch.device("cpu")


def test_scores_are_those_of_counting(problem, student, reader):
    thetas = [student.fresh(seed) for seed in (0, 1)]
    found = score(thetas, problem.test, reader)
    batch = reader(problem.test.batch(np.arange(len(problem.test))))
    for k, theta in enumerate(thetas):
        predicted = student(theta, batch.x, batch.mask).argmax(1)
        assert found["accuracy"][k].item() == pytest.approx((predicted == batch.labels).float().mean().item())
        f1 = []
        for c in range(problem.classes):
            hits = ((predicted == c) & (batch.labels == c)).sum().item()
            f1.append(2 * hits / max(1, ((predicted == c).sum() + (batch.labels == c).sum()).item()))
        assert found["macro_f1"][k].item() == pytest.approx(sum(f1) / len(f1), abs=1e-6)


def test_thresholds_are_chosen_on_validation_texts(several_labels):
    """Of several labels: what is given to test texts depends on validation texts, and on test texts in no way."""
    problem, reader = several_labels, several_labels.reader()
    train = real_set(problem.train, np.arange(len(problem.train)), reader)
    recipe = Recipe("adam", 40, 32, "shuffled", 1e-2)
    ((theta,),) = train_students(problem.student, [train], recipe, [0], [40])
    found = score([theta], problem.test, reader, chosen_on=problem.validation)
    read = [reader(part.batch(np.arange(len(part)))) for part in (problem.validation, problem.test)]
    logits = [problem.student(theta, batch.x, batch.mask) for batch in read]
    rule = problem.task.rule_from(logits[0], read[0].labels)
    expected = problem.task.scores(logits[1], read[1].labels, rule)
    assert {name: values.item() for name, values in found.items()} == pytest.approx(expected, rel=1e-5)
    assert found["micro_f1"] > 0.6
    on_itself = score([theta], problem.validation, reader)["macro_f1"]
    assert on_itself >= score([theta], problem.validation, reader, chosen_on=problem.test)["macro_f1"]


def test_texts_of_like_length_are_scored_together(problem, student, reader):
    class Counting(FlatStudent):
        read = 0

        def __call__(self, theta, x, mask=None):
            self.read += x.shape[0] * x.shape[1]
            return super().__call__(theta, x, mask)

    counting, tokens = Counting(student.module), int(problem.test.lengths().sum())
    score([student.fresh(0)], problem.test, dataclasses.replace(reader, student=counting))
    assert tokens == int(problem.test.batch(np.arange(len(problem.test))).mask.sum())
    assert tokens <= counting.read < 1.5 * tokens  # 1.7 in the order of the file


def test_summary_is_over_students():
    found = summary({"accuracy": torch.tensor([0.5, 0.7]), "macro_f1": torch.tensor([0.4, 0.4])})
    assert found["accuracy"]["mean"] == pytest.approx(0.6)
    assert found["accuracy"]["std"] == pytest.approx(np.std([0.5, 0.7], ddof=1))
    assert found["macro_f1"]["std"] == 0
    assert summary({"accuracy": torch.tensor([0.5])})["accuracy"]["std"] == 0.0


def test_recovery_is_a_share_of_full():
    methods = {
        "distilled": {"accuracy": {"mean": 0.45}, "variants": {"hard_labels": {"accuracy": {"mean": 0.3}}}},
        "full": {"accuracy": {"mean": 0.9}},
    }
    add_recovery(methods, "accuracy")
    assert methods["distilled"]["recovery"] == pytest.approx(0.5)
    assert methods["distilled"]["variants"]["hard_labels"]["recovery"] == pytest.approx(1 / 3)
    assert methods["full"]["recovery"] == 1


def test_real_sets_are_the_texts(problem, space, reader):
    rows = np.array([3, 1, 4])
    found = real_set(problem.train, rows, reader)
    batch = problem.train.tokens(rows)
    assert torch.equal(found.x, space.table[batch.ids])
    assert torch.equal(found.mask, batch.mask)
    assert torch.equal(found.y.argmax(1), batch.labels)
    assert found.bytes == problem.train.stored_bytes(rows) + 3


def test_real_sets_of_several_labels_and_of_pairs_are_the_texts(several_labels, pairs):
    rows = np.array([3, 1, 4, 15, 9])
    for problem in (several_labels, pairs):
        found = real_set(problem.train, rows, problem.reader())
        batch = problem.train.tokens(rows)
        assert torch.equal(found.x, problem.reader().embed(batch).x)
        assert torch.equal(found.y, problem.task.as_labels(batch.labels).float())
        labels = 5 if problem is pairs else int(problem.train.labels[rows].sum())
        assert found.bytes == problem.train.stored_bytes(rows) + labels


def test_pieces_of_real_texts_are_their_tokens_with_their_labels(problem, reader):
    whole = real_set(problem.train, np.arange(9), reader)
    cut = in_pieces(whole, 5)
    row = 0
    for x, y, mask in zip(whole.x, whole.y, whole.mask, strict=True):
        for start in range(0, int(mask.sum()), 5):
            tokens = x[mask][start : start + 5]
            assert torch.equal(cut.x[row][cut.mask[row]], tokens)
            assert torch.equal(cut.y[row], y)
            row += 1
    assert len(cut.x) == row
    assert cut.x.shape[1] == 5
    assert cut.bytes == whole.bytes


@pytest.mark.parametrize(("length", "pieces"), [(48, 4), (24, 2), (16, None)])
def test_real_texts_are_taught_in_pieces_as_well(length, pieces, problem, student):
    problem = dataclasses.replace(problem, space=dataclasses.replace(problem.space, length=length))
    result = Protocol(SMALL, problem, CPU, 0).selected("random", 3, student.fresh(0))
    variants = ["in_pieces", "teacher_labels"] if pieces else ["teacher_labels"]
    assert list(result["variants"]) == variants
    if pieces:
        scored = result["variants"]["in_pieces"]
        assert scored["pieces"] == pieces
        assert scored["accuracy"] != result["accuracy"]
        assert len(scored["accuracy"]["values"]) == SMALL.students


def test_tuning_prefers_what_validates_best(problem, reader):
    rows = SELECTORS["random"](problem.train, reader, 20, 0)
    sets = [real_set(problem.train, rows, reader)]
    options = {"most_steps": 60, "batch": 16, "students": 2, "seed": 0, "what": "test"}
    chosen = tune(sets, problem.validation, reader, step_sizes=[1e-9, 1e-2], **options)
    assert chosen.step_size == 1e-2
    assert chosen.steps > 5
    useless = tune(sets, problem.validation, reader, step_sizes=[1e-12], **options)
    assert useless.steps == 5  # among equals the shortest training wins


def test_tuning_tries_step_sizes_that_suit_each_part(problem, reader):
    reader = dataclasses.replace(reader, student=FlatStudent(Parts(16, problem.classes)))
    sets = [real_set(problem.train, np.arange(30), reader)]
    options = {"most_steps": 30, "batch": 16, "students": 2, "seed": 0, "what": "test"}
    assert tune(sets, problem.validation, reader, step_sizes=[1e-9, 3e-2], **options).step_size == (3e-2, 0.3 * 3e-2)


def test_tuning_tries_gentler_steps_for_a_learned_body(problem, reader, monkeypatch):
    module = Parts(16, problem.classes)
    module.part_scales = {"layer_": 10.0}
    reader = dataclasses.replace(reader, student=FlatStudent(module))
    sets = [real_set(problem.train, np.arange(30), reader)]
    options = {"step_sizes": [3e-2], "most_steps": 30, "batch": 16, "students": 2, "seed": 0, "what": "test"}
    assert tune(sets, problem.validation, reader, **options).step_size == (3e-2, 10 * 3e-2)
    monkeypatch.setattr("textdd.evaluation.tuning.BODY", "layer_")
    assert tune(sets, problem.validation, reader, **options).step_size == (3e-2, 3e-2)


def test_the_longest_training_allowed_is_tried(problem, reader):
    sets = [real_set(problem.train, SELECTORS["random"](problem.train, reader, 20, 0), reader)]
    options = {"step_sizes": [1e-3], "batch": 16, "students": 2, "seed": 0, "what": "test"}
    tried = {most: tune(sets, problem.validation, reader, most_steps=most, **options).steps for most in (3, 39)}
    assert tried == {3: 3, 39: 39}  # so small a step size gains from every step more


def test_sets_that_differ_in_size_are_taught_side_by_side(problem, student, reader):
    whole = real_set(problem.train, np.arange(6), reader)
    sets = [in_pieces(whole, 12), in_pieces(whole, 5)]
    sizes = [len(examples.x) for examples in sets]
    assert sizes[0] < sizes[1] < 64
    options = {"most_steps": 5, "batch": 64, "students": 2, "seed": 0, "what": "test", "side_by_side": "always"}
    recipe = tune(sets, problem.validation, reader, step_sizes=[1e-2], **options)
    assert recipe.batch == sizes[0]
    assert len(train_students(student, sets, recipe, [0, 1], [5], side_by_side="always")) == 2


def test_a_lone_peak_is_lower_than_a_plateau():
    assert plateaus([0.5, 1.0, 0.0, 0.75, 0.75]) == [0.75, 0.5, 1.75 / 3, 0.5, 0.75]
    assert plateaus([0.25]) == [0.25]


def test_a_curve_has_a_point_per_mark(problem, student, reader):
    rows = SELECTORS["random"](problem.train, reader, 5, 0)
    sets = [real_set(problem.train, rows, reader)]
    recipe = Recipe("adam", 8, 4, "shuffled", 1e-2)
    trained = train_students(student, sets, recipe, [0, 1, 2], [2, 5, 8])
    found = curve(trained, [2, 5, 8], problem.validation, reader)
    assert found.steps == [2, 5, 8]
    last = score([thetas[-1] for thetas in trained], problem.validation, reader)["accuracy"]
    assert found.mean[-1] == pytest.approx(last.mean().item())
    assert found.std[-1] == pytest.approx(last.std().item())


def test_sets_are_used_in_turn(student):
    first, second = (TrainingSet(torch.full((4, 3, 16), v), torch.eye(3)[[0, 1, 2, 0]], None, 0) for v in (1.0, -1.0))
    recipe = Recipe("sgd", 3, 2, "fixed", 0.1)
    both = train_students(student, [first, second], recipe, [7, 7], [3])
    assert not torch.equal(both[0][0], both[1][0])
    assert torch.allclose(both[1][0], train_students(student, [second], recipe, [7], [3])[0][0], atol=1e-6)


@pytest.mark.parametrize("sets", [1, 2])
def test_students_side_by_side_score_as_students_one_by_one(sets, problem, student):
    """On one set, and on several, whose texts are not equally long."""
    reader = problem.reader(dtype=torch.float64)
    chosen = [np.argsort(problem.train.lengths(), kind="stable")[:12], SELECTORS["random"](problem.train, reader, 4, 0)]
    sets = [real_set(problem.train, rows, reader) for rows in chosen[:sets]]
    assert len({examples.x.shape[1] for examples in sets}) == len(sets)
    recipe, marks = Recipe("adam", 8, 4, "shuffled", 1e-2), [3, 8]
    alone, together = (
        train_students(student, sets, recipe, [0, 1, 2], marks, side_by_side=choice) for choice in ("never", "always")
    )
    for expected, got in zip(alone, together, strict=True):
        assert all(torch.allclose(a, b, rtol=1e-10, atol=1e-10) for a, b in zip(expected, got, strict=True))
    curves = [curve(trained, marks, problem.validation, reader) for trained in (alone, together)]
    assert curves[0] == curves[1]


@pytest.mark.parametrize(("steps", "marks"), [(1, [1]), (7, [1, 2, 3, 4, 5, 6, 7]), (16, [2, 4, 6, 8, 10, 12, 14, 16])])
def test_evenly(steps, marks):
    assert evenly(steps) == marks


@pytest.mark.parametrize("steps", [1, 24, 29, 30, 31, 48, 100, 999])
def test_a_curve_ends_with_the_training(steps):
    marks = marks_of(steps)
    assert marks[-1] == steps
    assert marks == sorted(set(marks))
    assert 1 <= len(marks) <= 14


class TestFullData:
    config = FullDataConfig(step_sizes=[1e-6, 5e-3], epochs=3, batch=32)

    def train(self, problem, folder, seeds=(1, 2), make=None):
        def make_cpu(**options):
            return make_trainer(TrainerConfig(accelerator="cpu"), alone=True, **options)

        return train_full(self.config, problem, list(seeds), folder, make or make_cpu, CPU)

    def test_beats_chance_and_chooses_the_step_size(self, problem, reader, tmp_path):
        thetas, facts = self.train(problem, tmp_path)
        assert score(thetas, problem.test, reader)["accuracy"].min() > 0.5
        assert facts["step_size"] == 5e-3
        assert facts["seconds"] > 0
        assert facts["curve"]["steps"][0] == -(-len(problem.train) // 32)
        assert not torch.equal(*thetas)

    def test_is_trained_once(self, problem, tmp_path):
        first, facts = self.train(problem, tmp_path)

        def fail(**options):
            raise AssertionError("trained again")

        second, again = self.train(problem, tmp_path, make=fail)
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
        assert json.loads(json.dumps(facts)) == json.loads(json.dumps(again))

    @pytest.mark.parametrize(("scales", "expected"), [({}, [0.02]), ({"layer_": 0.5}, [0.02, 0.01])])
    def test_students_and_their_parts_have_step_sizes_that_suit_them(self, scales, expected):
        module = Parts(16, 3)
        module.step_scale, module.part_scales = 2.0, scales
        student = FlatStudent(module)
        groups = StudentTraining(student, student.fresh(0), 1e-2).configure_optimizers().param_groups
        assert [group["lr"] for group in groups] == pytest.approx(expected)
        assert sum(parameter.numel() for group in groups for parameter in group["params"]) == student.size

    @pytest.mark.filterwarnings("ignore:You defined a `validation_step` but have no `val_dataloader`")
    def test_trains_on_any_loader_of_pairs(self, student):
        """The module serves a user's own DataLoader, with class numbers or with distributions."""
        x = torch.randn(12, 5, 16)
        for y in (torch.arange(12) % 3, torch.eye(3).repeat(4, 1)):
            loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=4)
            training = StudentTraining(student, student.fresh(0), 1e-2)
            before = [parameter.detach().clone() for parameter in training.module.parameters()]
            make_trainer(TrainerConfig(accelerator="cpu"), alone=True, max_epochs=1).fit(training, loader)
            assert any(not torch.equal(a, b) for a, b in zip(before, training.module.parameters(), strict=True))


class TestProtocol:
    @pytest.fixture
    def protocol(self, problem):
        return Protocol(SMALL, problem, CPU, seed=0)

    def test_test_texts_are_read_once_per_measurement(self, protocol, problem, monkeypatch):
        read = []
        original = type(problem.test).batch

        def batch(reading, rows):
            if reading is problem.test:
                read.extend(rows)
            return original(reading, rows)

        monkeypatch.setattr(type(problem.test), "batch", batch)
        assert set(protocol.selected("random", 3)["variants"]) == {"in_pieces"}
        assert sorted(read) == sorted(2 * list(range(len(problem.test))))  # for whole texts, and for these in pieces

    @pytest.mark.parametrize("steps", [4, 33])
    def test_students_are_scored_at_the_end_of_their_training(self, steps, protocol, problem, student, reader):
        examples = real_set(problem.train, SELECTORS["random"](problem.train, reader, 3, 0), reader)
        recipe, step_sizes = Recipe("adam", steps, 3, "fixed", 1e-2), torch.linspace(0.001, 0.02, steps)
        found = protocol.measure([examples], recipe, step_sizes)
        seeds = protocol.seeds("evaluation")
        trained = train_students(student, [examples], recipe, seeds, [steps], step_sizes)
        expected = score([theta for (theta,) in trained], problem.test, reader)["accuracy"]
        assert found["accuracy"]["values"] == expected.tolist()
        assert found["curve"]["steps"][-1] == steps

    def test_selection_never_sees_the_test_texts(self, protocol, problem):
        """With test texts of random labels, what is chosen stays the same."""
        chosen = protocol.selected("random", 3)["recipe"]
        scrambled = dataclasses.replace(problem.corpus, test=problem.corpus.validation.sample(20))
        other = dataclasses.replace(protocol, problem=dataclasses.replace(problem, corpus=scrambled))
        assert other.selected("random", 3)["recipe"] == chosen

    def test_random_uses_as_many_subsets_as_students(self, protocol):
        found = protocol.selected("random", 3)
        assert len(found["accuracy"]["values"]) == 2
        assert found["accuracy"]["std"] > 0
        assert min(found["train_seconds"], found["test_seconds"]) > 0

    def test_teacher_labels_are_a_variant(self, protocol, student):
        found = protocol.selected("random", 3, teacher=student.fresh(5))
        assert found["variants"]["teacher_labels"]["accuracy"]["mean"] > 0

    def test_transfer_tunes_another_student(self, protocol):
        other = dataclasses.replace(protocol, config=dataclasses.replace(SMALL, transfer=["fasttext", "textcnn"]))
        found = other.selected("random", 3)["transfer"]
        assert set(found) == {"fasttext"}  # its own student is no transfer


@pytest.mark.parametrize("name", ["several_labels", "pairs"])
class TestProtocolOfOtherTargets:
    @pytest.fixture
    def protocol(self, name, request):
        return Protocol(SMALL, request.getfixturevalue(name), CPU, seed=0)

    @pytest.mark.parametrize("selector", ["random", "k_means"])
    def test_selected_texts_are_measured_whole(self, protocol, selector):
        found = protocol.selected(selector, 3, teacher=protocol.problem.student.fresh(5))
        assert set(found["variants"]) == {"teacher_labels"}  # no piece of a text has all of its labels
        for measure in protocol.problem.task.measures:
            assert all(0 <= value <= 1 for value in found[measure]["values"])
            assert len(found[measure]["values"]) == SMALL.students
        assert found["bytes"] > 0

    def test_full_data_knows_more_than_a_fresh_student(self, protocol, tmp_path):
        def make_cpu(**options):
            return make_trainer(TrainerConfig(accelerator="cpu"), alone=True, **options)

        problem = protocol.problem
        config = dataclasses.replace(SMALL, full=FullDataConfig([1e-2], epochs=8, batch=16))
        theta, full = dataclasses.replace(protocol, config=config).full(tmp_path, make_cpu)
        headline = problem.task.measures[0]
        fresh = score([problem.student.fresh(0)], problem.test, problem.reader(), problem.validation)[headline]
        assert theta.shape == (problem.student.size,)
        assert full[headline]["mean"] > fresh.item()


def test_cost_measures_time_and_memory():
    with Cost() as small:
        pass
    with Cost() as large:
        np.ones(40_000_000 // 8).sum()
    assert large.seconds > 0
    assert large.peak_memory_bytes - small.peak_memory_bytes > 20_000_000
