# SPDX-License-Identifier: Apache-2.0
"""IMEI → meter, for all registered meters in memory: 24 bytes each, so 10 million take 240 MB.

A lookup in the database for each message would cost more than everything else the edge does, and each meter sends once
a day, so a cache would never hit. The sorted columns are loaded at start; changes since then lie in small dictionaries
above them.
"""

from bisect import bisect_left
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from openmains.domain.ids import MeterId, ProductId, TenantId


class Identity(NamedTuple):
    """Who a message is from."""

    meter_id: MeterId
    tenant_id: TenantId
    product_id: ProductId


class Identities:
    """The whole registry's identities; ``find`` costs about a microsecond."""

    def __init__(self) -> None:
        self._imeis: memoryview = np.empty(0, np.int64).data
        self._meters: memoryview[MeterId] = cast("memoryview[MeterId]", np.empty(0, np.int64).data)
        self._tenants: memoryview[TenantId] = cast("memoryview[TenantId]", np.empty(0, np.int32).data)
        self._products: memoryview[ProductId] = cast("memoryview[ProductId]", np.empty(0, np.int32).data)
        self._added: dict[int, Identity] = {}
        self._moved: dict[int, int | None] = {}

    def __len__(self) -> int:
        return len(self._imeis)

    def load(
        self,
        imeis: NDArray[np.int64],
        meters: NDArray[np.int64],
        tenants: NDArray[np.int32],
        products: NDArray[np.int32],
    ) -> None:
        """Replace everything by these columns, sorted by ``imeis``; forgets the changes, which they contain."""
        self._imeis = np.ascontiguousarray(imeis).data
        self._meters = cast("memoryview[MeterId]", np.ascontiguousarray(meters).data)
        self._tenants = cast("memoryview[TenantId]", np.ascontiguousarray(tenants).data)
        self._products = cast("memoryview[ProductId]", np.ascontiguousarray(products).data)
        self._added = {}
        self._moved = {}

    def change(self, imei: int | None, identity: Identity) -> None:
        """A meter was added or changed; ``imei`` None: removed, or without a module. Its former IMEI is no longer its."""
        self._moved[identity.meter_id] = imei
        if imei is not None:
            self._added[imei] = identity

    @property
    def changes(self) -> int:
        """How many changes lie above the columns; reload when they are many."""
        return len(self._moved)

    def find(self, imei: int) -> Identity | None:
        """The meter with this IMEI, None when not registered."""
        found = self._added.get(imei)
        if found is None:
            place = bisect_left(self._imeis, imei)
            if place == len(self._imeis) or self._imeis[place] != imei:
                return None
            found = Identity(self._meters[place], self._tenants[place], self._products[place])
        if self._moved and self._moved.get(found.meter_id, imei) != imei:
            return None
        return found
