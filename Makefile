# One command each; the Python environment in .venv is made on first use. `make help` lists them.

PORT ?= 7071
DATA ?= .data
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

PY := .venv/bin/python
PACKAGES = shared local migration evaluation simulator examples benchmarks deployment rank_function reward_function trainer_function evaluator_function admin_function dashboard_function function_app.py
INSTALL = $(PY) -m local.packages

.DEFAULT_GOAL := help
.PHONY: help setup run demo test soak lint screenshot bench package lock clean

help: ## List these commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' Makefile | column -t -s '|'

setup: .venv/local.stamp ## Install what run and demo need, which do without a network from then on
	@$(PY) -m local.azurite --install

run: .venv/local.stamp ## Run the service on this machine [PORT=7071] [DATA=.data]
	@exec $(PY) -m local --port "$(PORT)" --data "$(DATA)"

demo: .venv/local.stamp ## Run it with simulated visitors and watch it learn
	@exec $(PY) -m simulator

test: .venv/dev.stamp ## Run the tests
	@$(PY) -m pytest -m "not soak" --numprocesses 3 --dist loadfile --durations 8

soak: .venv/dev.stamp ## Run the long versions of the tests [TEST=tests/faults/test_kills.py]
	@$(PY) -m pytest -m soak --capture no $(TEST)

lint: .venv/dev.stamp ## Check style and types
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@$(PY) -m mypy $(PACKAGES)
	@.venv/bin/lint-imports --no-logo --no-cache

screenshot: .venv/dev.stamp ## Make the picture of the dashboard in docs/ anew, in Chromium
	@$(PY) tests/screenshot.py

bench: .venv/dev.stamp ## Measure
	@$(PY) -m benchmarks

package: .venv/package.stamp ## Build the zip that is deployed to Azure, dist/package.zip [PYTHON_VERSION=3.12]
	@$(PY) -m deployment $(if $(PYTHON_VERSION),--python "$(PYTHON_VERSION)")

lock: .venv/package.stamp ## Pin what the package ships in requirements.lock, as requirements.txt asks [UPGRADE=1]
	@.venv/bin/uv pip compile requirements.txt --output-file requirements.lock $(if $(UPGRADE),--upgrade) \
		--universal --python-version 3.11 --generate-hashes --no-annotate --quiet \
		--custom-compile-command "make lock"

clean: ## Remove the environment, tools and caches; data stays
	rm -rf .venv .tools dist .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is written last: whatever was interrupted is done again, what is complete is not.
.venv/local.stamp: requirements.txt requirements-local.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found: install one, or name it: make PYTHON=/path/to/python3"; exit 1; }
	@echo "setting up .venv with $(PYTHON) (once, may take a minute) ..."
	@$(PY) -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear .venv || \
		{ echo "Python cannot make an environment: on Debian and Ubuntu, apt install python3-venv"; exit 1; }
	@$(INSTALL) requirements-local.txt
	@touch $@

.venv/package.stamp: .venv/local.stamp requirements-package.txt
	@$(INSTALL) requirements-package.txt
	@touch $@

.venv/dev.stamp: .venv/local.stamp requirements-dev.txt requirements-package.txt
	@echo "adding what tests need to .venv ..."
	@$(INSTALL) requirements-dev.txt
	@touch $@
