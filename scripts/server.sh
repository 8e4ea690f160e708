#!/usr/bin/env bash
# A throw-away PostgreSQL of the project's own: private binaries, private extension directory, private clusters.
#
#   server.sh pg_config           prints the private pg_config; makes the tree when it is not there yet
#   server.sh link                links what the original has got since, such as another extension
#   server.sh start|stop [NAME]   one cluster, `shell` by default; start prints its socket directory
#   server.sh crash NAME          stops at once, without a checkpoint
#   server.sh socket|data|log NAME
#   server.sh psql [NAME] …       psql in the cluster, with the extension created
#   server.sh remove [NAME]       stops and removes one cluster, or all of them and the tree
#
# PostgreSQL finds its share and library directories relative to its own binary. So a copy of the binaries beside
# directories of symbolic links is a complete PostgreSQL, into which the extension goes without root's rights and
# without touching the original. PostgreSQL refuses to run as root; root runs it as `postgres`.
# Which PostgreSQL: PG_MAJOR or PG_CONFIG, see postgres.sh. Each major version has a tree and clusters of its own.
# Settings beyond the defaults: SERVER_OPTIONS, lines of postgresql.conf.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
mkdir -p target

as_server() {
    if [ "$(id -u)" -eq 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

# target/server, or a directory under /tmp when the server's user cannot get at target (root's home is closed to it).
base() {
    local note=target/server.path
    if [ -f $note ] && [ -d "$(cat $note)" ]; then cat $note; return; fi
    mkdir -p target/server && chmod 755 target/server
    if as_server test -x "$PWD/target/server"; then
        echo "$PWD/target/server" >$note
    else
        mktemp -d /tmp/pg_sqlite_migrate.XXXXXX >$note
        chmod 755 "$(cat $note)"
    fi
    cat $note
}

BASE=$(base)
TREE=$BASE/pg$PG_MAJOR
CLUSTERS=$TREE-clusters

# Copies the programs, links the rest, and keeps the parts of the path that PostgreSQL computes with. The programs may
# look for libpq relative to themselves as well ($ORIGIN): it keeps its place too.
make_tree() {
    local bin lib share include libpq common new
    if [ ! -x "$PG_CONFIG" ]; then
        echo "server.sh: no PostgreSQL: $PG_CONFIG is missing (\`make setup PG_MAJOR=$PG_MAJOR\` installs what it can)" >&2
        exit 1
    fi
    bin=$("$PG_CONFIG" --bindir) lib=$("$PG_CONFIG" --pkglibdir)
    share=$("$PG_CONFIG" --sharedir) include=$("$PG_CONFIG" --includedir-server)
    libpq=$(realpath "$(ldd "$bin/psql" | awk '/libpq/ {print $3}')")
    new=$(mktemp -d "$BASE/new.XXXXXX")
    chmod 755 "$new"
    common=$(common_parent "$bin" "$lib" "$share" "$include" "$libpq")
    mkdir -p "$new$(dirname "${include#"$common"}")" "$new$(dirname "${libpq#"$common"}")"
    mkdir -p "$new${bin#"$common"}" "$new${lib#"$common"}" "$new${share#"$common"}/extension"
    for program in postgres initdb pg_ctl pg_config psql pg_dump createdb dropdb; do cp -p "$bin/$program" "$new${bin#"$common"}/"; done
    place_all "$lib" "$new${lib#"$common"}"
    place_all "$share" "$new${share#"$common"}"
    place_all "$share/extension" "$new${share#"$common"}/extension"
    rm -f "$new${share#"$common"}/extension/pg_sqlite_migrate"* "$new${lib#"$common"}/pg_sqlite_migrate"*
    ln -s "$include" "$new${include#"$common"}"
    [ -e "$new${libpq#"$common"}" ] || cp "$libpq" "$new${libpq#"$common"}"
    echo "${bin#"$common"}" >"$new/bindir"
    origin >"$new/origin"
    rm -rf "$TREE"
    mv "$new" "$TREE"
}

# Links what a directory holds, or copies it when the server's user cannot get at it (root's home is closed to it).
place_all() {
    local file place=(ln -s)
    as_server test -r "$1" -a -x "$1" || place=(cp -R)
    for file in "$1"/*; do
        [ -e "$2/$(basename "$file")" ] || "${place[@]}" "$file" "$2/"
    done
}

# The PostgreSQL that the tree is made from: another one, or another release of it, makes another tree.
origin() {
    echo "$PG_CONFIG: $("$PG_CONFIG" --version 2>/dev/null)"
}

# The longest directory that all arguments are under: `/usr` on Debian.
common_parent() {
    local common=$1 path
    for path in "$@"; do
        while [[ $path != "$common"/* ]]; do common=${common%/*}; done
    done
    echo "$common"
}

link_tree() {
    keep_tree
    local lib share
    lib=$("$PG_CONFIG" --pkglibdir) share=$("$PG_CONFIG" --sharedir)
    place_all "$lib" "$("$(bindir)/pg_config" --pkglibdir)"
    place_all "$share/extension" "$("$(bindir)/pg_config" --sharedir)/extension"
}

keep_tree() {
    [ "$(cat "$TREE/origin" 2>/dev/null)" = "$(origin)" ] || make_tree
}

bindir() {
    echo "$TREE$(cat "$TREE/bindir")"
}

# Socket paths may have 107 bytes only: the directory is a short one.
start() {
    local name=$1 bin cluster socket
    keep_tree
    bin=$(bindir) cluster=$CLUSTERS/$1
    if running "$name"; then cat "$cluster/socket"; return; fi
    if [ ! -f "$cluster/data/PG_VERSION" ]; then
        rm -rf "$cluster"
        mkdir -p "$cluster"
        chmod 755 "$CLUSTERS"
        socket=$(mktemp -d /tmp/pgsm.XXXXXX)
        echo "$socket" >"$cluster/socket"
        if [ "$(id -u)" -eq 0 ]; then chown postgres "$socket" "$cluster"; fi
        chmod 755 "$cluster" "$socket"
        as_server "$bin/initdb" -D "$cluster/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 -N >"$cluster/initdb.log" ||
            { cat "$cluster/initdb.log" >&2; exit 1; }
    fi
    socket=$(cat "$cluster/socket")
    if [ ! -d "$socket" ]; then
        mkdir -m 755 "$socket"
        if [ "$(id -u)" -eq 0 ]; then chown postgres "$socket"; fi
    fi
    configure "$cluster" "$socket"
    as_server "$bin/pg_ctl" -D "$cluster/data" -l "$cluster/log" -w -s start >&2 ||
        { tail -20 "$cluster/log" >&2; exit 1; }
    echo "$socket"
}

configure() {
    as_server tee "$1/data/postgresql.auto.conf" >/dev/null <<CONF
listen_addresses = ''
port = 5432
unix_socket_directories = '$2'
fsync = off
log_line_prefix = '%m [%p] %e '
restart_after_crash = on
max_connections = 40
${SERVER_OPTIONS:-}
CONF
}

running() {
    [ -d "$CLUSTERS/$1/data" ] && as_server "$(bindir)/pg_ctl" -D "$CLUSTERS/$1/data" status >/dev/null 2>&1
}

stop() {
    if running "$1"; then as_server "$(bindir)/pg_ctl" -D "$CLUSTERS/$1/data" -m "${2:-fast}" -w -s stop; fi
}

remove() {
    stop "$1" immediate
    if [ -f "$CLUSTERS/$1/socket" ]; then rm -rf "$(cat "$CLUSTERS/$1/socket")"; fi
    rm -rf "${CLUSTERS:?}/$1"
}

remove_all() {
    local data
    for CLUSTERS in "$BASE"/pg*-clusters; do
        TREE=${CLUSTERS%-clusters}
        for data in "$CLUSTERS"/*/data; do
            if [ -d "$data" ]; then remove "$(basename "$(dirname "$data")")"; fi
        done
    done
    rm -rf "$BASE" target/server.path
}

command=${1:?usage: server.sh pg_config|link|start|stop|crash|socket|data|log|psql|remove}
name=${2:-shell}
case $command in
    pg_config) keep_tree && echo "$(bindir)/pg_config" ;;
    link) link_tree ;;
    start) start "$name" ;;
    stop) stop "$name" ;;
    crash) stop "$name" immediate ;;
    socket) cat "$CLUSTERS/$name/socket" ;;
    data) echo "$CLUSTERS/$name/data" ;;
    log) echo "$CLUSTERS/$name/log" ;;
    psql)
        shift $(($# > 1 ? 2 : 1))
        socket=$(start "$name")
        export PGHOST=$socket PGUSER=postgres PGDATABASE=${PGDATABASE:-postgres} PGPORT=5432
        psql -qc 'SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS pg_sqlite_migrate'
        exec psql "$@"
        ;;
    remove) if [ $# -gt 1 ]; then remove "$name"; else remove_all; fi ;;
    *) echo "server.sh: unknown command $command" >&2; exit 2 ;;
esac
