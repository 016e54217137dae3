# Everything a newcomer types: `make demo` runs the main job, `make test` the tests; both install what they need.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help install install-dev demo lint test bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 14

install: $(VENV)/installed  ## make .venv with textdd and what it needs

install-dev: $(VENV)/installed-dev  ## the same with the tools for tests and lint

demo: install  ## distil the built-in corpus and compare distilled vs random vs full
	$(BIN)/python -m textdd.run dataset=demo per_class=10 distiller.outer_steps=400

lint: install-dev  ## style and types
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

test: install-dev lint  ## style, types and all tests with coverage
	$(BIN)/python -m pytest

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
	$(INSTALL) --group lint --group test
	touch $@
