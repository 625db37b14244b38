.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where bytecode may not be kept, each of the many processes that tests start would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo migration docs test lint types imports check format bench clean

help: ## Show what can be done here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk 'BEGIN {FS = ":.*## "} {printf "  make %-10s %s\n", $$1, $$2}'

setup: $(VENV)/.installed ## Make .venv with the pinned versions (needs only Python 3.11 and the package index)

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Conjunct needs Python 3.11 or newer; set PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup ## Run the main job end to end on this machine (ARGS=--once stops at the end)
	$(BIN)/conjunct demo $(ARGS)

migration: setup ## Write the migration for changed models (NAME="what it does")
	$(BIN)/python scripts/make_migration.py $(NAME)

test: setup ## Run the tests (ARGS is passed to pytest)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: setup ## Check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## Check types strictly
	$(BIN)/mypy

imports: setup ## Prove that imports go down the tree only
	$(BIN)/lint-imports

check: lint types imports test ## Everything that CI checks

format: setup ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup ## Write the parts of the reference that come from the code
	$(BIN)/python -m scripts.generate_docs

bench: setup ## Measure the budgets, with their bare baselines, in one run
	$(BIN)/python -m benchmarks $(ARGS)

clean: ## Remove what was made by setup, tests and builds
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build
