#!/usr/bin/env bash
# Imports a SQLite file into a private cluster and prints each call with its result.
#   demo.sh [/path/app.db]      without a path: the demo database of tests/fixtures
# The file is read only. Where the server's user cannot read it, a copy (with its -wal) is imported, and it says so.
set -euo pipefail
cd "$(dirname "$0")/.."
database=${1:-}

socket=$(scripts/server.sh start demo)
files=$(mktemp -d /tmp/pgsm-demo.XXXXXX)
chmod 755 "$files"
trap 'scripts/server.sh remove demo; rm -rf "$files"' EXIT

as_server() {
    if [ "$(id -u)" -eq 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

# The server reads the file itself, and makes a -shm beside a file in WAL mode.
readable() {
    as_server test -r "$1" && { [ ! -e "$1-wal" ] || as_server test -r "$1-wal" -a -w "$(dirname "$1")"; }
}

if [ -z "$database" ]; then
    database=$files/app.db
    python3 tests/fixtures/app_db.py "$database"
    chmod 644 "$database"
elif [ ! -f "$database" ]; then
    echo "$database is not a file" >&2
    exit 1
else
    database=$(realpath "$database")
    if ! readable "$database"; then
        echo "The server's user cannot read $database: importing a copy."
        for part in "$database" "$database-wal"; do
            if [ -f "$part" ]; then cp "$part" "$files/"; fi
        done
        database=$files/$(basename "$database")
        if [ "$(id -u)" -eq 0 ]; then chown -R postgres "$files"; fi
    fi
fi

# Prints a statement as one would type it, and its result; a second argument limits the lines shown.
show() {
    local out
    printf '\n%s\n' "postgres=# $1"
    out=$(PGOPTIONS='-c client_min_messages=warning' psql -X -q -h "$socket" -p 5432 -U postgres -v ON_ERROR_STOP=1 \
        -P null='∅' -P pager=off -P columns=160 -c "$1")
    if [ -n "${2:-}" ] && [ "$(wc -l <<<"$out")" -gt "$2" ]; then
        head -n "$2" <<<"$out"
        echo "… $(($(wc -l <<<"$out") - $2)) more lines"
    else
        echo "$out"
    fi
}

# A path as a SQL literal.
file="'${database//\'/\'\'}'"

show "CREATE EXTENSION pg_sqlite_migrate;"
show "SELECT * FROM sqlite_check($file);"
show "SELECT \"table\", \"column\", declared_type, proposed_type, reason FROM sqlite_inspect($file) LIMIT 24;"
show "SELECT * FROM sqlite_findings($file, '{}');" 30
show "SELECT jsonb_pretty(sqlite_plan($file, '{}'));" 40
show "SELECT * FROM sqlite_ddl($file, '{}');" 30
show "SELECT * FROM sqlite_import($file, '{}');"
show "SELECT * FROM verify_counts();"
show "SELECT * FROM reset_sequences();"
