# SPDX-License-Identifier: Apache-2.0
"""One meter: its register, battery, valve, prepayment, memory, and the frames it makes."""
