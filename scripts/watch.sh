#!/usr/bin/env bash
# An example of a live page: a large file is imported into a private cluster, psql writes sqlite_progress_page() in a loop, and
# Python serves it on localhost. At the end the report of the run is served beside it. Ctrl-C stops everything.
#   watch.sh [PORT]       SCALE=300: how many times the demo's database; ROUNDS=0: imports before it ends by itself, 0 for none
set -euo pipefail
cd "$(dirname "$0")/.."
port=${1:-8432} scale=${SCALE:-300} rounds=${ROUNDS:-0}

socket=$(scripts/server.sh start watch)
files=$(mktemp -d /tmp/pgsm-watch.XXXXXX)
mkdir "$files/pages"
chmod 755 "$files"
stop() {
    kill $(jobs -p) 2>/dev/null || true
    scripts/server.sh remove watch
    rm -rf "$files"
}
trap stop EXIT

sql() {
    PGOPTIONS='-c client_min_messages=warning' psql -X -q -At -h "$socket" -p 5432 -U postgres -v ON_ERROR_STOP=1 -c "$1"
}

# A browser never sees half a page.
page() {
    sql "SELECT $1" >"$files/pages/new"
    mv "$files/pages/new" "$files/pages/$2"
}

sql "CREATE EXTENSION pg_sqlite_migrate"
page "sqlite_progress_page()" index.html
while page "sqlite_progress_page()" index.html; do sleep 1; done &
/usr/bin/python3 -m http.server --bind 127.0.0.1 --directory "$files/pages" "$port" >/dev/null 2>&1 &
echo "http://localhost:$port/"

echo "making a database, $scale times the demo's"
/usr/bin/python3 tests/fixtures/app_db.py "$files/app.db" --scale "$scale"
chmod 644 "$files/app.db"
round=0
while [ "$rounds" -eq 0 ] || [ "$round" -lt "$rounds" ]; do
    round=$((round + 1))
    sql "SELECT count(*) || ' tables' FROM sqlite_import('$files/app.db', '{\"existing_rows\": \"replace\"}')"
    page "sqlite_report(format => 'html')" report.html
    echo "http://localhost:$port/report.html"
    sleep "${PAUSE:-10}"
done
