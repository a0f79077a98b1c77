#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What only tests use, peers that we did not write. From Debian: libcoap's coap-client (without TLS, over OpenSSL, over GnuTLS),
# openssl, gnutls-cli; mosquitto, a broker of MQTT, with its clients (Debian starts it as a service of this machine alone; tests start their own);
# Chromium for the walk through the console, without which that walk is left out and says so. From PyPI, built here: DTLSSocket (tinydtls), which needs autoconf, automake and a C compiler.
set -eu
cd "$(dirname "$0")/.."
mkdir -p .setup

missing=""
need() { command -v "$1" > /dev/null || missing="$missing $2"; }
need coap-client-notls libcoap3-bin
need coap-client-openssl libcoap3-bin
need coap-client-gnutls libcoap3-bin
need openssl openssl
need gnutls-cli gnutls-bin
[ -x /usr/sbin/mosquitto ] || need mosquitto mosquitto
need mosquitto_sub mosquitto-clients
built() { .venv/bin/python -c 'import DTLSSocket' 2> /dev/null; }
if ! built; then
  need autoreconf autoconf
  need automake automake
  need make make
  need cc gcc
fi
walk=""
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || walk=chromium
missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')

missing=${missing% }
if [ -n "$walk" ] && [ "$(id -u)" -ne 0 ]; then
  echo "openmains: 控制台浏览器测试需要 chromium:sudo apt-get install chromium /" \
    "the walk through the console needs chromium: sudo apt-get install chromium" >&2
  walk=""
fi
if [ -n "$missing$walk" ]; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
    echo "openmains: 互通测试缺少软件包:sudo apt-get install $missing /" \
      "the interoperability tests need packages: sudo apt-get install $missing" >&2
    exit 1
  fi
  missing="$missing $walk"
  echo "apt-get install $missing"
  export DEBIAN_FRONTEND=noninteractive
  # shellcheck disable=SC2086 – a list of words
  { apt-get install -y --no-install-recommends $missing || { apt-get update && apt-get install -y --no-install-recommends $missing; }; } \
    > .setup/apt.log 2>&1 < /dev/null || { tail -n 3 .setup/apt.log >&2; exit 1; }
fi

if ! built; then
  echo "requirements-interop.lock: DTLSSocket"
  # Its build tools are pinned and installed first, so that nothing unpinned is fetched to build it.
  pip() { .venv/bin/python -m pip install --disable-pip-version-check --no-input --quiet "$@" >> .setup/interop.log 2>&1; }
  : > .setup/interop.log
  awk '/^[a-z]/ {skip = /^dtlssocket==/} !skip' requirements-interop.lock > .setup/interop-tools.lock
  { pip --require-hashes -r .setup/interop-tools.lock && pip --require-hashes --no-build-isolation -r requirements-interop.lock; } ||
    { tail -n 5 .setup/interop.log >&2; exit 1; }
fi
