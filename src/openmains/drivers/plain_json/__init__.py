# SPDX-License-Identifier: Apache-2.0
"""Plain JSON of a gateway, by a page: which value of the text is which point. Numbers are decimals, never floats."""
