#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian packages that only tests use: libcoap's coap-client, a CoAP peer that we did not write.
set -eu
command -v coap-client > /dev/null && exit 0
command -v coap-client-notls > /dev/null && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
  echo "openmains: 缺少 coap-client,互通测试需要它:sudo apt-get install libcoap3-bin /" \
    "coap-client is missing and the interoperability tests need it: sudo apt-get install libcoap3-bin" >&2
  exit 1
fi
echo "apt-get install libcoap3-bin"
mkdir -p "$(dirname "$0")/../.setup"
log="$(dirname "$0")/../.setup/apt.log"
export DEBIAN_FRONTEND=noninteractive
{ apt-get install -y --no-install-recommends libcoap3-bin || { apt-get update && apt-get install -y --no-install-recommends libcoap3-bin; }; } \
  > "$log" 2>&1 < /dev/null || { tail -n 3 "$log" >&2; exit 1; }
