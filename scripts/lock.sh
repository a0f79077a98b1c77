#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Renews the lock files: exact versions with hashes, and no word about where they come from.
# Left out are the makers of test data that litestar names and imports for invented examples only (polyfactory, faker): no server of
# ours makes any (tests/edges/http/test_without_test_data.py). scripts/setup.sh installs exactly what is locked.
# Needs uv on PATH or in UV. `scripts/lock.sh --upgrade` takes newer versions; without it only what is needed changes.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-uv}
lock() {
  out=$1
  shift
  "$uv" pip compile "$@" --quiet --generate-hashes --no-emit-index-url --no-emit-find-links \
    --no-emit-package polyfactory --no-emit-package faker --no-header --no-annotate --python-version 3.11 --python-platform linux --output-file "$out"
  { printf '# SPDX-License-Identifier: Apache-2.0\n# Made by scripts/lock.sh for CPython 3.11 on Linux.\n'; cat "$out"; } > "$out.new"
  mv "$out.new" "$out"
}
lock requirements.lock pyproject.toml --group setup "$@"
lock requirements-dev.lock pyproject.toml --group setup --group dev --constraints requirements.lock "$@"
lock requirements-interop.lock --group interop --constraints requirements-dev.lock "$@"
