# SPDX-License-Identifier: Apache-2.0
"""A person's readings as the use cases and the API see them. Registers in units of the meter's driver, instants in s UTC."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from msgspec import Struct

from openmains.domain.ids import MeterId, ProductId, TenantId, UserId

ManualSource = Literal["form", "import"]
ManualState = Literal["waits", "booked", "kept"]


@dataclass(frozen=True, slots=True)
class NewManualReading:
    """Ready for the ledger."""

    meter_id: MeterId
    at: int
    register: int
    digit: int
    note: str
    author_id: UserId
    made_us: int


@dataclass(frozen=True, slots=True)
class SentReading:
    """What the ledger tells of a reading that the pipeline is to apply."""

    reading_id: int
    meter_id: MeterId
    tenant_id: TenantId
    product_id: ProductId
    author_id: UserId
    at: int
    register: int
    digit: int
    note: str
    made_us: int


@dataclass(frozen=True, slots=True)
class ManualOutcome:
    """What became of a reading: the version it made, and bits of ``Rule``."""

    reading_id: int
    version: int
    flags: int


@dataclass(frozen=True, slots=True)
class ReadMeter:
    """What a reading of a meter is held to before it is taken. Qmax in L/h (0: not known); days since 1970."""

    meter_id: MeterId
    number: str
    bar_code: str
    driver: str
    kind: str
    qmax_l_h: int
    dial: int
    installed_day: int
    removed_day: int | None
    product_id: ProductId


class ManualReading(Struct, frozen=True):
    """A register that a person read, in the unit of ``driver``; ``digit``: of its last digit that was read.

    ``state``: ``waits`` until the meter's own order has it; ``booked``: use is counted from it; ``kept``: it is not built upon, and
    ``rules`` says why. ``version``: of the days it made. ``job_id``: of the import it came by.
    """

    reading_id: int
    meter_id: MeterId
    number: str
    bar_code: str
    driver: str
    product_id: ProductId
    at: datetime
    register: int
    digit: int
    note: str
    source: ManualSource
    job_id: int | None
    author_id: UserId
    author: str
    made_at: datetime
    state: ManualState
    version: int | None
    rules: list[str]
