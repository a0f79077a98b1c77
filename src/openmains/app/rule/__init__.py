# SPDX-License-Identifier: Apache-2.0
"""Rules that people make without code (R7.2): made, tried, kept to by the pipeline and the clock. See docs/rules.md."""
