"""Chains divide the minutes and add up the costs."""

import dataclasses

from tests.distillers.test_distillers import options
from textdd.distillers import DISTILLERS
from textdd.groups import CONF
from textdd.outer.chain import ChainConfig, added_up, stages_of


def test_a_method_alone_is_a_chain_of_one():
    config = options("meta_gradient")
    assert stages_of(config) == [config]


def test_stages_share_the_minutes_and_the_first_takes_the_warm_start():
    first, second = options("trajectory_matching", minutes=4.0), options("meta_gradient", minutes=12.0)
    given = {"trajectory_matching": first, "meta_gradient": second, "paper": options("paper")}
    chain = ChainConfig(stages=["trajectory_matching", "meta_gradient"], minutes=8.0, warm_start="there", options=given)
    assert list(chain.options) == ["trajectory_matching", "meta_gradient"]  # the rest must not decide a run's name
    assert stages_of(chain) == [
        dataclasses.replace(first, minutes=2.0, warm_start="there"),
        dataclasses.replace(second, minutes=6.0),
    ]


def test_costs_add_up():
    facts = [
        {"seconds": 2.0, "peak_memory_bytes": 7, "validation_accuracy": 0.9, "outer_steps": 3},
        {"seconds": 1.5, "peak_memory_bytes": 5, "validation_accuracy": 0.8, "outer_steps": 4},
    ]
    total = added_up(facts)
    assert total.pop("stages") == facts
    assert total == {"seconds": 3.5, "peak_memory_bytes": 7, "validation_accuracy": 0.8, "outer_steps": 7}


def test_every_method_can_be_a_stage():
    text = (CONF / "distiller" / "chain.yaml").read_text()
    assert all(f"- {name}@options.{name}\n" in text for name in DISTILLERS)
