# Every target works from a bare clone with Python 3.11, make and git alone; `make tools` installs what the groups need.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: setup run demo test browser clients faults archive-tools tools lint bench lock clean

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

# All tests but those of the groups below; the last line counts what was left out.
test: .venv/.dev
	$(BIN)/python -m pytest -n auto

# The tests of one group (tests/groups.py). A missing tool fails them.
browser clients faults archive-tools: .venv/.dev
	$(BIN)/python -m pytest -n auto -m $(subst -,_,$@)

# Installs what the groups that have tests need, or those of GROUPS="browser clients". Root is needed for Debian packages.
tools: .venv/.dev
	$(BIN)/python -m tests.groups install $(GROUPS)

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry aggregator spiders storage
	$(BIN)/deptry tests benchmarks --ignore DEP002,DEP004

bench: .venv/.dev
	@test -d "$(CORPUS)/extraction" || { echo "make bench CORPUS=folder: see docs/benchmarks.md for what is in it"; exit 2; }
	$(BIN)/python benchmarks/everything.py $(CORPUS)

# Resolves the locks anew (needs uv). Names, versions and hashes only: no index address.
lock:
	uv pip compile pyproject.toml requirements.in --extra postgres $(UV) -o requirements.lock
	uv pip compile pyproject.toml requirements.in --extra postgres --extra parquet --group dev -c requirements.lock $(UV) -o requirements-dev.lock
	uv pip compile --group pyproject.toml:browser -c requirements-dev.lock $(UV) -o requirements-browser.lock
	uv pip compile --group pyproject.toml:archive-tools $(UV) -o requirements-archive-tools.lock
UV := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --quiet

clean:
	rm -rf .venv .venv-archive-tools build dist *.egg-info
