# SPDX-License-Identifier: Apache-2.0
"""Where the demo's emulated providers answer (``phones.py``): the supervisor needs no more than this to let their address in."""

from dataclasses import replace

from openmains.run.settings import Loaded

HOST = "127.0.0.77"  # of this machine alone, and no service listens there by chance
NETWORK = f"{HOST}/32"


def with_phones(loaded: Loaded) -> Loaded:
    """The settings with that address let in; as they are where somebody set networks of his own."""
    if loaded.origin["notify_networks"] != "default":
        return loaded
    origin = loaded.origin | {"notify_networks": "command line"}
    return Loaded(replace(loaded.settings, notify_networks=NETWORK), origin, loaded.file)
