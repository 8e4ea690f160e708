# Verbs of the project; `make help` lists them.
# Everything runs in a private PostgreSQL under target/ (scripts/server.sh); no system cluster is touched,
# and only `make install` writes into the system's PostgreSQL.

SHELL     := /bin/bash
# Which PostgreSQL, see scripts/postgres.sh: `make test PG_MAJOR=18`, `make e2e PG_CONFIG=/path/pg_config`.
ifndef PG_MAJOR
PG_MAJOR  := $(shell PG_CONFIG='$(PG_CONFIG)' && . scripts/postgres.sh && echo $$PG_MAJOR)
endif
FEATURES  := --no-default-features --features pg$(PG_MAJOR)
CARGO_ENV := scripts/env.sh
# Debian's own, for which scripts/setup.sh installs pytest and psycopg.
PYTHON    := /usr/bin/python3
# Processes of the end-to-end tests, each with a server of its own.
WORKERS   ?= 2
export PG_MAJOR

# Cargo falls back to the default features without this, and everything would be built twice.
ifeq ($(PG_MAJOR),15)
FEATURES  :=
endif

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup demo watch test lint unit orms browser geometry torture fuzz server-test e2e versions install bench psql server-start server-stop clean-server

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## install what is missing: Debian packages (as root), cargo-pgrx
	@scripts/setup.sh

demo: setup ## import a realistic application database and show every call (DB=/path/app.db: yours)
	@$(CARGO_ENV) cargo pgrx install --release $(FEATURES) --pg-config "$$(scripts/server.sh pg_config)"
	@scripts/demo.sh $(if $(DB),"$(DB)")

watch: setup ## import a large file again and again, and show on a page of localhost how far it is (PORT=8432, SCALE=300)
	@$(CARGO_ENV) cargo pgrx install --release $(FEATURES) --pg-config "$$(scripts/server.sh pg_config)"
	@scripts/watch.sh $(PORT)

test: setup lint unit server-test e2e ## format, clippy, plain tests, server tests, end-to-end tests

lint: setup ## rustfmt and clippy, warnings denied
	cargo fmt --all --check
	$(CARGO_ENV) cargo clippy --workspace --all-targets $(FEATURES) -- -D warnings

unit: setup ## every test that needs no server
	$(CARGO_ENV) cargo test --workspace $(FEATURES)

orms: setup ## install the ORMs of tests/orms below target/, and let them read and write what was imported
	@scripts/orms.sh all
	@$(MAKE) --no-print-directory e2e ONLY=test_live

browser: setup ## install chromium and axe-core (below target/), and open the pages of reports with them
	@scripts/browser.sh
	@$(MAKE) --no-print-directory e2e ONLY=test_browser

geometry: setup ## install PostGIS, GDAL and SpatiaLite (Debian's), and compare geometries with what they read
	@scripts/geometry.sh
	@$(MAKE) --no-print-directory e2e ONLY=geometry

torture: setup ## end loads of pages at random moments, very often (TORTURE=100, TORTURE_SEED=a number draws others)
	@TORTURE=$(or $(TORTURE),100) $(MAKE) --no-print-directory e2e ONLY=torture

fuzz: setup ## new random input for what core reads (CASES=20000 times a factor, FUZZ_SEED=a number draws the same again)
	@export FUZZ_SEED=$${FUZZ_SEED:-$$RANDOM}; echo "FUZZ_SEED=$$FUZZ_SEED"; \
		PROPTEST_CASES=$(or $(CASES),20000) cargo test -p pg_sqlite_migrate_fuzz

server-test: setup ## tests that run inside a server
	$(CARGO_ENV) scripts/server-test.sh $(FEATURES)

e2e: setup ## pytest against private servers (ONLY='words' as `pytest -k` takes them, WORKERS=n)
	@$(CARGO_ENV) cargo pgrx install $(FEATURES) --pg-config "$$(scripts/server.sh pg_config)"
	@$(PYTHON) -m pytest tests/e2e -n $(WORKERS) $(if $(ONLY),-k "$(ONLY)")

versions: ## compile check for PostgreSQL 14 to 18, none of which need be installed
	@scripts/versions.sh

install: setup ## build in release mode and install into the PostgreSQL of PG_CONFIG
	@scripts/install.sh $(FEATURES)

bench: setup ## the measured comparisons, as a Markdown table (SIZE=0.1 shrinks, RUNS=3, ONLY=a,d,fdw,existing,values,vectors,export)
	@$(CARGO_ENV) cargo pgrx install --release $(FEATURES) --pg-config "$$(scripts/server.sh pg_config)"
	@$(PYTHON) benches/run.py
	@$(PYTHON) benches/fdw.py
	@$(PYTHON) benches/existing.py
	@$(PYTHON) benches/values.py
	@$(PYTHON) benches/vectors.py
	@$(PYTHON) benches/export.py

psql: setup server-start ## a shell in the private cluster with the extension loaded
	@scripts/server.sh psql shell

server-start: setup ## start the private cluster that `make psql` uses
	@$(CARGO_ENV) cargo pgrx install --release $(FEATURES) --pg-config "$$(scripts/server.sh pg_config)"
	@scripts/server.sh start shell

server-stop: ## stop it
	@scripts/server.sh stop shell

clean-server: ## stop and remove every private cluster
	@scripts/server.sh remove
