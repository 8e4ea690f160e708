#!/usr/bin/env bash
# Installs what is missing: Debian packages when root, else it prints the one line to run; then cargo-pgrx.
# Installing PostgreSQL on Debian would create and start a system cluster: that is switched off first.
set -euo pipefail
cd "$(dirname "$0")/.."
: "${PG_MAJOR:=15}" "${PG_CONFIG:=/usr/lib/postgresql/$PG_MAJOR/bin/pg_config}"
export PATH="$PWD/target/tools/bin:$HOME/.cargo/bin:$PATH"
PGRX=0.16.1

# command-or-file=package; a command counts as present when it is on PATH.
NEEDS=(
    "/usr/lib/postgresql/$PG_MAJOR/bin/postgres=postgresql-$PG_MAJOR"
    "/usr/include/postgresql/$PG_MAJOR/server/postgres.h=postgresql-server-dev-$PG_MAJOR"
    clang=clang libclang=libclang-dev pkg-config=pkg-config sudo=sudo sqlite3=sqlite3
    make=make gcc=gcc python3=python3
)

present() {
    case $1 in
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

# A PG_CONFIG of the user's own means that they look after PostgreSQL and its headers themselves.
if [ "$PG_CONFIG" != "/usr/lib/postgresql/$PG_MAJOR/bin/pg_config" ]; then
    NEEDS=("${NEEDS[@]:2}")
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
