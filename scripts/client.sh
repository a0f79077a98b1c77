#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Makes the Python client of the API out of docs/reference/openapi.json: a package of its own in the folder named, replaced if it is there.
set -eu
cd "$(dirname "$0")/.."
.venv/bin/python -m openapi_python_client generate --path docs/reference/openapi.json --config scripts/python-client.yml \
  --meta setup --overwrite --fail-on-warning --output-path "${1:?where to}"
