#!/usr/bin/env bash
# Installs the ORMs of tests/orms below target/, in the versions that tests/orms/requirements.txt pins.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=tests/orms/requirements.txt
if cmp -s $wanted target/orms/requirements.txt; then exit; fi
if ! /usr/bin/python3 -m pip --version >/dev/null 2>&1; then
    if [ "$(id -u)" -ne 0 ]; then echo "Please run: sudo apt-get install -y python3-pip" >&2; exit 1; fi
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-pip >/dev/null
fi
echo "installing the ORMs below target/orms"
rm -rf target/orms
mkdir -p target
/usr/bin/python3 -m pip install --quiet --disable-pip-version-check --root-user-action ignore --target target/orms -r $wanted
cp $wanted target/orms/
