#!/usr/bin/env bash
# Type-checks the library for every supported PostgreSQL, none of which need be installed.
#
#   versions.sh [MAJOR …]    14 to 18 by default
#
# pgrx-pg-sys ships bindings of all of them for its documentation. It uses those, and looks for no server, when it is
# built with DOCS_RS=1 and compiled with `--cfg docsrs`. That flag must reach no other crate, some of which would then
# ask for a nightly compiler; and the shipped bindings lack what pgrx's feature `cshim` adds, which nothing here uses.
# So cargo calls the compiler through this same script, which sees to both.
set -euo pipefail

if [ -n "${VERSIONS_AS_RUSTC-}" ]; then
    arguments=("${@/#feature=\"cshim\"/no_cshim}")
    if [[ " $* " == *" --crate-name pgrx_pg_sys "* ]]; then arguments+=(--cfg docsrs); fi
    exec "${arguments[@]}"
fi

cd "$(dirname "$0")/.."
export PATH="$HOME/.cargo/bin:$PATH"
export VERSIONS_AS_RUSTC=1 RUSTC_WRAPPER=$PWD/scripts/versions.sh DOCS_RS=1
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/versions

failed=()
[ $# -gt 0 ] || set -- 14 15 16 17 18
for major in "$@"; do
    echo "PostgreSQL $major"
    cargo check --quiet --lib --no-default-features --features "pg$major" || failed+=("$major")
done
if [ ${#failed[@]} -gt 0 ]; then
    echo "does not compile for PostgreSQL ${failed[*]}" >&2
    exit 1
fi
