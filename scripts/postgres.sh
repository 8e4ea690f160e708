# Sourced: which PostgreSQL is meant. Sets PG_MAJOR and PG_CONFIG.
#
# PG_CONFIG names any PostgreSQL, which then tells its major version. Without it Debian's package of PG_MAJOR is used
# (15 by default), and where that is not installed, the server that scripts/setup.sh has put below target/.
if [ -n "${PG_CONFIG:-}" ] && [ -z "${PG_MAJOR:-}" ]; then
    PG_MAJOR=$("$PG_CONFIG" --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
fi
: "${PG_MAJOR:=15}"
DEBIAN_PG_CONFIG=/usr/lib/postgresql/$PG_MAJOR/bin/pg_config
DOWNLOADED_PG_CONFIG=$PWD/target/servers/pg$PG_MAJOR/pg_config
if [ -z "${PG_CONFIG:-}" ]; then
    PG_CONFIG=$DEBIAN_PG_CONFIG
    if [ ! -e "$PG_CONFIG" ] && [ -e "$DOWNLOADED_PG_CONFIG" ]; then PG_CONFIG=$DOWNLOADED_PG_CONFIG; fi
fi
