# SPDX-License-Identifier: Apache-2.0
"""Connections of concentrators, DTUs and always-on meters."""
