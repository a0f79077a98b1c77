# SPDX-License-Identifier: Apache-2.0
"""What follows from a debt: warned, closed, or spared, and why. Pure."""
