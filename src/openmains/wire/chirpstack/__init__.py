# SPDX-License-Identifier: Apache-2.0
"""The MQTT interface of a LoRaWAN network server."""
