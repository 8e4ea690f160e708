#!/usr/bin/env bash
# Runs the #[pg_test] tests, when there are any, in a cluster of cargo-pgrx's own.
# PostgreSQL refuses to run as root: then it runs as `postgres`.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! grep -rqE '#\[pg_test' src; then
    echo "no server tests"
    exit 0
fi
options=()
if [ "$(id -u)" -eq 0 ]; then
    data=$(mktemp -d /tmp/pgsm-test.XXXXXX)
    trap 'rm -rf "$data"' EXIT
    chown postgres "$data"
    options=(--runas postgres --pgdata "$data")
fi
cargo pgrx test "pg$PG_MAJOR" "${options[@]}" "$@"
