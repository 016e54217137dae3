"""The first cases of every kind, the same every time; `make fuzz` goes on for as long as one likes."""

import pytest

from tests.fuzz.__main__ import report
from tests.fuzz.harness import Worker

CASES = {
    "artefacts": 120,
    "vectors": 120,
    "results": 25,
    "csv": 40,
    "tsv": 25,
    "jsonl": 40,
    "parquet": 40,
    "options": 15,
}


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    worker = Worker(tmp_path_factory.mktemp("fuzz"))
    yield worker
    worker.stop()


@pytest.mark.parametrize("kind", CASES)
def test_damaged_input_is_taken_rightly_or_refused_with_a_remedy(kind, worker):
    counts = worker.fuzz(kind, 0, CASES[kind])
    assert not counts.faults, report({kind: counts})
    assert counts.states.total() == CASES[kind]


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("trace", "ValueError at outside"),
        ("address", "outside: socket.getaddrinfo"),
        ("file", "outside: open"),
        ("memory", "memory: "),
        ("silence", "message without a remedy"),
        ("crash", "the process ended with -6"),
    ],
)
def test_what_must_not_be_is_found(kind, what, worker):
    (found,) = worker.fuzz(kind, 0, 1).faults
    assert found.startswith(what)
