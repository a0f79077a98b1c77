# SPDX-License-Identifier: Apache-2.0
"""What billing asks of the stores."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from openmains.app.billing.decide import AccountMonth, MeterDays, MeterLink, Plans, Refused
from openmains.app.billing.decide_many import MeterSum, PlainMonth
from openmains.app.billing.model import BillCorrection, BillHead, BillRun, RefusedAccount
from openmains.app.billing.rows import BillInputs, BillRow, CountRow, LineRow
from openmains.domain.ids import MeterId, TenantId, UserId
from openmains.domain.tariff.plan import CustomerClass, LateFeeRule

Decide = Callable[[Sequence[AccountMonth | PlainMonth], Plans, int, int], Awaitable[list[BillRow | Refused | None]]]
"""``decide_many`` somewhere: in another process, or in this one."""


class LinkStore(Protocol):
    """Which meter pays for which account by which tariff, since when: installations say what hangs there, the members of tariffs who pays
    how. An account at which nothing was ever hung in that way has its members' meters, within the time they are installed."""

    async def links(self, after_account: int, limit: int, account_ids: Sequence[int] | None = None) -> list[MeterLink]:
        """All links of the next ``limit`` accounts after one, of all or of some; by account, then by day."""

    async def accounts(self) -> int:
        """How many accounts there are."""


class DayVolumes(Protocol):
    """Days of meters as they are stored now."""

    async def days(
        self, tenant_id: TenantId, meters: Sequence[MeterId], first_day: int, end_day: int
    ) -> Mapping[int, MeterDays]:
        """By meter; one without any day is not in it."""

    async def sums(
        self, tenant_id: TenantId, meters: Sequence[MeterId], first_day: int, end_day: int
    ) -> Mapping[int, MeterSum]:
        """The same summed, by meter."""


@dataclass(frozen=True, slots=True)
class RunPlace:
    """A run as whoever works on it sees it."""

    run_id: int
    month: int
    end_day: int
    book_day: int
    due_day: int
    state: str
    after_account: int
    asked_by: UserId


@dataclass(frozen=True, slots=True)
class KeptBill:
    """The newest version of an account's bill of a month, whole. ``entry_id`` None: of 0 fen."""

    bill_id: int
    account_id: int
    month: int
    version: int
    end_day: int
    book_day: int
    due_day: int
    total_fen: int
    by_days: bool
    inputs: BillInputs
    lines: list[LineRow]
    counted: CountRow
    entry_id: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class BillsOf:
    """What bills that are written together have in common: of one run, or of one correction."""

    month: int
    due_day: int
    run_id: int | None = None
    correction_id: int | None = None


class Counted(NamedTuple):
    """What an account's newest bill counted, as it is kept (``CountRow``). ``until``: all before this day is billed."""

    until: int
    text: str


