# SPDX-License-Identifier: Apache-2.0
"""Documents set as PDF."""
