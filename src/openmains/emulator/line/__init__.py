# SPDX-License-Identifier: Apache-2.0
"""Emulated meters without a radio, on a serial line."""
