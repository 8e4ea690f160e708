#!/usr/bin/env bash
# Installs the ORMs of tests/orms below target/orms, in the pinned versions: those of Python, and with the argument `all` those of Node too.
set -euo pipefail
cd "$(dirname "$0")/.."

install_python() {
    local wanted=tests/orms/requirements.txt into=target/orms/python
    if cmp -s $wanted $into/requirements.txt; then return; fi
    if ! /usr/bin/python3 -m pip --version >/dev/null 2>&1; then
        if [ "$(id -u)" -ne 0 ]; then echo "Please run: sudo apt-get install -y python3-pip" >&2; exit 1; fi
        apt-get update -qq
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-pip >/dev/null
    fi
    echo "installing Python's ORMs below $into"
    rm -rf target/orms/python
    mkdir -p target/orms
    /usr/bin/python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target $into -r $wanted
    cp $wanted $into/
}

install_node() {
    local wanted=tests/orms/node into=target/orms/node
    if cmp -s $wanted/package-lock.json $into/package-lock.json; then return; fi
    if ! command -v npm >/dev/null; then echo "Please install Node 20 or newer with npm" >&2; exit 1; fi
    echo "installing Node's ORMs below $into"
    rm -rf $into
    mkdir -p $into.new
    cp $wanted/package.json $wanted/package-lock.json $into.new/
    # Two drivers of SQLite are compiled: a binary cannot be fetched everywhere. No other package's script is run.
    npm ci --prefix $into.new --silent --no-audit --no-fund --legacy-peer-deps --ignore-scripts
    for driver in better-sqlite3 sqlite3; do
        (cd "$into.new" && npm_config_nodedir="${npm_config_nodedir:-/usr}" npm rebuild --silent --build-from-source "$driver")
    done
    mv $into.new $into
}

# Prisma's client is code that it generates from its schemas. It wants a schema engine for that, which it does not run.
generate_client() {
    local wanted=tests/orms/node/prisma into=target/orms/node/prisma
    if diff -rq $wanted $into >/dev/null 2>&1; then return; fi
    rm -rf $into $into.new
    cp -r $wanted $into.new
    for schema in sqlite postgresql; do
        (cd target/orms/node && CHECKPOINT_DISABLE=1 PRISMA_SCHEMA_ENGINE_BINARY="$(type -P true)" \
            npm exec --offline -- prisma generate --schema "prisma.new/$schema.prisma" >/dev/null)
    done
    mv $into.new $into
}

install_python
if [ "${1-}" = all ]; then install_node; generate_client; fi
