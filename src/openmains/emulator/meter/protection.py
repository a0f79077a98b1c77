# SPDX-License-Identifier: Apache-2.0
"""Which events shut a gas meter's valve, and what opens it again (S5.7 c, S6.1.4.1, S6.1.4.4, S6.1.4.5, G5.5).

By itself: after under-voltage, over-voltage and power loss, when the voltage is back; the register is the same before and after.
At the meter: after everything else a person resets it on the spot, and only when what shut it is over. A command neither opens nor
permits to open. The text of CJ/T 449 (safety cut-off and reset) is not at hand: that a reset is made on the spot is assumed.
No document lets a water meter shut its valve by itself.
"""

from collections.abc import Collection

RETURNS = frozenset({"under_voltage", "over_voltage", "power_loss"})  # S6.1.4.4 c
CUT_OFF = frozenset(
    {"gas_leak", "flow_abnormal", "pressure_abnormal", "temperature_abnormal", "seal_broken"}  # S5.7 c, R4.8
)
DISTURBED = frozenset({"magnetic", "reed_fault"})  # S6.1.4.5, G5.5 step 3
SHUTS = RETURNS | CUT_OFF | DISTURBED
LATCHES = frozenset({"flow_abnormal"})  # the closing takes away the flow that shows it: it lasts until the reset


def shut_by(before: Collection[str], active: Collection[str]) -> frozenset[str]:
    """Why the valve is shut, after the events that are on now: what began is added, what ends by itself is taken away."""
    began = SHUTS & frozenset(active)
    stays = frozenset(before) - (RETURNS - began)
    return stays | began


def after_reset(before: Collection[str], active: Collection[str]) -> frozenset[str]:
    """The same after a person pressed the button: what is over, or was only latched, is reset."""
    return frozenset(before) & (frozenset(active) - LATCHES)
