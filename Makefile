# The two commands of a newcomer are `make demo` and `make test`; each sets up .venv by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := $(VENV)/sources

.PHONY: demo test check lint types imports serve screenshot bench clean

demo: $(READY)
	$(BIN)/polyglance demo

test: $(READY) check browser
	$(BIN)/python -m pytest

check: lint types imports

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy and import-linter see the root as the package `polyglance` through a link of that name.
types: $(READY)
	cd $(SOURCES) && ../bin/mypy --config-file ../../pyproject.toml -p polyglance

imports: $(READY)
	$(BIN)/lint-imports

# Browser tests and the screenshot need a Chromium; Debian's is taken where we may install it.
.PHONY: browser
browser:
	@command -v chromium >/dev/null || bash scripts/install-chromium.sh

screenshot: $(READY) browser
	$(BIN)/python scripts/screenshot.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[cpu,heic,demo,dev]'
	mkdir -p $(SOURCES) && ln -sfn ../.. $(SOURCES)/polyglance
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info
