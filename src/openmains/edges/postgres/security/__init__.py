# SPDX-License-Identifier: Apache-2.0
"""Terminals, their keys, what edges reported of them."""
