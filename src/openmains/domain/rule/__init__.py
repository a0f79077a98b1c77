# SPDX-License-Identifier: Apache-2.0
"""Rules that people make (规则引擎, R7.2): when something is said or not said, for whom, an alarm and what follows from it."""
