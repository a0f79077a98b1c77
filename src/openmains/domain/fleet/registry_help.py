# SPDX-License-Identifier: Apache-2.0
"""What a column of the registry's file holds, told to who fills it in: a rule in both languages and an example, by name.

The rules themselves are ``meter_row.py``'s; an example must pass them (tests/domain/fleet/test_registry_help.py).
"""

from collections.abc import Mapping
from typing import NamedTuple


class ColumnHelp(NamedTuple):
    """An example as it is written in a cell, in both languages, and the rule."""

    example: str
    zh: str
    en: str
    example_en: str = ""  # where it differs


HELP: Mapping[str, ColumnHelp] = {
    "number": ColumnHelp("202600000001", "1–32 位字母、数字、. _ / -", "1 to 32 letters, digits, . _ / -"),
    "bar_code": ColumnHelp("CQ00000001", "标识表具", "identifies the meter"),
    "imei": ColumnHelp(
        "860000000000009", "15 位，末位为校验位；全系统唯一", "15 digits with a check digit; unique in the whole system"
    ),
    "imsi": ColumnHelp("460000000000001", "15 位", "15 digits"),
    "iccid": ColumnHelp("89860000000000000001", "89 开头，19 或 20 位", "19 or 20 digits from 89 on"),
    "product": ColumnHelp("", "产品须已存在", "the product must exist"),
    "area": ColumnHelp("", "区域须已存在，或选择新建", "the area must exist, or be made with the file"),
    "customer_code": ColumnHelp("C0000001", "有客户资料时必填", "needed where the row says anything of a customer"),
    "customer_name": ColumnHelp("张三", "户名", "name of the customer", "Zhang San"),
    "phone": ColumnHelp("13800000000", "不得打码（****）", "not masked (****)"),
    "customer_address": ColumnHelp(
        "人民路 12 号 301 室", "户籍或通信地址", "address of the customer", "Renmin Road 12, 301"
    ),
    "is_protected": ColumnHelp("否", "是、否；是则不得远程关阀", "yes or no; yes: never closed from afar", "no"),
    "is_critical": ColumnHelp("否", "是、否；是则关阀须审批人同意", "yes or no; yes: closing needs an approver", "no"),
    "address": ColumnHelp("人民路 12 号 301 室", "表具的安装地址", "where the meter is", "Renmin Road 12, 301"),
    "place": ColumnHelp(
        "管井", "室内、管井、表井、地下室、表坑、表箱、室外", "room, shaft, well, cellar, pit, box, outdoor", "shaft"
    ),
    "dn": ColumnHelp("20", "1–5000 毫米", "1 to 5000 mm"),
    "qmax_l_h": ColumnHelp("5", "0.001–100000 m³/h", "0.001 to 100000 m³/h"),
    "installed_on": ColumnHelp(
        "2026-01-31", "年-月-日，1950 年起，不晚于今天", "YYYY-MM-DD from 1950 on, not after today"
    ),
    "expected_from": ColumnHelp("", "年-月-日；空为登记当天", "YYYY-MM-DD; empty: the day of registration"),
    "tags": ColumnHelp(
        "",
        "已有的标签，多个以 ; 分隔；填写后该表的标签即为这些，空为不变",
        "tags that exist, with ; between; the meter has these then, empty: as it is",
    ),
}
