# SPDX-License-Identifier: Apache-2.0
"""How the console shows things to one person: kept with the person, so that it is the same in every browser.

Nothing here changes what the platform does or what others see, so that it leaves no line in the trail.
"""

from typing import Annotated, Literal, Protocol

from msgspec import UNSET, Meta, Struct, UnsetType, field

from openmains.app.identity.model import Actor
from openmains.app.problems import Problem
from openmains.app.unit_of_work import Store
from openmains.domain.ids import UserId

Numbers = Literal["space", "comma", "plain"]
"""How thousands stand apart: 12 345.6 (thin space), 12,345.6, or 12345.6."""
PageRows = Annotated[int, Meta(ge=10, le=200)]
ListName = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z][a-z_-]*$")]
ColumnNames = Annotated[str, Meta(max_length=1000, pattern=r"^[a-z0-9_,]*$")]
MOST_LISTS = 100


class Preferences(Struct, frozen=True):
    """``columns``: by the name of a list, the names of its columns with commas between; a list that is not there shows its usual ones."""

    numbers: Numbers = "space"
    page_rows: PageRows | None = None
    columns: dict[str, str] = field(default_factory=dict)


class PreferencesChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays. ``locale`` is the person's language, in which notices are written too; of ``columns`` only the lists that
    are named change, '' being their usual columns."""

    locale: Literal["zh", "en"] | UnsetType = UNSET
    numbers: Numbers | UnsetType = UNSET
    page_rows: PageRows | UnsetType | None = UNSET
    columns: dict[ListName, ColumnNames] | UnsetType = UNSET


class PreferenceStore(Protocol):
    """Of people of one tenant."""

    async def get(self, user_id: UserId) -> Preferences: ...
    async def put(self, user_id: UserId, preferences: Preferences, locale: str | None) -> None:
        """``locale`` None: the language stays."""

    async def lock(self, user_id: UserId) -> Preferences:
        """As ``get``; nobody else changes them until the transaction ends."""


async def own_preferences(store: Store, actor: Actor) -> Preferences:
    """Of the person who asks."""
    async with store.tenant(actor.tenant_id) as work:
        return await work[PreferenceStore].get(actor.user_id)


async def change_preferences(store: Store, actor: Actor, change: PreferencesChange) -> Preferences:
    """Raises ``invalid-input`` where there would be more than ``MOST_LISTS`` lists."""
    async with store.tenant(actor.tenant_id) as work:
        before = await work[PreferenceStore].lock(actor.user_id)
        after = changed(before, change)
        if len(after.columns) > MOST_LISTS:
            raise Problem("invalid-input", fields=(("/columns", "out-of-range"),))
        await work[PreferenceStore].put(actor.user_id, after, None if change.locale is UNSET else change.locale)
        return after


def changed(before: Preferences, change: PreferencesChange) -> Preferences:
    """``before`` with what ``change`` says."""
    columns = before.columns if change.columns is UNSET else before.columns | change.columns
    return Preferences(
        numbers=before.numbers if change.numbers is UNSET else change.numbers,
        page_rows=before.page_rows if change.page_rows is UNSET else change.page_rows,
        columns={name: text for name, text in columns.items() if text != ""},
    )
