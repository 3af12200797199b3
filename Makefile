# Everything a fresh machine needs: python3 (3.11 or newer, with venv), make and git. `make help` lists the targets.
PYTHON ?= python3
UV     ?= uv
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input
FAST   := tests/config tests/statemachines

RUN_DEPS := $(VENV)/.requirements
DEV_DEPS := $(VENV)/.requirements-dev
COMMAND  := $(BIN)/duban
BENCH_DEPS := .venv-bench/.requirements
ASSETS   := services/web/static/vendor/icons.svg

.PHONY: help setup dev run test check lint lock bundle bench bench-quick bench-pages soak
.DEFAULT_GOAL := help

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(RUN_DEPS) $(COMMAND) $(ASSETS) ## install what the product needs, the command .venv/bin/duban, and build the web's files

dev: $(DEV_DEPS) $(COMMAND) $(ASSETS) ## setup, and what the tests need

run: setup ## install, migrate, load a demo county into an empty database, start everything
	@$(COMMAND) demo load --if-empty
	@$(COMMAND) serve

test: lint ## lint, types, import contracts, all tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup

check: lint ## the fast part: lint, types, import contracts, the tests of the rules
	$(BIN)/python -m pytest -q $(FAST)

bench: dev $(BENCH_DEPS) ## how fast, beside what could be: 10k, 100k and 1M open matters (an hour)
	$(BIN)/python -m tests.benchmarks

bench-quick: dev $(BENCH_DEPS) ## the same at 10k and 100k (about ten minutes)
	$(BIN)/python -m tests.benchmarks --quick

MINUTES ?= 30
soak: dev ## load on PostgreSQL with two webs and two sweepers while things are killed: make soak MINUTES=30
	$(BIN)/python -m tests.soak --minutes $(MINUTES)

bench-pages: dev ## what pages cost: processor time and bytes
	$(BIN)/python -m tests.benchmarks.pages

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

UV_COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links --python-version 3.11
lock: ## resolve the dependencies of pyproject.toml anew into both lock files (needs uv)
	$(UV_COMPILE) pyproject.toml -o requirements.lock
	$(UV_COMPILE) --group dev pyproject.toml -c requirements.lock -o requirements-dev.lock
	$(UV_COMPILE) tests/benchmarks/requirements.in -c requirements-dev.lock -o tests/benchmarks/requirements.lock

VERSION = $(shell sed -nE 's/^version = "(.*)"/\1/p' pyproject.toml)
BUNDLE  = build/duban-$(VERSION)
bundle: setup ## pack what an isolated machine needs: sources, the web's files, a wheel for each line of the lock
	@rm -rf $(BUNDLE) $(BUNDLE).tar.gz && mkdir -p build
	git archive --prefix=$(BUNDLE)/ HEAD | tar x
	$(PIP) download --quiet --no-deps --only-binary :all: --require-hashes -r requirements.lock -d $(BUNDLE)/wheels
	@cp -R services/web/static/vendor $(BUNDLE)/services/web/static/
	@find $(BUNDLE)/services/web/static/vendor -exec touch {} +
	tar czf $(BUNDLE).tar.gz -C build duban-$(VERSION)
	@rm -rf $(BUNDLE) && ls -l $(BUNDLE).tar.gz

# pip is the last thing a new environment gets: where it is missing, the making was cut short.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv --clear $(VENV)

# The locks are complete: nothing is resolved here (pip 23 cannot, with hashes, where a package asks for an extra),
# and nothing is built.
$(RUN_DEPS): requirements.lock | $(BIN)/pip
	$(PIP) install --quiet --no-deps --only-binary :all: --require-hashes -r requirements.lock
	@touch $@

# The development lock holds every line of the other one, so one installation serves both.
$(DEV_DEPS): requirements-dev.lock requirements.lock | $(BIN)/pip
	$(PIP) install --quiet --no-deps --only-binary :all: --require-hashes -r requirements-dev.lock
	@touch $(RUN_DEPS) $@

# What the product is compared with has an environment of its own.
$(BENCH_DEPS): tests/benchmarks/requirements.lock
	$(PYTHON) -m venv --clear .venv-bench
	.venv-bench/bin/python -m pip --disable-pip-version-check --no-input install --quiet --no-deps --only-binary :all: --require-hashes -r $<
	@touch $@

# npm is the system's, or the one of a wheel in the lock; nothing it installs is run.
$(ASSETS): package-lock.json tools/build_assets.py $(shell find services/web -name '*.html' -o -name '*.py') | $(RUN_DEPS)
	$(BIN)/python tools/build_assets.py
	@touch $@

# The product runs from this folder: a path file and a script do what an editable installation would,
# without a build backend that no lock file pins.
$(COMMAND): Makefile | $(BIN)/pip
	@echo '$(CURDIR)' >"$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/duban.pth"
	@printf '%s\n' '#!$(CURDIR)/$(BIN)/python' 'from services.cli import app' '' 'app(prog_name="duban")' >$@
	@chmod +x $@
