#!/usr/bin/env bash
# Runs a command with cargo-pgrx pointed at the private PostgreSQL, and leaves ~/.pgrx alone.
# PGRX_HOME is not among the variables that make pgrx rebuild, so a plain `cargo test` shares its artefacts.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/target/tools/bin:$HOME/.cargo/bin:$PATH"
. scripts/postgres.sh
export PG_MAJOR
pg_config=$(scripts/server.sh pg_config)
export PGRX_HOME=$PWD/target/pgrx-$PG_MAJOR
mkdir -p "$PGRX_HOME"
config=$(printf '[configs]\npg%s = "%s"' "$PG_MAJOR" "$pg_config")
# Written anew it would be younger than what was built, and pgrx would make its bindings again.
if [ "$config" != "$(cat "$PGRX_HOME/config.toml" 2>/dev/null)" ]; then echo "$config" >"$PGRX_HOME/config.toml"; fi
exec "$@"
