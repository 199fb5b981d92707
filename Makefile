# make run    serve the example app, with a curl line to paste
# make test   run the whole test suite
# make check  lint, types, architecture
# make docs   the documentation site, in site/; warnings are errors
# make bench  benchmarks, as ratios
# Each sets up what it needs in .venv; nothing but Python 3.11+ and make has to be there.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PORT ?= 8080
# For a server on this machine only: `make run` listens on 127.0.0.1.
export HOTEL_USERNAME ?= cx-agent
export HOTEL_PASSWORD ?= local-development-only

.PHONY: run test check docs bench clean

run: $(READY)
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

# The theme's news about itself are no warning of this build.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bench: $(READY)
	$(BIN)/python -m benchmarks

$(READY): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install -qq --disable-pip-version-check --editable '.[dev]'
	@touch $(READY)

clean:
	rm -rf $(VENV) build dist site *.egg-info .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
