# SPDX-License-Identifier: Apache-2.0
"""Where an account stands that is charged at the server (平台预付费): its balance is what it paid ahead less what it owes, and falls with each
day that is read.

    ENOUGH  the balance is at the warning level or above it
    LOW     below the warning level: the customer is warned
    BELOW   below 0 by more than the credit that is granted: a debt, and what follows from debts follows

A level belongs to the better state: exactly at the warning level is ENOUGH, exactly at the limit LOW.
"""

from enum import StrEnum


class BalanceStage(StrEnum):
    """From good to bad."""

    ENOUGH = "enough"
    LOW = "low"
    BELOW = "below"


def stage_of(balance_fen: int, warn_fen: int, limit_fen: int) -> BalanceStage:
    """``warn_fen``: the warning level; ``limit_fen``: how far below 0 the balance may be."""
    if balance_fen < -limit_fen:
        return BalanceStage.BELOW
    return BalanceStage.LOW if balance_fen < warn_fen else BalanceStage.ENOUGH
