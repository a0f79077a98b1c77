# SPDX-License-Identifier: Apache-2.0
"""Access given from the machine itself: which tenant is meant."""

from openmains.app.identity.model import Tenant
from openmains.app.identity.recover import chosen_tenant
from openmains.domain.ids import TenantId


def test_a_tenant_is_chosen_by_code_or_as_the_only_one() -> None:
    east, west = (
        Tenant(TenantId(place), code, code, "Asia/Shanghai") for place, code in enumerate(("east", "west"), 1)
    )
    assert chosen_tenant([east], None) == east
    assert chosen_tenant([east, west], "west") == west
    assert chosen_tenant([east, west], None) is None
    assert chosen_tenant([east, west], "north") is None
    assert chosen_tenant([], None) is None
