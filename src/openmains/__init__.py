# SPDX-License-Identifier: Apache-2.0
"""OpenMains 开源智慧气水表平台: reads, controls and bills gas and water meters."""

__version__ = "0.1.0"
