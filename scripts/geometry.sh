#!/usr/bin/env bash
# Installs what tests/e2e/geometry compares with: PostGIS for Debian's PostgreSQL, GDAL and SpatiaLite (as root; otherwise it
# prints the line to run). About 50 MB to download and 215 MB on disk, half a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/postgres.sh

missing=()
[ -e "/usr/share/postgresql/$PG_MAJOR/extension/postgis.control" ] || missing+=("postgresql-$PG_MAJOR-postgis-3")
command -v ogrinfo >/dev/null || missing+=(gdal-bin)
[ -e /usr/lib/python3/dist-packages/osgeo ] || missing+=(python3-gdal)
compgen -G '/usr/lib/*/mod_spatialite.so' >/dev/null || missing+=(libsqlite3-mod-spatialite)
if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" -ne 0 ]; then echo "Please run: sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2; exit 1; fi
    echo "installing ${missing[*]}"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
scripts/server.sh link
