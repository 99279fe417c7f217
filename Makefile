PYTHON ?= python3

# A stamp carries the checksum of its lock: the set-up runs again when a lock has changed,
# and at no other time.
CORE := .venv/core-$(shell cksum < requirements.lock | cut -d' ' -f1).stamp
SNOWFLAKE := .venv/snowflake-$(shell cat requirements.lock requirements-snowflake.lock | cksum | cut -d' ' -f1).stamp
DEV := .venv/dev-$(shell cat requirements.lock requirements-dev.lock | cksum | cut -d' ' -f1).stamp
INSTALL_PLAIN := .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps
INSTALL := $(INSTALL_PLAIN) --require-hashes

.PHONY: help run test torture mutate generate serve build answers verify shell docs snowflake parity parity-spark bench lint clean
.DEFAULT_GOAL := help

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(CORE) ## Set up, generate, load, build, publish and print the four answers
	@$(MAKE) --no-print-directory generate
	@$(MAKE) --no-print-directory build
	@$(MAKE) --no-print-directory answers

test: $(DEV) lint ## Set up, then lint, build and run every test
	@.venv/bin/python -m pytest

torture: $(DEV) ## Kill, damage, starve and shuffle with full numbers (half an hour)
	@KSCM_TORTURE=1 .venv/bin/python -m pytest -m torture

mutate: $(DEV) ## Break the models, one small mistake at a time: which test notices? (30 minutes; ONLY=word)
	@.venv/bin/python tests/python/mutate.py $(if $(ONLY),--only "$(ONLY)")

generate: $(CORE) ## Write and load the next days (ORDERS SEED DAYS END DIRT FORMAT WORKERS)
	@.venv/bin/python -m generator --orders "$(or $(ORDERS),100000)" --seed "$(or $(SEED),42)" \
		--days "$(or $(DAYS),730)" --dirt "$(or $(DIRT),none)" --format "$(or $(FORMAT),ndjson)" \
		$(if $(END),--end "$(END)") $(if $(WORKERS),--workers "$(WORKERS)")
	@.venv/bin/python -m warehouse load

serve: $(CORE) ## Serve the files of the shops and the web store over HTTP, until Ctrl-C (PORT)
	@.venv/bin/python -m generator serve --port "$(or $(PORT),8765)"

build: $(CORE) ## Build and test every model, then publish the marts
	@.venv/bin/python -m warehouse build

answers: $(CORE) ## Print the four answers from the published file
	@.venv/bin/python -m warehouse answers

verify: $(CORE) ## Grade the marts against the generator's answer key
	@.venv/bin/python -m warehouse verify

shell: $(CORE) ## Open the DuckDB shell on the published file, read-only
	@.venv/bin/python -m warehouse shell

docs: $(CORE) ## Write every table, column and lineage into target/static_index.html
	@test -f "$${KSCM_DB:-$${KSCM_DATA:-data}/kscm.duckdb}" || { echo "error: there is no database yet: run 'make run' first." >&2; exit 1; }
	@.venv/bin/dbt --quiet docs generate --static
	@echo "Wrote target/static_index.html: open it in a browser."

snowflake: $(SNOWFLAKE) ## Add what speaks to Snowflake; docs/snowflake.md says how to go there

parity: $(DEV) ## Build a dirty world on DuckDB and on an emulated Snowflake: are all rows the same?
	@.venv/bin/python -W ignore tests/python/parity.py

parity-spark: $(DEV) ## Ask Spark, an engine of its own, for the same marts (Java 17 or 21, 7 minutes; MODELS="...")
	@test -d target/spark || $(INSTALL_PLAIN) --target target/spark -r requirements-spark.txt
	@PYTHONPATH=target/spark .venv/bin/python -W ignore tests/python/parity_spark.py $(MODELS)

bench: $(CORE) ## Time generator, loader and models, each beside a plain rival (a quarter of an hour, 8 GB of disk)
	@.venv/bin/python benchmarks/generator.py
	@.venv/bin/python benchmarks/loader.py
	@.venv/bin/python benchmarks/models.py

lint: $(DEV) ## Check style and types of Python and SQL
	@.venv/bin/ruff check --quiet .
	@.venv/bin/ruff format --check --quiet .
	@.venv/bin/mypy
	@.venv/bin/sqlfluff lint --disable-progress-bar models tests/singular

clean: ## Remove what the tools make; data/ stays: landing files are the truth
	@rm -rf .venv target logs .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(CORE):
	@command -v "$(PYTHON)" > /dev/null || { echo "error: $(PYTHON) not found: install Python 3.11, 3.12 or 3.13, or name it with PYTHON=..." >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info[:2] <= (3, 13) else "error: Python 3.11, 3.12 or 3.13 is needed and $(PYTHON) is %d.%d: name another with PYTHON=..." % sys.version_info[:2])'
	@"$(PYTHON)" -c 'import ensurepip, venv' 2> /dev/null || { echo "error: $(PYTHON) has no venv: install it (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "Setting up .venv, once ..."
	@"$(PYTHON)" -m venv --clear .venv
	@$(INSTALL) -r requirements.lock
	@rm -f .venv/*.stamp && touch $@

$(SNOWFLAKE): $(CORE)
	@echo "Adding dbt-snowflake, once ..."
	@$(INSTALL) -r requirements-snowflake.lock
	@touch $@

$(DEV): $(CORE)
	@echo "Adding the tools for tests, once ..."
	@$(INSTALL) -r requirements-dev.lock
	@touch $@
