# bgnest: two commands set everything up on a fresh machine.
#   make run     the full 80,000-neuron Lindahl network, from NESTML sources to figures
#   make test    everything the tests need, then lint, types and tests
#   make docs    the documentation as a site in docs/_build/html; executes the tutorials, checks all links within it
# Both create .venv themselves. Needs: python3 (3.11 or later, with venv), g++ with C++20, make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
THREADS ?= $(shell nproc)
OUT ?= runs/lindahl2016-activation_control-80000
# tests of different files run side by side; PYTEST_ARGS="-n 0" runs all in one process
TEST_WORKERS ?= $(shell n=$$(nproc); echo $$((n < 4 ? n : 4)))
PYTEST_ARGS ?=
RUN_ARGS ?=
DOCS_ARGS ?=
# half a minute of processor time
COVERED ?= tests/unit/runs tests/unit/test_room.py tests/unit/analysis/test_verdict.py \
  tests/unit/analysis/test_statistics.py tests/unit/experiment/test_spec_yamlfile.py tests/unit/experiment/test_spec_derive.py

.PHONY: run test coverage docs links env test-env lint mpi clean
.DEFAULT_GOAL := run

run: env
	$(BIN)/bgnest run lindahl2016/activation_control --threads $(THREADS) --out $(OUT) --overwrite $(RUN_ARGS)

test: test-env lint
	$(BIN)/python -m pytest -n $(TEST_WORKERS) $(PYTEST_ARGS)

lint: test-env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# of the quickest tests; part of .ci/run
coverage: test-env
	$(BIN)/python -m pytest -q --cov=network --cov-report=term:skip-covered $(COVERED)

# a warning is an error; DOCS_ARGS="-D nb_execution_mode=off" leaves the tutorials as they are written
docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html $(DOCS_ARGS) docs docs/_build/html
	@echo "docs/_build/html/index.html"

# links to other sites; needs the network
links: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -q -b linkcheck -D nb_execution_mode=off docs docs/_build/links

# NEST with MPI, compiled from PyPI's sources into .venv-mpi: minutes when new, seconds afterwards;
# MPI=mpich takes MPICH where Open MPI is there, too, and makes .venv-mpich
mpi: $(BIN)/python
	@$(BIN)/python scripts/build_nest_mpi.py $(if $(MPI),--mpi $(MPI))

env: $(VENV)/.installed
test-env: $(VENV)/.installed-test

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "bgnest needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12" >&2; exit 1; }
	@command -v g++ >/dev/null || { echo "bgnest compiles its neuron models with g++, which is missing. Debian/Ubuntu: apt-get install g++" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python's venv module is missing. Debian/Ubuntu: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.installed: $(BIN)/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[nest]'
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[nest,test]'
	@touch $@

$(VENV)/.installed-docs: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[nest,docs]'
	@touch $@

clean:
	rm -rf docs/_build docs/reference/generated $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
