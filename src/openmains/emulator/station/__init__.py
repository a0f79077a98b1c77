# SPDX-License-Identifier: Apache-2.0
"""Emulated concentrators, DTUs and always-on meters."""
