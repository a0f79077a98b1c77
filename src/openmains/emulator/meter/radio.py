# SPDX-License-Identifier: Apache-2.0
"""Where a meter stands in the network: its cell and its signal, which sways from message to message (R1.1, R12.1)."""

from dataclasses import dataclass

CE0_DDBM, CE1_DDBM = -1050, -1150  # R12.1


@dataclass(frozen=True, slots=True)
class RadioPlace:
    """Of one meter; powers in 0.1 dBm."""

    rsrp_ddbm: int
    cell: int
    pci: int
    earfcn: int = 3738

    @classmethod
    def of(cls, number: int) -> "RadioPlace":
        """From the meter's number, the same each time."""
        spread = number * 2_654_435_761 & 0xFFFFFFFF
        cell = 0x1A2B00 + (spread >> 9) % 64
        return cls(-780 - spread % 400, cell, cell % 504)

    def rsrp_of(self, frame_seq: int) -> int:
        """At one message, 0.1 dBm."""
        return self.rsrp_ddbm + frame_seq * 7 % 31 - 15


def sinr_of(rsrp_ddbm: int) -> int:
    """0.1 dB, as it goes with the power."""
    return (rsrp_ddbm + 1250) // 3


def ecl_of(rsrp_ddbm: int) -> int:
    """Coverage level 0…2."""
    return 0 if rsrp_ddbm >= CE0_DDBM else 1 if rsrp_ddbm >= CE1_DDBM else 2
