# Every target is enough alone on a machine with Python 3.11 or newer and a package index:
# what it needs is set up first, once, into .venv.

UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/.carillon-runtime
DEVELOPMENT := $(VENV)/.carillon-development

# The first Python that is new enough; `make demo PYTHON=/some/python3.12` names another.
new_enough = import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	"$$python" -c '$(new_enough)' 2>/dev/null && { echo "$$python"; break; }; done)

# A uv on the machine is used if it runs; else one is put into .venv.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo "$(BIN)/uv")
SYNC = env -u VIRTUAL_ENV UV_PROJECT_ENVIRONMENT="$(VENV)" UV_PYTHON_DOWNLOADS=never \
	$(UV) sync --quiet --frozen --all-extras --python "$(BIN)/python"

.DEFAULT_GOAL := help
.PHONY: help demo demo-web test golden screens lint format types eval check year chaos fuzz model bench images sbom audit up down clean runtime development

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(RUNTIME) ## two simulated weeks in one process; the digest on the screen and in out/
	@$(BIN)/carillon demo

demo-web: $(RUNTIME) ## the same, and then its web pages on http://localhost:8000, until Ctrl-C
	@$(BIN)/carillon demo --serve

test: $(DEVELOPMENT) ## all tests; those that need Docker or Chromium skip without it, and say so
	@$(BIN)/pytest -n 2

golden: $(DEVELOPMENT) ## show how the labels of the demo's articles changed, and keep them so
	@$(BIN)/python -m tests.golden

screens: $(DEVELOPMENT) ## make the pictures of docs/pages-tour.md anew; needs Chromium
	@$(BIN)/python -m tests.browser.screens

lint: $(DEVELOPMENT) ## format, lint rules, import contracts (changes nothing)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports

format: $(DEVELOPMENT) ## format, and mend what the linter can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

types: $(DEVELOPMENT) ## mypy, strict
	@$(BIN)/mypy

eval: $(DEVELOPMENT) ## how good the labels are, beside baselines; the report in out/eval.html
	@$(BIN)/carillon eval $(if $(wildcard ../shared/gold/dev.jsonl),,--demo)

check: lint types test ## everything that must hold before a commit

year: $(DEVELOPMENT) ## a simulated year: faulty answers, a poller that is killed, nothing missed (a quarter of an hour)
	@$(BIN)/python -m tests.bench.year

chaos: $(DEVELOPMENT) ## every crash point (half an hour), then the whole line under fire: 10,000 articles, 200 subscriptions, 300 faults, and the verdict (an hour or more); needs Docker
	@$(BIN)/python -m tests.chaos.crash
	@$(BIN)/python -m tests.chaos

fuzz: $(DEVELOPMENT) ## 10,000 damaged answers of NCBI (some minutes)
	@$(BIN)/pytest tests/fuzz --mutations 10000 -rP

model: $(DEVELOPMENT) ## the models of outbox, inbox and ledger: tens of thousands of steps (a quarter of an hour)
	@$(BIN)/pytest tests/model --lives 500 -rP

bench: $(DEVELOPMENT) ## how fast records are parsed, articles labelled, files taken in, mails made and sent; what the guarantees cost (needs Docker)
	@$(SYNC) --group bench
	@missed=""; \
	for name in parsing ingest standin rendering fanout line footprint archive_replay sandbox; do \
		$(BIN)/python -m "tests.bench.$$name" || missed="$$missed $$name"; done; \
	sh tests/bench/deployed classifying || missed="$$missed classifying"; \
	[ -z "$$missed" ] || { echo "a floor is missed, or it could not be measured:$$missed" >&2; exit 1; }

images: ## build the images of all services, labelled with the commit and its time
	@CARILLON_REVISION=$$(git rev-parse HEAD) CARILLON_CREATED=$$(git show --no-patch --format=%cI HEAD) \
		docker compose --profile demo build

sbom: $(DEVELOPMENT) ## which Python packages each image holds, as CycloneDX, in out/sbom/
	@mkdir -p out/sbom
	@for image in poller classifier notifier ncbi-sim console; do \
		UV=$(UV) $(BIN)/python deploy/sbom.py "$$image" > "out/sbom/$$image.cdx.json" || exit 1; \
		echo "out/sbom/$$image.cdx.json"; done

audit: $(DEVELOPMENT) ## ask OSV for known vulnerabilities of what uv.lock names; says so where it cannot be asked
	@UV=$(UV) sh .ci/audit

up: ## start all services in Docker; mail ends in MailDev, http://localhost:1080
	@docker compose up --build --detach --wait

down: ## stop them; what they know stays
	@docker compose --profile demo down

clean: ## remove what the targets made: .venv, out/, caches (not state/)
	@rm -rf .venv out dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find services shared tests -name __pycache__ -type d -prune -exec rm -rf {} +

runtime: $(RUNTIME)
development: $(DEVELOPMENT)

$(RUNTIME): pyproject.toml uv.lock | $(BIN)/python
	@$(ensure_uv)
	@echo "setting up: what Carillon needs to run"
	@$(SYNC) --no-dev --inexact
	@touch $@

$(DEVELOPMENT): pyproject.toml uv.lock | $(BIN)/python
	@$(ensure_uv)
	@echo "setting up: what Carillon needs to run and be tested"
	@$(SYNC)
	@touch $@ $(RUNTIME)

define ensure_uv
[ "$(UV)" = uv ] || "$(UV)" --version >/dev/null 2>&1 \
	|| "$(BIN)/python" -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
endef

$(BIN)/python:
	@[ -n "$(PYTHON)" ] && "$(PYTHON)" -c '$(new_enough)' 2>/dev/null || { \
		echo "Carillon needs Python 3.11 or newer, and no such python3 was found on the PATH." >&2; \
		echo "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -m venv "$(VENV)" || { rm -rf "$(VENV)"; \
		echo "$(PYTHON) cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
