"""The runs of the comparison in accuracy.py: which method on which corpus, at which size, with which options."""

CORPORA = {"ag_news": 30, "dbpedia": 40, "sst2": 30, "trec6": 9}
"""Corpus -> examples per class at the paper's budget: 0.1 % of the original corpora for ag_news and dbpedia."""

FEWER = {"ag_news": (1, 3), "dbpedia": (1, 4), "sst2": (1, 3), "trec6": (1, 3)}
"""Corpus -> smaller numbers of examples per class, for the default."""

LONGER = {
    "ag_news-longer-30": ("minutes=9",),
    "ag_news-hour-30": ("minutes=35", "inner_steps=48"),
    "dbpedia-longer-40": ("minutes=9",),
    "dbpedia-hour-40": ("minutes=25", "inner_steps=48", "pieces=2"),
    "sst2-longer-3": ("minutes=9",),
    "trec6-longer-9": ("minutes=9",),
}
"""Longer run -> its options, which are not the default's."""

MINUTES, PAPER_MINUTES = 1, 4.5
"""Of distilling on two cores, counted; a job with one thread takes up to twice as long. The paper's settings get more:
their texts are as long as real ones."""

DISTILLERS = (
    "paper",
    "meta_gradient",
    "kernel_ridge",
    "distribution_matching",
    "gradient_matching",
    "trajectory_matching",
    "label_distillation",
    "chain",
)
BRIEF = ("evaluation.texts=1000", "evaluation.transfer=[]")
"""What the comparison of distillers, each beside random texts, leaves out to be done in an hour."""

SELECTORS = ("random", "herding", "k_center", "k_means")


def plan() -> dict[str, list[str]]:
    """Every run: name -> its options. Neighbours are of different corpora, so that jobs do not wait for each other."""
    selectors = f"evaluation.selectors=[{','.join(SELECTORS)}]"
    runs = {}
    for dataset, per_class in CORPORA.items():
        runs[f"{dataset}-default-{per_class}"] = [f"per_class={per_class}", selectors]
    for i in range(2):
        for dataset, fewer in FEWER.items():
            runs[f"{dataset}-default-{fewer[i]}"] = [f"per_class={fewer[i]}", selectors]
    for name, longer in LONGER.items():
        runs[name] = [f"per_class={name.split('-')[-1]}", *(f"distiller.{option}" for option in longer)]
    for distiller in DISTILLERS:
        minutes = PAPER_MINUTES if distiller == "paper" else MINUTES
        for dataset, per_class in CORPORA.items():
            options = [f"per_class={per_class}", f"distiller={distiller}", f"distiller.minutes={minutes}"]
            runs[f"{dataset}-{distiller}"] = [*options, *BRIEF]
    return {name: [f"dataset={name.split('-')[0]}", *options] for name, options in runs.items()}
