# Every target works from a bare clone with Python 3.11, make and git alone.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: setup run demo test lint bench lock clean

setup: .venv/.runtime

.venv/.runtime: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

.venv/.dev: .venv/.runtime requirements-dev.lock
	$(PIP) install --require-hashes -r requirements-dev.lock
	touch $@

run: setup
	$(BIN)/evnews up --open

demo: setup
	$(BIN)/python -m tests.newsroom.demo

test: .venv/.dev
	$(BIN)/python -m pytest -n auto

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: .venv/.dev
	@test -d "$(CORPUS)/extraction" || { echo "make bench CORPUS=folder: see docs/benchmarks.md for what is in it"; exit 2; }
	$(BIN)/python benchmarks/everything.py $(CORPUS)

# Resolves the locks anew (needs uv). Names, versions and hashes only: no index address.
lock:
	uv pip compile pyproject.toml requirements.in --extra postgres $(UV) -o requirements.lock
	uv pip compile pyproject.toml requirements.in --extra postgres --extra parquet --group dev -c requirements.lock $(UV) -o requirements-dev.lock
UV := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet

clean:
	rm -rf .venv build dist *.egg-info
