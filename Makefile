# Every target creates .venv and installs what it needs, pinned by constraints.txt.
# `make demo` installs only what a user of the package gets.

PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo test test-slow check format docs notebooks tables bench gpu-check torchtext interop clean

demo: .venv/.demo            ## train on the embedded corpus, evaluate, show nearest words; offline
	$(BIN)/word2vec demo

test: .venv/.dev             ## the test suite, in parallel; WORD2VEC_DATA names a folder with real corpora, if there is one
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

notebooks: .venv/.dev        ## execute all notebooks
	$(BIN)/python -m pytest -m "slow or not slow" tests/test_notebooks.py

test-slow: .venv/.dev        ## the tests that train on real text or start many processes
	$(BIN)/python -m pytest -m slow

check: .venv/.dev            ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pyright

format: .venv/.dev           ## format the code and apply the linter's fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/.docs            ## build the documentation into site/; warnings are errors
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

tables: .venv/.dev           ## render the tables of README and docs from evaluation/results/; ARGS=--check only compares
	$(BIN)/python evaluation/tables.py $(ARGS)

bench: .venv/.peers          ## compare with gensim, fastText and a typical tutorial; CORPUS=file
	$(BIN)/python evaluation/compare.py $(CORPUS)

gpu-check: .venv/.peers      ## on a machine with CUDA: tests, a sweep and the comparison; CORPUS=file
	$(BIN)/python evaluation/gpu_check.py $(CORPUS)

torchtext: .venv-torchtext/.done  ## test the adapter with the real torchtext and PyTorch 2.3 (6 GB) in its own environment
	.venv-torchtext/bin/python -m pytest tests/vectors/test_torchtext.py

interop: .venv-interop/.done ## test exports with the real model2vec, sentence-transformers, spaCy, faiss and usearch
	.venv-interop/bin/python -m pytest tests/formats/test_model2vec.py tests/formats/test_spacy_pipeline.py \
		tests/formats/test_floret.py tests/vectors/test_approximate.py

.venv-interop/.done: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-interop
	.venv-interop/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[interop-test]'
	@touch $@

.venv-torchtext/.done: pyproject.toml
	$(PYTHON) -m venv .venv-torchtext
	.venv-torchtext/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[torchtext]' pytest
	@touch $@

.venv/.base: constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv
	@touch $@

.venv/.demo: .venv/.base
	@echo "installing the package and PyTorch into .venv (a few minutes the first time)"
	@$(PIP) --editable .
	@touch $@

.venv/.dev: .venv/.base
	@echo "installing the package, PyTorch and the development tools into .venv (a few minutes the first time)"
	@$(PIP) --editable '.[dev]'
	@touch $@ .venv/.demo .venv/.docs

.venv/.docs: .venv/.base
	@echo "installing the package, PyTorch and MkDocs into .venv (a few minutes the first time)"
	@$(PIP) --editable '.[docs]'
	@touch $@ .venv/.demo

.venv/.peers: .venv/.dev
	@echo "installing gensim and fastText into .venv"
	@$(PIP) --editable '.[dev,peers]'
	@touch $@

clean:                       ## remove the environments, the built site and the tools' caches
	rm -rf .venv .venv-interop .venv-torchtext .mypy_cache .pytest_cache .ruff_cache dist site
