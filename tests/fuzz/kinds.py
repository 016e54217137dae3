"""What is fuzzed: for each kind, what runs a case and what makes one."""

from tests.fuzz import artefacts, corpora, faults, options, results, vectors

KINDS = {
    "artefacts": (artefacts.run, artefacts.make),
    "vectors": (vectors.run, vectors.make),
    "results": (results.run, results.make),
    **{kind: (corpora.run, corpora.maker(kind)) for kind in ("csv", "tsv", "jsonl", "parquet")},
    "options": (options.run, options.make),
}

ALL = KINDS | {name: (fault, faults.make) for name, fault in faults.FAULTS.items()}
"""Those that the harness itself is tested with among them."""
