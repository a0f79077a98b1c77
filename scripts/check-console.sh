#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The console's own checks: types (done by its build), lint, unit tests, generated API client fresh.
set -eu
cd "$(dirname "$0")/../console"
[ -f package.json ] || exit 0
for task in lint api:check test; do
  if grep -q "\"$task\":" package.json; then
    echo "console $task"
    npm run --silent "$task"
  fi
done
