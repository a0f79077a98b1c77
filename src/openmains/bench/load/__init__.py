# SPDX-License-Identifier: Apache-2.0
"""Generators of load: plain CoAP, DTLS, commands. Each runs as a process of its own beside what it measures."""
