#!/usr/bin/env bash
# Runs a command with cargo-pgrx pointed at the private PostgreSQL, and leaves ~/.pgrx alone.
# PGRX_HOME is not among the variables that make pgrx rebuild, so a plain `cargo test` shares its artefacts.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/target/tools/bin:$HOME/.cargo/bin:$PATH"
export PG_MAJOR="${PG_MAJOR:-15}"
pg_config=$(scripts/server.sh pg_config)
export PGRX_HOME=$PWD/target/pgrx-$PG_MAJOR
mkdir -p "$PGRX_HOME"
printf '[configs]\npg%s = "%s"\n' "$PG_MAJOR" "$pg_config" >"$PGRX_HOME/config.toml"
exec "$@"
