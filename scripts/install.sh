#!/usr/bin/env bash
# Builds in release mode and installs into the PostgreSQL of PG_CONFIG, with sudo where that is needed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
if [ "$PG_CONFIG" = "$DOWNLOADED_PG_CONFIG" ]; then
    echo "PostgreSQL $PG_MAJOR is not installed: $DEBIAN_PG_CONFIG is missing, and the server below target/ is for tests only." >&2
    echo "Name another one: make install PG_CONFIG=/path/pg_config" >&2
    exit 1
fi
export PATH="$HOME/.cargo/bin:$PATH"
extension_dir=$("$PG_CONFIG" --sharedir)/extension
library_dir=$("$PG_CONFIG" --pkglibdir)
sudo=()
if [ ! -w "$extension_dir" ] || [ ! -w "$library_dir" ]; then
    if ! command -v sudo >/dev/null; then
        echo "You may not write to $extension_dir and $library_dir." >&2
        echo "Run \`make install\` as root, or name another PostgreSQL: make install PG_CONFIG=/path/pg_config" >&2
        exit 1
    fi
    sudo=(--sudo)
fi
exec scripts/env.sh cargo pgrx install --release "${sudo[@]}" "$@" --pg-config "$PG_CONFIG"
