# `make run` installs Scones and runs the whole workflow; `make test` installs and runs the tests.
# A machine needs Python 3.11 or later and make, nothing else.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
ARGS ?=
# Half of the tests' time is waiting: for processes, and for the SDKs, which look at a job every half minute.
WORKERS ?= 3
# Where PYTHONDONTWRITEBYTECODE is set, as in many images, each process would compile our modules anew: the cloud's took
# 1.6 s to import in place of .9.
COMPILE := $(BIN)/python -m compileall -q src

.PHONY: run test test-all check format docs bench clean

run: $(VENV)/.run
	@$(COMPILE)
	@$(BIN)/scones run $(ARGS)
	@echo "The command is $(BIN)/scones. To call it by its name in a shell: export PATH=\"\$$PATH:$(abspath $(BIN))\""

test: $(VENV)/.test
	@$(COMPILE)
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow" $(ARGS)

# Every test, the slow ones too: what .ci/run runs.
test-all:
	@$(MAKE) --no-print-directory test ARGS='-m "" $(ARGS)'

check: $(VENV)/.check
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/.check
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# The site, in build/docs: open build/docs/index.html. A warning, such as a broken link, is an error. No
# network is needed.
docs: $(VENV)/.docs
	@rm -rf build/docs docs/reference/python
	@$(BIN)/python -m sphinx --quiet --fail-on-warning --keep-going --fresh-env -d build/doctrees docs build/docs
	@echo "The documentation is in build/docs/index.html"

# Writes docs/reference/benchmarks.md; the peers are installed into build/peers on first use (2 GB). ARGS=--quick only
# looks.
bench: $(VENV)/.run
	@$(COMPILE)
	@$(BIN)/python -m benchmarks $(ARGS)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Scones needs Python 3.11 or later; name one with: make PYTHON=python3.12")'
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: $(VENV)/bin/python pyproject.toml
	@echo "Installing Scones into $(VENV) (PyTorch is large: the first time takes a minute or more)"
	@$(PIP) --editable '.[cli,pretrained]'
	@touch $@

$(VENV)/.test: $(VENV)/.run
	@$(PIP) --editable '.[cli,test]'
	@touch $@

$(VENV)/.check: $(VENV)/.test
	@$(PIP) --editable '.[cli,test,check]'
	@touch $@

$(VENV)/.docs: $(VENV)/.check
	@$(PIP) --editable '.[cli,test,check,docs]'
	@touch $@

clean:
	rm -rf $(VENV) .scones .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
