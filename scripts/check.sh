#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Checks that need no running program. The shape of the tree (imports, sizes, licences …) is checked in tests/architecture.
set -eu
cd "$(dirname "$0")/.."
bin=.venv/bin
echo "ruff"
$bin/ruff check --quiet .
$bin/ruff format --check --quiet . || { echo "not formatted; run: .venv/bin/ruff format ." >&2; exit 1; }
echo "mypy"
$bin/mypy --no-error-summary
echo "import rules"
$bin/lint-imports > .setup/imports.log 2>&1 || { sed -n '/^Broken/,$p' .setup/imports.log >&2; exit 1; }
