# SPDX-License-Identifier: Apache-2.0
"""Meters that a utility's MQTT broker speaks for: behind a LoRaWAN network server, or in JSON by a page (ADR 0058)."""
