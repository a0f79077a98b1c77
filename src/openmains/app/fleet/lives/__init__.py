# SPDX-License-Identifier: Apache-2.0
"""The life of a meter and where it hung when: acts, lists, what is due (R8, ADR 0031)."""
