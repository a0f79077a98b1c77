# SPDX-License-Identifier: Apache-2.0
"""Default configuration (R3.4): what a product's meters are set to when they speak for the first time.

``settings.defaults`` of a product names parameters and values. A meter is given them once, with its first report; the key of the
command names the meter and the values, so that the same defaults are never given twice. A change of the defaults is for
meters to come: those in use are changed by a batch, with its groups and its share a day. Onboarding is no reconfiguration and
does not count in that share: a meter that was never in use cannot be made worse for its customer over night.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from openmains.app.command.driver import CommandDrivers
from openmains.app.command.give import check_params, check_quantities
from openmains.app.command.plan_reports import SPREADING, check_spreading
from openmains.app.problems import Problem
from openmains.domain.command.kinds import Channel, Kind
from openmains.domain.ids import MeterId
from openmains.domain.tariff.meter_deduction import PRODUCT_KEY, is_usable

DEFAULTS, CHANNEL = "defaults", "channel"
TRUTHS = ("prepaid", "remote_closing")  # the signer reads them


def default_key(meter_id: MeterId, values: Mapping[str, Any]) -> str:
    """Unique key of a meter's default configuration in this version."""
    version = hashlib.sha256(msgspec.json.encode(dict(values), order="sorted")).hexdigest()[:16]
    return f"default:{meter_id}:{version}"


def check_product(drivers: CommandDrivers | None, driver: str, settings: Mapping[str, Any], qmax_l_h: int) -> None:
    """Raises ``invalid-input`` for settings of a product that commands could not use, ``no-such-command`` for defaults of a driver
    that cannot set any, ``beyond-meter`` for a default beyond the product's own Qmax."""
    for name in TRUTHS:
        if not isinstance(settings.get(name, False), bool):
            raise Problem("invalid-input", fields=((f"/settings/{name}", "not-accepted"),))
    if settings.get(CHANNEL, Channel.DIRECT) not in set(Channel):
        raise Problem("invalid-input", fields=((f"/settings/{CHANNEL}", "not-accepted"),))
    if not check_spreading(settings):
        raise Problem("invalid-input", fields=((f"/settings/{SPREADING}", "not-accepted"),))
    if not is_usable(settings):
        raise Problem("invalid-input", fields=((f"/settings/{PRODUCT_KEY}", "not-accepted"),))
    defaults = settings.get(DEFAULTS, {})
    if not isinstance(defaults, dict):
        raise Problem("invalid-input", fields=((f"/settings/{DEFAULTS}", "not-accepted"),))
    if defaults:
        if drivers is None:
            raise Problem("not-offered")
        check_params(drivers, driver, Kind.SET_PARAMETERS, {"values": defaults})
        check_quantities(drivers, driver, Kind.SET_PARAMETERS, {"values": defaults}, qmax_l_h, driver)
