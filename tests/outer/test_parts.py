"""The parts that distillers share: labels and step sizes, averaging, clipping, the pool, what steps cost."""

import math
from dataclasses import asdict
from functools import partial

import pytest
import torch

from tests.conftest import problem_of
from tests.distillers.test_distillers import options
from textdd.errors import TextddError
from textdd.outer.averaging import Averaged
from textdd.outer.clipping import AdaptiveClip
from textdd.outer.config import DistillerConfig
from textdd.outer.distil import check_checkpoint, make_distiller, outer_steps_of
from textdd.outer.pool import Pool
from textdd.outer.synthetic import SyntheticSet
from textdd.tasks import OneClass
from textdd.training import Recipe, State
from textdd.training.work import PER_MINUTE


def test_soft_labels_and_step_sizes_start_where_they_should():
    synthetic = SyntheticSet(torch.zeros(6, 2, 4), OneClass(3), Recipe(steps=5, step_size=0.02), "soft", 0.8)
    labels = synthetic.labels()
    assert labels[torch.arange(6), torch.arange(6) % 3].tolist() == pytest.approx([0.8] * 6, rel=1e-5)
    assert synthetic.step_sizes().tolist() == pytest.approx([0.02] * 5, rel=1e-4)


def test_hard_labels_and_constant_step_sizes_are_no_parameters():
    synthetic = SyntheticSet(
        torch.zeros(6, 2, 4), OneClass(3), Recipe(steps=5, step_size=0.02), "hard", learn_step_sizes=False
    )
    assert [name for name, _ in synthetic.named_parameters()] == ["texts.x"]
    assert torch.equal(synthetic.labels(), torch.eye(3).repeat(2, 1))
    assert torch.equal(synthetic.step_sizes(), torch.full((5,), 0.02))


def test_averages_follow_and_forget_their_start():
    synthetic = SyntheticSet(torch.zeros(2, 1, 1), OneClass(2), Recipe(steps=1))
    averaged = Averaged(synthetic, decay=0.9)
    with torch.no_grad():
        synthetic.x.fill_(1.0)
    averaged.follow(synthetic, step=0)
    assert averaged.mean.x.unique().item() == pytest.approx(0.9)  # the first step keeps a tenth of the start
    with torch.no_grad():
        synthetic.x.fill_(2.0)
    averaged.follow(synthetic, step=10_000)
    assert averaged.mean.x.unique().item() == pytest.approx(0.9 * 0.9 + 0.1 * 2)
    assert not averaged.mean.x.requires_grad


class TestAdaptiveClip:
    def gradient(self, clip, norm):
        parameter = torch.nn.Parameter(torch.zeros(4))
        parameter.grad = torch.full((4,), norm / 2)
        before = clip([parameter])
        return before, parameter.grad.norm().item()

    def test_cuts_only_what_stands_out(self):
        clip = AdaptiveClip(factor=2.0, decay=0.9)
        assert self.gradient(clip, 1.0) == pytest.approx((1.0, 1.0))
        assert self.gradient(clip, 1.9) == pytest.approx((1.9, 1.9))
        mean = 0.9 * 1.0 + 0.1 * 1.9
        assert self.gradient(clip, 100.0) == pytest.approx((100.0, 2 * mean))
        assert clip.mean == pytest.approx(0.9 * mean + 0.1 * 2 * mean)  # a spike moves the mean by no more than it may

    def test_off(self):
        clip = AdaptiveClip(factor=0.0)
        self.gradient(clip, 1.0)
        assert self.gradient(clip, 100.0) == pytest.approx((100.0, 100.0))

    def test_survives_one_explosion_but_not_many(self):
        clip = AdaptiveClip(patience=3)
        self.gradient(clip, 1.0)
        for _ in range(2):
            assert self.gradient(clip, math.nan)[1] == 0
        assert self.gradient(clip, 1.0)[1] == pytest.approx(1.0)  # the count starts anew
        for _ in range(2):
            self.gradient(clip, math.inf)
        with pytest.raises(TextddError, match=r"not finite in 3 outer steps.*distiller.step_size=0.001"):
            self.gradient(clip, math.nan)

    def test_state(self):
        clip, other = AdaptiveClip(), AdaptiveClip()
        self.gradient(clip, 3.0)
        other.load_state_dict(clip.state_dict())
        assert self.gradient(other, 100.0) == self.gradient(clip, 100.0)


def test_pool_round_trip():
    states = [State(torch.randn(5), (torch.randn(5), torch.randn(5)), t) for t in (0, 4)]
    pool = Pool(states, [2**62, 3])
    leaf = torch.ones(5, requires_grad=True)
    pool.put(1, State(leaf * 2, (leaf * 3, leaf * 4), 7), seed=9)
    assert not pool.states[1].theta.requires_grad
    again = Pool.from_state_dict(pool.state_dict())
    assert len(again) == 2
    assert again.seeds == [2**62, 9]
    assert [state.t for state in again.states] == [0, 7]
    assert torch.equal(again.states[1].slots[1], torch.full((5,), 4.0))


