#!/usr/bin/env bash
# Installs what tests/e2e/report opens pages with: Debian's chromium and Node (as root; otherwise it prints the line to run),
# and below target/browser the packages of tests/browser, in the pinned versions.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=tests/browser into=target/browser

missing=()
command -v chromium >/dev/null || missing+=(chromium)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" -ne 0 ]; then echo "Please run: sudo apt-get install -y --no-install-recommends ${missing[*]}" >&2; exit 1; fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

if cmp -s $wanted/package-lock.json $into/package-lock.json && [ -d $into/node_modules ]; then exit 0; fi
echo "installing the packages of $wanted below $into"
rm -rf $into $into.new
mkdir -p $into.new
cp $wanted/package.json $wanted/package-lock.json $into.new/
npm ci --prefix $into.new --loglevel error --no-audit --no-fund --ignore-scripts >/dev/null
mv $into.new $into
