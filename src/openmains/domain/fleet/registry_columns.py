# SPDX-License-Identifier: Apache-2.0
"""The columns of the registry's files: one vocabulary for what is imported and what is exported, in both languages.

A column is written under its ``zh`` or ``en`` heading and is read back as the same value under either, or under one of
``others``, which are what utilities' own lists say. Nothing that is written here may be read as another column: a
heading that could be two of them is refused by name (``AMBIGUOUS``), and what only shows a meter's state (``SHOWN_ONLY``)
is no column to read. How a cell is read stands in ``meter_row.py``, how it is written in ``written`` here.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple


class Column(NamedTuple):
    """Headings. They are compared in lower case without spaces and marks."""

    en: str
    zh: str
    others: tuple[str, ...] = ()

    @property
    def headings(self) -> tuple[str, ...]:
        """All under which it is read."""
        return (self.en, self.zh, *self.others)


COLUMNS: Mapping[str, Column] = {
    "number": Column("meter number", "表号", ("number", "meter no", "表具编号", "水表编号", "燃气表号")),
    "bar_code": Column("bar code", "条码", ("barcode", "条形码", "表钢号")),
    "imei": Column("IMEI", "IMEI", ("imei号",)),
    "imsi": Column("IMSI", "IMSI", ("imsi号",)),
    "iccid": Column("ICCID", "ICCID", ("iccid号", "sim卡号")),
    "product": Column("product code", "产品代码", ("product", "产品编码", "型号代码")),
    "area": Column("area code", "区域代码", ("area", "区域编码", "片区代码")),
    "customer_code": Column("customer code", "户号", ("客户编号", "用户编号")),
    "customer_name": Column("customer name", "户名", ("客户名称", "用户姓名", "name", "姓名")),
    "phone": Column("phone", "电话", ("手机号", "联系电话")),
    "customer_address": Column("customer address", "用户地址", ("客户地址", "通信地址")),
    "is_protected": Column("protected", "保护用户", ("protected customer", "特殊保护")),
    "is_critical": Column("critical", "重要用户", ("critical customer", "关键用户")),
    "address": Column("address", "地址", ("安装地址", "meter address")),
    "place": Column("place", "安装位置", ("place of installation",)),
    "dn": Column("DN", "口径", ("公称口径", "口径 DN")),
    "qmax_l_h": Column("Qmax m3/h", "最大流量m3/h", ("qmax", "最大流量", "q4m3/h")),
    "installed_on": Column("installation date", "安装日期", ("installed on", "装表日期")),
    "expected_from": Column("expected from", "应抄起始日期", ("应收起始日期", "起抄日期", "readings expected from")),
    "tags": Column("tags", "标签", ("tag",)),
}
REQUIRED = ("number", "product", "area", "installed_on")
OF_CUSTOMER = ("customer_name", "phone", "customer_address", "is_protected", "is_critical")
MOST_TAG = 40  # signs of a tag's name
TAG_SEPARATORS = ",;，；、"  # none of them is in a name: a cell holds several
MOST_NAME, MOST_ADDRESS = 200, 400  # signs, as the API takes them
MOST_QMAX_L_H = 100_000_000  # 100,000 m³/h, by whatever door it comes: it bounds what a person may set for a meter

# Written for people, never read: what the meter said, and names that follow from a code.
SHOWN_ONLY: Mapping[str, Column] = {
    "medium": Column("medium", "介质"),
    "area_name": Column("area name", "区域名称"),
    "register": Column("register (m³)", "累计读数 (m³)"),
    "register_at": Column("register at", "读数时间"),
    "last_seen": Column("last seen", "最近上报"),
    "battery": Column("battery (%)", "电量 (%)"),
    "events": Column("events", "当前事件"),
}
# Headings, as they are compared, that say a customer without saying whether by code or by name.
AMBIGUOUS: Mapping[str, tuple[str, ...]] = dict.fromkeys(
    ("customer", "用户", "客户", "user", "consumer"), ("customer_code", "customer_name")
)

PLACES: Mapping[str, str] = {
    "room": "room", "shaft": "shaft", "well": "well", "cellar": "cellar", "pit": "pit", "box": "box", "outdoor": "outdoor",
    "室内": "room", "户内": "room", "管井": "shaft", "管道井": "shaft", "表井": "well", "井": "well", "地下室": "cellar",
    "表坑": "pit", "地坑": "pit", "表箱": "box", "室外": "outdoor", "户外": "outdoor",
}  # fmt: skip
FLAGS: Mapping[str, bool] = {
    "是": True, "yes": True, "y": True, "true": True, "1": True, "√": True,
    "否": False, "no": False, "n": False, "false": False, "0": False,
}  # fmt: skip
_PLACES_ZH = {
    "room": "室内",
    "shaft": "管井",
    "well": "表井",
    "cellar": "地下室",
    "pit": "表坑",
    "box": "表箱",
    "outdoor": "室外",
}


def written(name: str, value: Any, language: str) -> str:
    """The cell of a value of a column of ``COLUMNS`` in ``zh`` or ``en``; None and 0 (not known) are an empty cell."""
    if name in ("is_protected", "is_critical"):
        if value is None:
            return ""
        return ("是" if value else "否") if language == "zh" else ("yes" if value else "no")
    if not value:
        return ""
    if name == "tags":
        return ";".join(value)
    if name == "place":
        return _PLACES_ZH[value] if language == "zh" else str(value)
    if name == "qmax_l_h":  # litres an hour as m³/h, exactly
        return f"{(Decimal(value) / 1000).normalize():f}"
    if name in ("installed_on", "expected_from"):
        return str(value.isoformat())
    return str(value)