def test_outer_steps_are_as_configured_or_as_many_as_the_work_pays_for():
    assert outer_steps_of(DistillerConfig(outer_steps=7), 1.0) == 7
    assert outer_steps_of(DistillerConfig(minutes=1), PER_MINUTE / 1000) == 1000
    assert outer_steps_of(DistillerConfig(), PER_MINUTE * 100) == 1
    assert outer_steps_of(DistillerConfig(minutes=1), PER_MINUTE / 1001) == 1100  # a check follows the last step
    assert outer_steps_of(DistillerConfig(minutes=1), PER_MINUTE / 1000, PER_MINUTE / 10) == 900
    assert outer_steps_of(DistillerConfig(minutes=1), PER_MINUTE / 1000, PER_MINUTE) == 500


def test_preparing_is_work_where_something_is_prepared(problem):
    def before(name, texts, **changes):
        return make_distiller(options(name, **changes), problem).work_before(texts, 40)

    assert before("meta_gradient", 1000, targets="labels") == 0
    taught = before("meta_gradient", 1000, targets="labels", labels="teacher")
    assert before("meta_gradient", 1000, targets="teacher", labels="teacher") == taught  # by the same teacher
    assert taught == pytest.approx(before("meta_gradient", 32_000, targets="teacher"))  # a small corpus is read again
    assert before("meta_gradient", 64_000, targets="teacher") == pytest.approx(2 * taught)
    assert before("meta_gradient", 10**7, targets="teacher") == before("meta_gradient", 10**5, targets="teacher")
    assert before("trajectory_matching", 10, experts=4) == 2 * before("trajectory_matching", 10, experts=2) > 0


def work_of(problem, name, **changes):
    return make_distiller(options(name, **changes), problem).work_per_step(real_length=40)


def test_more_to_do_in_an_outer_step_is_more_work(corpus, cache, problem):
    count = partial(work_of, problem_of(corpus, cache, dimension=100, filters=100))
    alone = {"inner_steps": 8, "inner_batch": 3, "plain_share": 0.0, "targets": "labels"}
    whole = count("meta_gradient", **alone)
    real = 32 * (5 + 0.9 * 40)  # 32 texts of 40 tokens
    assert whole == 8 * (800 + 3 * (21 + 6)) + real  # batches of 3 texts of 6 tokens
    assert work_of(problem, "meta_gradient", **alone) == pytest.approx(whole * 8 * 16 / 100**2)  # a smaller student
    assert count("meta_gradient", **alone, students=2) == 2 * whole
    assert count("meta_gradient", **{**alone, "targets": "teacher"}) > whole
    assert count("meta_gradient", **alone, losses=3) == whole + 2 * real
    # Four plain steps with a derivative, on all 6 texts; before them on average ten without.
    plain = 4 * (800 + 6 * (21 + 6)) + 10 * (480 + 6 * (6 + 0.9 * 6)) + real
    assert count("meta_gradient", **{**alone, "plain_share": 1.0}) == pytest.approx(plain)
    windows = [count("meta_gradient", **alone, window=4, truncation=kind) for kind in ("pool", "random")]
    assert windows[0] < windows[1] < whole
    assert count("distribution_matching") < count("kernel_ridge") < count("kernel_ridge", online_steps=3)
    assert count("gradient_matching", gradient="head") < count("gradient_matching")


class TestCheckpoint:
    @pytest.fixture
    def path(self, tmp_path):
        torch.save({"config": asdict(DistillerConfig(length=7))}, tmp_path / "last.ckpt")
        return tmp_path / "last.ckpt"

    def test_of_this_run_is_taken(self, path):
        check_checkpoint(path, DistillerConfig(length=7))

    def test_of_other_options_is_refused(self, path):
        with pytest.raises(TextddError, match=r"last\.ckpt was made with other values of length, labels\. Type: rm "):
            check_checkpoint(path, DistillerConfig(length=8, labels="hard"))

    @pytest.mark.parametrize("content", [b"", b"garbage", None])
    def test_damaged_is_refused(self, path, content):
        path.write_bytes(path.read_bytes()[:-50] if content is None else content)
        with pytest.raises(TextddError, match=r"is damaged .* to distil from the start"):
            check_checkpoint(path, DistillerConfig(length=7))

    def test_foreign_is_refused(self, path):
        torch.save({"weights": 1}, path)
        with pytest.raises(TextddError, match=r"is no checkpoint of textdd"):
            check_checkpoint(path, DistillerConfig(length=7))
