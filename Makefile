# Everything a person does with Tieout. `make` alone lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
export DAGSTER_DISABLE_TELEMETRY := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.PHONY: help setup demo test test-all test-peers dbt-test docs docs-reference docs-site drift-pages lint nightly backfill report review sandbox ui screenshots mutants chaos bench bench-compare bench-extract bench-identity bench-dispatch bench-loop bench-report bench-scale clean

help: ## List these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "Tieout is pinned for Python 3.11, this is " + sys.version.split()[0] + "; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(STAMP)

setup: $(STAMP) ## Install Tieout and its tools into .venv

demo: setup ## Run the whole job on the sandbox: two nights, corrections between them
	$(BIN)/tieout demo

test: setup ## Run the tests (without the slow ones)
	$(BIN)/pytest -q -m "not slow" -n 3 --dist loadfile --no-loadscope-reorder

test-all: setup ## Run all tests, the slow ones too, with all examples of each property
	TIEOUT_THOROUGH=1 $(BIN)/pytest -q

test-peers: setup ## Run other software against the sandbox, and the connectors against other servers
	$(BIN)/pytest -q tests/peers

dbt-test: setup ## Run the unit tests of the dbt models on empty tables
	$(BIN)/pytest -q tests/dbt

docs: setup ## Build the browsable documentation of the data model, the diagrams in docs/data-model.md, and docs/kpis.md
	@mkdir -p data/dbt/docs
	TIEOUT_WAREHOUSE=$(CURDIR)/data/dbt/docs/empty.duckdb DBT_LOG_PATH=$(CURDIR)/data/dbt/logs \
		$(BIN)/dbt docs generate --static --empty-catalog --quiet \
		--project-dir dbt_project --profiles-dir dbt_project --target-path $(CURDIR)/data/dbt/docs
	$(BIN)/python -m orchestration.entity_diagram data/dbt/docs/manifest.json docs/data-model.md
	$(BIN)/python -m orchestration.kpi_page
	@echo "open data/dbt/docs/static_index.html"

drift-pages: setup ## Write docs/drift: a page for each class of drift, with what a labelled company shows of it
	$(BIN)/python -m orchestration.class_pages

docs-reference: setup ## Write the parts of docs that are made from the code: commands, targets, matrix, reads and writes
	$(BIN)/python -m orchestration.reference_pages

docs-site: setup ## Build the documentation as a site, strictly and without network: data/site/index.html
	$(BIN)/mkdocs build --quiet
	@echo "open data/site/index.html"

lint: setup ## Check format, style, types and the direction of imports
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

nightly: setup ## Reconcile one day: make nightly DAY=2026-06-30 (yesterday if left out)
	$(BIN)/tieout nightly $(DAY)

backfill: setup ## Reconcile a range of days again: make backfill FROM=2026-06-01 TO=2026-06-14
	$(BIN)/tieout backfill --from $(FROM) --to $(TO)

report: setup ## Write the report of a night again: make report DAY=2026-06-30
	$(BIN)/tieout report $(DAY)

sandbox: setup ## Start the sandbox: a CRM, a billing system and an ERP on loopback
	$(BIN)/tieout sandbox up

review: setup ## Work the exceptions and the approvals in a browser, on http://127.0.0.1:8765
	$(BIN)/tieout review

screenshots: setup ## Take pictures of report, review and Dagster UI from the home of the demo, into data/screenshots
	$(BIN)/python -m benchmarks.screenshots $(if $(HOME_DIR),--home $(HOME_DIR))

ui: setup ## Open the Dagster UI on http://127.0.0.1:3000
	$(BIN)/tieout ui

mutants: setup ## Break every rule in turn, and show that a test fails for each break
	$(BIN)/python -m benchmarks.mutants

chaos: setup ## Dispatch under faults: make chaos SEEDS=200, SEED=7 to see one, BREAK=resend to break it on purpose
	$(BIN)/python -m benchmarks.chaos $(if $(SEED),--seed $(SEED)) $(if $(SEEDS),--seeds $(SEEDS)) $(if $(BREAK),--break $(BREAK)) $(if $(REPORT),--report)

bench: setup ## Measure the stages of a night, identity beside a join written by hand, and the compare core
	$(BIN)/python -m benchmarks.night
	$(BIN)/python -m benchmarks.identity
	$(BIN)/python -m benchmarks.compare

bench-extract: setup ## Measure extraction beside other software, on 200,000 records
	$(BIN)/python -m benchmarks.extract

bench-compare: setup ## Measure the compare core beside a join written by hand and other software, on ten million rows
	$(BIN)/python -m benchmarks.compare

bench-identity: setup ## Measure identity beside a blocking join written by hand
	$(BIN)/python -m benchmarks.identity

bench-loop: setup ## Correct every class of drift in a company of its own, and undo it: make bench-loop SEED=8
	$(BIN)/python -m benchmarks.closed_loop --undo $(if $(SEED),--seed $(SEED))

bench-report: setup ## Measure a report of 50,000 exceptions: its size, and how soon a browser has it ready
	$(BIN)/python -m benchmarks.report

bench-scale: setup ## Measure how a night grows with its company: make bench-scale SIZES="300 3000"
	$(BIN)/python -m benchmarks.scale $(SIZES)

bench-dispatch: setup ## Measure how near dispatch comes to what the vendors' limits allow
	$(BIN)/python -m benchmarks.dispatch

clean: ## Remove what runs on the sandbox produced (with real systems in .env only with FORCE=1)
	@if [ -f .env ] && [ -z "$(FORCE)" ]; then \
		echo ".env names real systems: data/raw and data/state.db are their memory. FORCE=1 removes them."; exit 1; fi
	-@for home in data data/demo; do test -d $$home/sandbox && TIEOUT_HOME=$$home $(BIN)/tieout sandbox down; done 2>/dev/null
	find data -mindepth 1 ! -name README.md -delete 2>/dev/null || true
	rm -rf dbt_project/target dbt_project/logs .pytest_cache .ruff_cache .mypy_cache .hypothesis
