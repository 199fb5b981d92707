# make run    serve the example app, with a curl line to paste
# make test   run the whole test suite
# make check  lint, types, architecture, licences of what is installed, workflow files
# make docs   the documentation site, in site/; warnings are errors
# make bench  all benchmarks, as ratios; ARGS="load cold" for some; make bench-quick: fewer rounds, under 3 minutes
# make test-lowest  the test suite with the lowest versions that setup.cfg allows
# make audit  known vulnerabilities of what is installed (asks a database on the internet)
# make dist   source distribution and wheel of the last commit, the same bytes each time
# make sbom   what the wheel with all extras brings along, as CycloneDX
# Each sets up what it needs in .venv; nothing but Python 3.11+ and make has to be there.
# With another Python: make test PYTHON=python3.13 VENV=.venv-3.13

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SERVES := $(VENV)/.serves
READY := $(VENV)/.ready
LOWEST := .venv-lowest
PORT ?= 8080
# For a server on this machine only: `make run` listens on 127.0.0.1.
export HOTEL_USERNAME ?= cx-agent
export HOTEL_PASSWORD ?= local-development-only

.PHONY: run test check docs bench bench-quick test-lowest audit dist sbom clean

run: $(SERVES)
	@echo "The example app answers on http://127.0.0.1:$(PORT). In another terminal:"
	@echo
	@echo "curl -sS -u $(HOTEL_USERNAME):$(HOTEL_PASSWORD) -H 'Content-Type: application/json' --data-binary @example_app/requests/chat.json http://127.0.0.1:$(PORT)/webhook"
	@echo
	@PORT=$(PORT) $(BIN)/gunicorn -c python:cxfulfill.server.gunicorn -b 127.0.0.1:$(PORT) example_app.main:app

test: $(READY)
	@$(BIN)/coverage erase
	@$(BIN)/python -m pytest --cov --cov-report=term $(ARGS)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/gates.py
	$(BIN)/pip-licenses
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/zizmor --offline --quiet .github

# The theme's news about itself are no warning of this build.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(READY)
	$(BIN)/python -m benchmarks $(ARGS)

bench-quick: $(READY)
	$(BIN)/python -m benchmarks --quick $(ARGS)

test-lowest: $(READY)
	$(BIN)/uv venv --quiet --clear --seed --python $(PYTHON) $(LOWEST)
	$(BIN)/uv pip install --quiet --python $(LOWEST) --resolution lowest-direct --editable '.[dev]'
	$(LOWEST)/bin/python -m pytest $(ARGS)

audit: $(READY)
	@mkdir -p build
	$(BIN)/uv pip freeze --quiet --python $(VENV) --exclude-editable > build/installed.txt
	$(BIN)/pip-audit --strict --no-deps --disable-pip --requirement build/installed.txt

dist: $(READY)
	@$(BIN)/python -m release.dist
	$(BIN)/twine check --strict dist/*

sbom: dist
	@$(BIN)/python -m release.sbom

# What serving needs; the tools of developers take longer, and come with what needs them.
$(SERVES): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install -qq --disable-pip-version-check --editable .
	@touch $(SERVES)

$(READY): $(SERVES)
	$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)

clean:
	rm -rf $(VENV) $(LOWEST) build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
