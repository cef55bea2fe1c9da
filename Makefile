# Every target makes .venv by itself and installs what it needs, pinned by constraints.txt.
# `make demo` installs only what a user of the package gets.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-slow check format bench gpu-check torchtext clean

demo: .venv/.demo            ## train on the embedded corpus, evaluate, show neighbors: offline
	$(BIN)/word2vec demo

test: .venv/.dev             ## the tests; real corpora are used where WORD2VEC_DATA names their folder
	$(BIN)/python -m pytest

test-slow: .venv/.dev        ## the tests on real text and with many processes
	$(BIN)/python -m pytest -m slow

check: .venv/.dev            ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright

format: .venv/.dev           ## put the code into the form that `make check` wants
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.peers          ## compare with gensim, fastText and the tutorial pipeline; CORPUS=file
	$(BIN)/python evaluation/compare.py $(CORPUS)

gpu-check: .venv/.peers      ## on a machine with CUDA: tests, a sweep and the comparison; CORPUS=file
	$(BIN)/python evaluation/gpu_check.py $(CORPUS)

torchtext: .venv-torchtext/.done  ## the adapter against the real torchtext, with the torch of 2024 (6 GB) in its own folder
	.venv-torchtext/bin/python -m pytest tests/test_torchtext.py

.venv-torchtext/.done: pyproject.toml
	$(PYTHON) -m venv .venv-torchtext
	.venv-torchtext/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[torchtext]' pytest
	@touch $@

.venv/.base: constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.demo: .venv/.base
	$(PIP) --editable .
	@touch $@

.venv/.dev: .venv/.base
	$(PIP) --editable '.[dev]'
	@touch $@ .venv/.demo

.venv/.peers: .venv/.dev
	$(PIP) --editable '.[dev,peers]'
	@touch $@

clean:                       ## remove the environment and what the tools left
	rm -rf .venv .venv-torchtext .mypy_cache .pytest_cache .ruff_cache dist
