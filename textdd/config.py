"""The schema of conf/: YAML holds values, these dataclasses hold names, types, defaults and what each means."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf

from textdd.allowed import PLACE, STEP_SIZE, Count, Few, ListOf, Name, Number, OneOf, Parts, Place, Seed, Whole
from textdd.corpora.sources import DatasetConfig
from textdd.distillers import OPTIONS
from textdd.evaluation.protocol import EvaluationConfig
from textdd.evaluation.responses import WritingConfig
from textdd.loggers import LoggerConfig
from textdd.loggers.config import Project
from textdd.outer.chain import ChainConfig
from textdd.quality.config import QualityConfig
from textdd.scoring.config import ScoringConfig, StudentsConfig
from textdd.spaces.vectors import EmbeddingConfig
from textdd.students import STUDENTS
from textdd.students.mixed import MixedConfig
from textdd.trainer import TrainerConfig
from textdd.trust.config import TrustingConfig


@dataclass
class RunConfig:
    """One experiment.

    Attributes:
        budget: size of the distilled set as a fraction of the training texts, such as 0.001.
        per_class: its size as examples per class; give this or budget.
        pairs: its size as pairs of a prompt and a response, where the targets of the corpus are texts.
        seed: the one seed that all others derive from.
        data_dir: folder of data sets on this machine, each in its own folder `<name>/`, and of `vectors/`.
        cache_dir: where tokenised corpora, word vectors and full-data students are kept between runs.
        output_dir: where runs are written, each into a folder named after its configuration.
        overwrite: run again although a finished run of the same configuration exists.
        plan: only say what distilling will take: engine, peak memory, seconds.
        dataset: which corpus.
        model: which student, or several.
        embedding: which word vectors.
        distiller: which method.
        trainer: which devices, strategy and precision.
        logger: which mirrors of the record.
        evaluation: how sets are compared.
        quality: what is looked at in a set of texts.
    """

    budget: Annotated[float, Number(0, 1, "(]", usual=0.001)] | None = None
    per_class: Annotated[int, Whole(1, 1_000_000, usual=10)] | None = None
    pairs: Annotated[int, Whole(1, 1_000_000, usual=50)] | None = None
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
    quality: QualityConfig = field(default_factory=QualityConfig)


@dataclass
class SetConfig:
    """A set, and a corpus that it is held against.

    Attributes:
        artifact: the artefact's folder, or a file of texts and labels.
        seed: the seed that initialisations of students derive from.
        data_dir: folder of data sets on this machine.
        cache_dir: where tokenised corpora are kept.
        dataset: the corpus; null takes the demo, or the files that `data_dir` has under the name that the artefact
            gives: no other file and no address that it names is opened.
        embedding: word vectors of another student; null takes those that the set was made with.
        model: another student; null takes the one that the set was made for, as its options do, which is how one says
            where a pretrained student lies.
    """

    artifact: Place = MISSING
    seed: Seed = 0
    data_dir: Place | None = None
    cache_dir: Place = "~/.cache/textdd"
    dataset: Annotated[DatasetConfig | None, OneOf(None)] = None
    embedding: Annotated[EmbeddingConfig | None, OneOf(None)] = None
    model: Annotated[Any, OneOf(None)] = None


@dataclass
class EvaluateConfig(SetConfig):
    """One scoring of a set; another student than its own is trained with a plain recipe.

    Attributes:
        quality: what is looked at in a set of texts.
        students: K, fresh students.
        texts: validation texts used to choose a recipe.
        step_sizes: Adam step sizes tried for plain recipes, as multiples of what suits the student.
        steps: the longest plain training tried.
        tuning_students: fresh students per step size tried.
        writing: how sets of prompts and responses are compared.
    """

    quality: QualityConfig = field(default_factory=QualityConfig)
    students: Few = 5
    texts: Count = 2000
    step_sizes: Annotated[list[float], ListOf(STEP_SIZE, least=1)] = field(default_factory=lambda: [1e-3, 3e-3, 1e-2])
    steps: Count = 400
    tuning_students: Few = 2
    writing: WritingConfig = field(default_factory=WritingConfig)


@dataclass
class ExamineConfig(SetConfig):
    """One quality report.

    Attributes:
        quality: what is looked at in a set of texts.
        teacher: train a student on all texts, and say how often it agrees with the labels of the set.
    """

    quality: QualityConfig = field(default_factory=QualityConfig)
    teacher: bool = True


@dataclass
class TrustConfig(SetConfig):
    """One trust report.

    Attributes:
        students: K, fresh students of each kind that is attacked.
        trust: what is asked.
    """

    students: Few = 5
    trust: TrustingConfig = field(default_factory=TrustingConfig)


@dataclass
class ExportConfig:
    """One set of texts as a file.

    Attributes:
        artifact: the set: an artefact's folder, or a file of texts and labels.
        to: the file to write; its suffix is .parquet, .jsonl or .csv, and its card, README.md, lies beside it.
    """

    artifact: Place = MISSING
    to: Place = MISSING


@dataclass
class ScoreConfig:
    """One scoring of the sets of a method, beside baselines.

    Attributes:
        set: an artefact, a file of texts and labels, a data set saved to disk, or a folder of several of these that one
            method made.
        seed: the seed that initialisations, baselines and the validation split derive from.
        data_dir: folder of data sets on this machine, and of `vectors/`.
        cache_dir: where tokenised corpora, word vectors and full-data students are kept.
        output_dir: where results are written, and what a killed command has finished.
        dataset: the corpus whose test texts are read.
        embedding: word vectors of students that have none of their own; sets of matrices bring theirs.
        model: options of each student, by its name.
        score: how sets are scored.
    """

    set: Place = MISSING
    seed: Seed = 0
    data_dir: Place | None = None
    cache_dir: Place = "~/.cache/textdd"
    output_dir: Place = "scores"
    dataset: Annotated[DatasetConfig | None, OneOf(None)] = None
    embedding: EmbeddingConfig = field(default_factory=EmbeddingConfig)
    model: StudentsConfig = field(default_factory=StudentsConfig)
    score: ScoringConfig = field(default_factory=ScoringConfig)


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
class LeaderboardConfig:
    """The leaderboard.

    Attributes:
        entries: the folder of its entries.
        out: the folder to write page and table to; null takes that of the entries.
    """

    entries: Place = "experiments/leaderboard"
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
    store.store(name="quality_schema", node=ExamineConfig)
    store.store(name="trust_schema", node=TrustConfig)
    store.store(name="export_schema", node=ExportConfig)
    store.store(name="score_schema", node=ScoreConfig)
    store.store(name="report_schema", node=ReportConfig)
    store.store(name="leaderboard_schema", node=LeaderboardConfig)
    store.store(name="dashboard_schema", node=DashboardConfig)
    for name, (_, options) in STUDENTS.items():
        store.store(group="schema/model", name=name, node=options)
    store.store(group="schema/model", name="mixed", node=MixedConfig)
    for name, options in OPTIONS.items():
        store.store(group="schema/distiller", name=name, node=options)
    store.store(group="schema/distiller", name="chain", node=ChainConfig)


def to_run(cfg: DictConfig) -> RunConfig:
    """Turn a composed configuration into plain dataclasses: nothing beyond this line knows OmegaConf."""
    run = OmegaConf.to_object(cfg)
    assert isinstance(run, RunConfig)
    return run
