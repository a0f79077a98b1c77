# SPDX-License-Identifier: Apache-2.0
"""Between ``openmains gateway`` and the platform, over MQTT (docs/protocols/gateway.md)."""
