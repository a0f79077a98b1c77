# SPDX-License-Identifier: Apache-2.0
"""The people and meters of the demo utility: made up, the same at every set-up, large enough to look like a town."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from openmains.domain.fleet.identifiers import imei_of, luhn_digit
from openmains.emulator.meter.consumption import Medium
from openmains.emulator.meter.prices import MONEY, UNITS_A_FEN, Account, PriceSet
from openmains.run.demo import concentrators
from openmains.run.demo.monitors import monitors

TENANT_CODE = "demo"
TENANT_NAME = "江城燃气水务(演示) Rivertown Utilities (demo)"
GAS, WATER = 500, 500
RADIO = 36  # water meters behind gateways
HISTORY_DAYS = 62  # the whole of last month, on whatever day one starts
IMEI_BASE = 86_170_005_000_000  # first 14 digits; the check digit follows

AREAS = (
    ("A01", "临江片区 Riverside"), ("A02", "老城片区 Old Town"), ("A03", "高新片区 Tech Park"), ("A04", "南湖片区 South Lake"),
    ("A05", "大学城 University"), ("A06", "工业园 Industrial Park"), ("A07", "北站片区 North Station"), ("A08", "青山镇 Green Hill"),
)  # fmt: skip
PRODUCTS = (
    ("G1-6-NB", "NB-IoT 燃气表 G1.6", "gas", "openmains/gas-1", 2500),
    ("LXS-15-NB", "NB-IoT 水表 LXS-15", "water", "openmains/water-1", 3125),
)
GAS_PRICE = PriceSet(
    version=1,
    effective_at=1_704_038_400,  # 2024-01-01 00:00 in Shanghai
    period_start=1_704_038_400,
    cycle_months=12,
    clear_total=True,
    tier_from=(0, 310, 520),
    prices=(26_300, 31_600, 39_500),
)
_STREETS = ("滨江路", "人民路", "解放街", "科技大道", "南湖路", "学府路", "工业一路", "站前街", "青山巷", "中山路")
_FAMILY = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN = (
    "伟",
    "芳",
    "娜",
    "敏",
    "静",
    "丽",
    "强",
    "磊",
    "军",
    "洋",
    "勇",
    "艳",
    "杰",
    "娟",
    "涛",
    "明",
    "超",
    "秀英",
    "霞",
    "平",
)
_PLACES = {Medium.GAS: ("room", "shaft", "outdoor"), Medium.WATER: ("shaft", "well", "room", "cellar", "pit")}


@dataclass(frozen=True, slots=True)
class DemoMeter:
    """One meter; ``number`` is also what its consumption follows from."""

    number: int
    imei: int
    imsi: str
    medium: Medium
    product: str
    area: str
    customer: str
    name: str
    phone: str
    address: str
    place: str
    installed_on: date


def meters() -> Iterator[DemoMeter]:
    """All 1,000 of them, gas first; every household has one of each."""
    for index in range(GAS + WATER):
        medium = Medium.GAS if index < GAS else Medium.WATER
        household = index % GAS
        street = _STREETS[household * 7 % len(_STREETS)]
        yield DemoMeter(
            number=number_of(medium, household),
            imei=imei_of(IMEI_BASE + index),
            imsi=f"46004{index:010d}",
            medium=medium,
            product=PRODUCTS[0 if medium is Medium.GAS else 1][0],
            area=AREAS[household % len(AREAS)][0],
            customer=f"C{household + 1:06d}",
            name=_FAMILY[household % len(_FAMILY)] + _GIVEN[household * 3 // len(_FAMILY) % len(_GIVEN)],
            phone=f"138{(household * 7919 + 10_000_019) % 100_000_000:08d}",
            address=f"{street}{household % 120 + 1}号{household % 8 + 1}栋{household % 3 + 1}单元{household % 17 + 1}{household % 4 + 1:02d}室",
            place=_PLACES[medium][household % len(_PLACES[medium])],
            installed_on=date(2024, 1, 8) + timedelta(days=household % 300),
        )


def radio_meters() -> Iterator[DemoMeter]:
    """Water meters on a gateway's radio: without a module, a SIM and a customer."""
    for index in range(RADIO):
        address = f"滨江路{index // 12 + 3}号{index % 12 // 2 + 1}层{index % 2 + 1:02d}室"
        yield DemoMeter(
            11 * 10**10 + 36_330_001 + index,
            0,
            "",
            Medium.WATER,
            PRODUCTS[1][0],
            AREAS[0][0],
            "",
            "",
            "",
            address,
            "shaft",
            date(2024, 3, 4),
        )


def number_of(medium: Medium, household: int) -> int:
    """What is printed on the meter of a household, and says in its first digits what it measures."""
    return (31 if medium is Medium.GAS else 11) * 10**10 + 26_000_000 + household


def iccid_of(index: int) -> str:
    """19 digits, the last one the check digit of E.118."""
    account = f"8986042600{index:08d}"
    return f"{account}{luhn_digit(account)}"


def as_csv() -> bytes:
    """The registry file of the town, as an operator would import it."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(
        (
            "表号",
            "条码",
            "IMEI",
            "IMSI",
            "ICCID",
            "产品代码",
            "区域代码",
            "户号",
            "户名",
            "电话",
            "地址",
            "安装位置",
            "口径",
            "安装日期",
            "应抄起始日期",
        )
    )
    for index, meter in enumerate(meters()):
        writer.writerow(
            (
                meter.number, f"OM{meter.number}", meter.imei, meter.imsi, iccid_of(index),
                meter.product, meter.area, meter.customer, meter.name, meter.phone, meter.address, meter.place, 15,
                meter.installed_on.isoformat(), meter.installed_on.isoformat(),
            )
        )  # fmt: skip
    for monitor in monitors():
        spec = monitor.spec
        writer.writerow(
            (
                spec.number, f"OM{spec.number}", spec.imei, monitor.imsi, "", monitor.product, monitor.area, "", "", "", monitor.address,
                "outdoor", "", monitor.installed_on.isoformat(), monitor.installed_on.isoformat(),
            )
        )  # fmt: skip
    for radio in radio_meters():
        writer.writerow(
            (
                radio.number, "", "", "", "", radio.product, radio.area, "", "", "", radio.address, radio.place, 15,
                radio.installed_on.isoformat(), radio.installed_on.isoformat(),
            )
        )  # fmt: skip
    for each in concentrators.line_meters():
        writer.writerow(
            (
                each.number, "", "", "", "", concentrators.PRODUCT[0], concentrators.AREA, "", "", "", each.address, "shaft", 15,
                each.installed_on.isoformat(), each.installed_on.isoformat(),
            )
        )  # fmt: skip
    return text.getvalue().encode("utf-8-sig")


PREPAID = [number_of(Medium.GAS, household) for household in range(20, 31) if household % 5 != 4]
"""Gas meters whose balances are worked out again (``prepaid.py``); those that report all the time."""
FAULTS: dict[int, dict[str, Any]] = {
    PREPAID[1]: {"rounds_up": 10}, PREPAID[4]: {"keeps_price": True}, PREPAID[7]: {"forgets_top_ups": True},
}  # fmt: skip
"""Planted in the emulated meters' accounts, by number."""


def account(meter: DemoMeter) -> Account:
    """Gas is paid in advance, at the price of a first version; water afterwards."""
    if meter.medium is not Medium.GAS:
        return Account()
    return Account(
        MONEY, (150_000 + meter.number % 97 * 1_000) * UNITS_A_FEN, price=GAS_PRICE, **FAULTS.get(meter.number, {})
    )
