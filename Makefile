.DEFAULT_GOAL := help
.PHONY: help run test lint servers bench format lock clean install bytecode collected

# Bytecode makes the start fast; a machine that forbids it would measure something else.
unexport PYTHONDONTWRITEBYTECODE
# The console under .venv is this checkout, whatever the shell says.
unexport PYTHONPATH PYTHONHOME

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' $(MAKEFILE_LIST) | expand -t 16

run: bytecode ## install into .venv and open the demo
	@$(BIN)/oncall demo

test: ## lint, then every test, against real servers
	@$(MAKE) --no-print-directory -j 2 lint servers collected
	$(BIN)/pytest -q -n 4 --dist loadgroup -m "not serial"
	$(BIN)/pytest -q -m serial $$(grep -rlw serial tests --include="*.py")

lint: $(INSTALLED) ## formatting, rules, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

servers: | $(BIN)/python ## the integration tests' servers, into .servers
	@sh scripts/servers.sh
	@sh scripts/strace.sh
	@sh scripts/unleash.sh

bench: bytecode ## the strict figures
	@failed=0; for script in $$(ls benchmarks/*.py | grep -v -e /bare.py -e /_); do \
		echo "$$script"; $(BIN)/python $$script || failed=1; done; exit $$failed

format: $(INSTALLED) ## apply formatting and the safe fixes
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format --quiet .

lock: $(INSTALLED) ## pin the dependencies anew (UPGRADE=1: to their newest)
	@sh scripts/lock.sh $(if $(UPGRADE),--upgrade)

clean: ## what was built, installed or cached
	rm -rf $(VENV) .servers build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find console tests benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

install: $(INSTALLED)

bytecode: $(INSTALLED)
	@$(BIN)/python -m compileall -q console

# pytest compiles every test module anew, for its asserts: half a minute, which each of its workers would take. What is
# wrong with a module is said by the tests.
collected: bytecode
	@$(BIN)/pytest -q --collect-only >/dev/null 2>&1 || true

$(BIN)/python:
	@PYTHON="$(PYTHON)" sh scripts/venv.sh

$(INSTALLED): constraints.txt pyproject.toml | $(BIN)/python
	@echo "installing into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r constraints.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q -j 0 -x '/tests?/' $(VENV)/lib || true
	@touch $@
