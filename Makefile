# make demo | test | lint | setup. The virtual environment is made once and remade when
# pyproject.toml changes.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
SHOW := awk '!/already satisfied|Successfully installed/ {print "  " $$0; fflush()}'

.PHONY: setup demo screens test lint clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Door Guard needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Making $(VENV): the first time this downloads about 250 MB and takes a minute or two." >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "python3 -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@set -o pipefail; $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --upgrade "pip>=25.1" | $(SHOW) >&2
	@set -o pipefail; $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --editable . --group dev | $(SHOW) >&2
	@touch $@

demo: $(STAMP)
	@exec $(BIN)/doorguard demo $(ARGS)

# docs/screens anew, from the demo's data
screens: $(STAMP)
	@$(BIN)/doorguard demo --screens docs/screens $(ARGS)

# three at a time, a file in one of them: most tests wait for a process, a clock or a browser; in
# the order of the folders, so that the many short ones come last and fill what the long ones leave
test: $(STAMP)
	@$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) build dist
