"""The schema of conf/: YAML holds values, these dataclasses hold names, types, defaults and what each means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from textdd.allowed import PLACE, Few, ListOf, Name, Number, OneOf, Parts, Place, Seed, Whole
from textdd.corpora.sources import DatasetConfig
from textdd.distillers import OPTIONS
from textdd.evaluation.protocol import EvaluationConfig
from textdd.loggers import LoggerConfig
from textdd.loggers.config import Project
from textdd.outer.chain import ChainConfig
from textdd.spaces.vectors import EmbeddingConfig
from textdd.students import STUDENTS
from textdd.trainer import TrainerConfig


@dataclass
class RunConfig:
    """One experiment.

    Attributes:
        budget: size of the distilled set as a fraction of the training texts, such as 0.001.
        per_class: its size as examples per class; give this or budget.
        seed: the one seed that all others derive from.
        data_dir: folder of data sets on this machine, each in its own folder `<name>/`, and of `vectors/`.
        cache_dir: where tokenised corpora, word vectors and full-data students are kept between runs.
        output_dir: where runs are written, each into a folder named after its configuration.
        overwrite: run again although a finished run of the same configuration exists.
        plan: only say what distilling will take: engine, peak memory, seconds.
        dataset: which corpus.
        model: which student.
        embedding: which word vectors.
        distiller: which method.
        trainer: which devices, strategy and precision.
        logger: which mirrors of the record.
        evaluation: how sets are compared.
    """

    budget: Annotated[float, Number(0, 1, "(]", usual=0.001)] | None = None
    per_class: Annotated[int, Whole(1, 1_000_000, usual=10)] | None = None
    seed: Seed = 0
    data_dir: Place | None = None
    cache_dir: Place = "~/.cache/textdd"
    output_dir: Place = "runs"
    overwrite: bool = False
    plan: bool = False
    dataset: DatasetConfig = field(default_factory=DatasetConfig)
    model: Annotated[Any, Parts()] = MISSING
    embedding: EmbeddingConfig = field(default_factory=EmbeddingConfig)
    distiller: Annotated[Any, Parts()] = MISSING
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    logger: LoggerConfig = field(default_factory=LoggerConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)


@dataclass
class EvaluateConfig:
    """One scoring of an artefact.

    Attributes:
        artifact: the artefact's folder.
        students: K, fresh students.
        seed: the seed that their initialisations derive from.
        data_dir: folder of data sets on this machine.
        cache_dir: where tokenised corpora are kept.
        dataset: the corpus that the set was made of; null takes the demo, or the files that `data_dir` has under the
            name that the artefact gives: no other file and no address that it names is opened.
        model: another student, to be trained on the set with a plain recipe; null takes the set's own, as its options
            do, which is how one says where a pretrained student lies.
    """

    artifact: Place = MISSING
    students: Few = 5
    seed: Seed = 0
    data_dir: Place | None = None
    cache_dir: Place = "~/.cache/textdd"
    dataset: Annotated[DatasetConfig | None, OneOf(None)] = None
    model: Annotated[Any, OneOf(None)] = None


@dataclass
class ReportConfig:
    """One report.

    Attributes:
        runs: a folder of run folders, a run folder or a result.json; or several of these as [a,b].
        out: the folder to write; null takes `report/` beside the run folders.
    """

    runs: Annotated[Any, PLACE, ListOf(PLACE, least=1)] = MISSING
    out: Place | None = None


@dataclass
class DashboardConfig:
    """A W&B report on many runs.

    Attributes:
        entity: the W&B user or team that the runs belong to.
        project: the W&B project that holds them.
        title: what the report is called.
        offline: write the report to a file instead of sending it; so it goes without a key, too.
        file: that file.
    """

    entity: Name | None = None
    project: Project = "textdd"
    title: Name = "textdd: distilled vs random vs full"
    offline: bool = False
    file: Place = "dashboard.json"


def register() -> None:
    """Tell Hydra the schema; the options of students and distillers differ by choice, so each choice has its own."""
    store = ConfigStore.instance()
    store.store(name="run_schema", node=RunConfig)
    store.store(name="evaluate_schema", node=EvaluateConfig)
    store.store(name="report_schema", node=ReportConfig)
    store.store(name="dashboard_schema", node=DashboardConfig)
    for name, (_, options) in STUDENTS.items():
        store.store(group="schema/model", name=name, node=options)
    for name, options in OPTIONS.items():
        store.store(group="schema/distiller", name=name, node=options)
    store.store(group="schema/distiller", name="chain", node=ChainConfig)


def to_run(cfg: DictConfig) -> RunConfig:
    """Turn a composed configuration into plain dataclasses: nothing beyond this line knows OmegaConf."""
    run = OmegaConf.to_object(cfg)
    assert isinstance(run, RunConfig)
    return run
