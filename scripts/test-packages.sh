#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian packages that only tests use: libcoap's coap-client, a CoAP peer that we did not write, and Chromium for the walk
# through the console. Without the first the interoperability tests cannot run and we stop; without the second the walk
# is left out and says so.
set -eu
missing=""
command -v coap-client > /dev/null || command -v coap-client-notls > /dev/null || missing="libcoap3-bin"
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing="$missing chromium"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
  echo "openmains: 测试需要以下软件包 / the tests need these packages: sudo apt-get install ${missing# }" >&2
  case $missing in *libcoap3-bin*) exit 1 ;; esac
  exit 0
fi
echo "apt-get install $missing"
mkdir -p "$(dirname "$0")/../.setup"
log="$(dirname "$0")/../.setup/apt.log"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 -- a list of names
{ apt-get install -y --no-install-recommends $missing || { apt-get update && apt-get install -y --no-install-recommends $missing; }; } \
  > "$log" 2>&1 < /dev/null || { tail -n 3 "$log" >&2; exit 1; }