@dataclass(frozen=True, slots=True)
class OpenBill:
    """A bill of which something is owed: principal less what was paid of it, and its late fee as booked so far. ``paid``: (day, fen)."""

    bill_id: int
    account_id: int
    month: int
    due_day: int
    total_fen: int
    fee: LateFeeRule | None
    paid: tuple[tuple[int, int], ...]
    fee_booked: int
    fee_paid: int

    @property
    def open_fen(self) -> int:
        return self.total_fen - sum(fen for _, fen in self.paid)


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settlement that stands. ``entry_id`` names it."""

    entry_id: int
    bill_id: int
    of_fee: bool
    fen: int


@dataclass(frozen=True, slots=True)
class ArrearsWanted:
    """``least_days``: since the oldest due day; ``after``: (oldest due day, account) of the last row seen."""

    today: int
    least_days: int = 1
    customer_class: str | None = None
    area_id: int | None = None
    after: tuple[int, int] | None = None
    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class ArrearsLabel:
    """Of the newest bill in it."""

    customer_class: CustomerClass
    tariff: str
    area_id: int | None
    area: str


@dataclass(frozen=True, slots=True)
class Arrears:
    """What an account owes after its due day; late fees come to it."""

    account_id: int
    bills: int
    oldest_month: int
    oldest_due: int
    open_fen: int
    label: ArrearsLabel


class RunStore(Protocol):
    """Runs."""

    async def add(
        self, month: int, end_day: int, book_day: int, due_day: int, user_id: UserId, now_us: int
    ) -> int | None:
        """None: one is running."""

    async def place(self, run_id: int, *, lock: bool = False) -> RunPlace | None: ...
    async def running(self) -> int | None:
        """The run at work; who asks keeps others from beginning one until the transaction ends."""

    async def advance(
        self,
        run_id: int,
        after_account: int,
        accounts: int,
        bills: int,
        refused: int,
        before: int,
        total: int,
        settled: int,
    ) -> None:
        """Counts are added."""

    async def end(self, run_id: int, state: str, now_us: int) -> None: ...
    async def resume(self, run_id: int) -> None:
        """A stopped one goes on."""

    async def get(self, run_id: int) -> BillRun | None: ...
    async def page(self, limit: int, after: int | None) -> list[BillRun]: ...
    async def add_refusals(self, run_id: int, refused: Sequence[Refused]) -> None: ...
    async def refusals(self, run_id: int, limit: int, after: int) -> list[RefusedAccount]: ...


class BillStore(Protocol):
    """Bills, written once."""

    async def counted(self, account_ids: Sequence[int]) -> Mapping[int, Counted]:
        """What the newest bill of each counted."""

    async def versions(self, account_ids: Sequence[int], month: int) -> Mapping[int, int]:
        """The highest version that each has of this month."""

    async def add(
        self,
        of: BillsOf,
        bills: Sequence[BillRow],
        versions: Sequence[int],
        entry_ids: Sequence[int | None],
        now_us: int,
    ) -> None:
        """Each with its version and its entry; None: of 0 fen."""

    async def heads(
        self,
        limit: int,
        after: int | None,
        *,
        account_id: int | None = None,
        run_id: int | None = None,
        bill_id: int | None = None,
    ) -> list[BillHead]:
        """From new to old."""

    async def kept(self, bill_id: int) -> KeptBill | None:
        """Any version."""

    async def newest(self, account_id: int, month: int) -> list[KeptBill]:
        """The newest versions of this month and the later ones, by month."""

    async def numbers(self, meter_ids: Sequence[int]) -> Mapping[int, str]: ...


class SettlementStore(Protocol):
    """What paid which bill."""

    async def open_bills(self, account_ids: Sequence[int]) -> list[OpenBill]:
        """Newest versions with anything owed of principal or fee, oldest month first."""

    async def add(self, rows: Sequence[tuple[int, int, int, bool, int, int]]) -> None:
        """(entry, bill, account, of fee, day, fen) each."""

    async def add_fee(self, entry_id: int, bill_id: int, account_id: int, day: int, fen: int) -> None: ...
    async def fees(self, bill_id: int) -> list[int]:
        """Entries of late fees of a bill that stand."""

    async def standing(self, account_id: int, bill_id: int | None = None) -> list[Settlement]:
        """Settlements that were not taken back, newest first."""

    async def in_arrears(self, wanted: ArrearsWanted, limit: int) -> list[Arrears]:
        """Accounts with principal owed after its due day, the longest first."""


class CorrectionStore(Protocol):
    """Corrections: never changed but decided."""

    async def add(self, account_id: int, month: int, reason: str, author: UserId, now_us: int) -> int | None:
        """None: one waits for this account."""

    async def lock(self, correction_id: int) -> BillCorrection | None: ...
    async def get(self, correction_id: int) -> BillCorrection | None: ...
    async def page(self, limit: int, after: int | None) -> list[BillCorrection]: ...
    async def decide(self, correction_id: int, state: str, user_id: UserId, decision: str, now_us: int) -> None: ...
    async def hold(self) -> None:
        """No run begins, and no other correction is made, until the transaction ends."""
