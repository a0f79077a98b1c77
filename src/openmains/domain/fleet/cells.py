# SPDX-License-Identifier: Apache-2.0
"""Cells of the files people bring, whatever the file is of: text → value, or why not (``REASONS``).

Pure and per cell. The files are those of meters (``meter_row.py``), areas and the rest of the book (``table_rows.py``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from openmains.domain import csv_rows
from openmains.domain.fleet.registry_columns import FLAGS, MOST_ADDRESS, MOST_NAME
from openmains.domain.plain_text import hidden_sign

REASONS: Mapping[str, tuple[str, str]] = {
    "required": ("必填项为空", "a value is required"),
    "too_long": ("内容过长", "the text is too long"),
    "formula_sign": ("以 = + - 或 @ 开头，会被当作公式；请以文字或数字开头，或在前面加单引号标为文本",
                     "begins with = + - or @ as a formula does: begin it with a letter or a digit, or mark it as text by an apostrophe"),
    "control_sign": ("含有控制字符", "the text contains control characters"),
    "bad_number": ("表号只能含字母、数字和 . _ / -，且以字母或数字开头，最长 32 位",
                   "a meter number has 1 to 32 letters, digits and . _ / - and begins with a letter or digit"),
    "bad_code": ("代码格式不正确", "not a valid code"),
    "bad_imei": ("IMEI 应为 15 位数字且校验位正确", "an IMEI has 15 digits, the last one a valid check digit"),
    "bad_imsi": ("IMSI 应为 15 位数字", "an IMSI has 15 digits"),
    "bad_iccid": ("ICCID 应为 89 开头的 19 或 20 位", "an ICCID has 19 or 20 digits and begins with 89"),
    "bad_phone": ("电话只能含数字、空格和 + - ( ) *", "a phone number has digits, spaces and + - ( ) * only"),
    "bad_flag": ("应填 是 或 否", "expected yes or no"),
    "bad_place": ("安装位置应为 室内、管井、表井、地下室、表坑、表箱、室外 之一",
                  "expected one of room, shaft, well, cellar, pit, box, outdoor"),
    "bad_dn": ("口径应为 1 至 5000 的整数", "DN is a whole number from 1 to 5000"),
    "bad_qmax": ("最大流量应为 0.001 至 100000 m³/h", "Qmax is 0.001 to 100000 m³/h"),
    "bad_date": ("日期应为 年-月-日", "a date is year-month-day"),
    "before-1950": ("日期早于 1950 年", "the date is before 1950"),
    "in-the-future": ("安装日期晚于今天", "the installation date is after today"),
    "too-far-ahead": ("应抄起始日期不能晚于今天起一年", "the day from which readings are expected is more than a year ahead"),
    "digits_lost": ("数字已被表格软件改写（科学计数或超过 15 位），请把该列设为文本后重新填写",
                    "the spreadsheet changed the number (exponent or over 15 digits): format the column as text, fill it in again"),
    "sheet_error": ("单元格是公式错误（如 #N/A），请填入实际值", "the cell is a formula's error (such as #N/A): fill in the value itself"),
    "masked": ("电话已打码，不是真实号码，请填完整号码或留空", "the phone number is masked: give the whole number or leave the cell empty"),
    "mojibake": ("文字已损坏（乱码），请从原文件改正", "the text is damaged (wrong encoding): correct it from its source"),
    "zeros_differ": ("与另一编号只差前导零（可能被表格软件去掉），请核对并补齐",
                     "differs from another number by leading zeros only, which spreadsheets drop: check and complete it"),
    "customer_without_code": ("有客户资料（户名、电话、用户地址、保护、重要）但缺少户号",
                              "what is said of a customer (name, phone, address, protected, critical) needs a customer code"),
    "too_many_cells": ("该行列数多于表头", "the row has more cells than the header"),
    "duplicate_in_file": ("与文件中另一行重复", "the same value is in another row of the file"),
    "customer_differs": ("同一户号的资料与文件中另一行不同", "another row of the file says something else of this customer"),
    "unknown_product": ("没有此产品代码", "there is no such product"),
    "other_unit": ("该产品的介质或读数单位与该表已有的安装不符：请拆除后以新表登记",
                   "the product is of another medium or counts in another unit than the meter's installations: remove it and register it anew"),
    "other_kind": ("表计不能改为监测终端，监测终端也不能改为表计：请填同类产品的代码，或先拆除再以新编号登记",
                   "a meter stays a meter and a monitor a monitor: give a product of its kind, or remove it and register it anew"),
    "monitor_customer": ("监测终端没有用户：请清空户号", "a monitor has no customer: leave the customer code empty"),
    "other_holder": ("该表所在户号由另一用户持有（或同一户号在文件中给了两个用户）。换户请在户号页面办理过户，本文件中填现持有人的户号或留空",
                     "another customer holds the account the meter hangs at, or the file gives two to one account: transfer the account on its "
                     "page, and give its holder's customer code here or leave the cell empty"),
    "bad_tags": ("标签名为 1 至 40 字，多个以 ; 分隔", "names of tags have 1 to 40 signs, with ; between several"),
    "unknown_tag": ("没有此标签，请先在表具列表新建", "there is no such tag: add it on the list of meters first"),
    "unknown_area": ("没有此区域代码", "there is no such area"),
    "imei_taken": ("IMEI 已属于另一只表", "the IMEI belongs to another meter"),
    "bar_code_taken": ("条码已属于另一只表，或在文件中重复；条码一生不变",
                       "the bar code belongs to another meter, or stands twice: it is one meter's for life"),
    "meter_removed": ("该表已拆除，或不在用（在库、已领用、维修、报废）",
                      "the meter was removed, or hangs nowhere: in stock, issued, in repair, scrapped"),
    "unknown_parent": ("没有此上级代码：文件和区域树中都没有", "there is no such area above: neither in the file nor in the tree"),
    "parent_loop": ("上级区域最终又回到自己", "the areas above lead back to this one"),
    "unknown_kind": ("没有此区域类型代码", "there is no such kind of area"),
    "would_move": ("此行会移动已有区域：导入时写明移动的理由，或改回原上级",
                   "this row would move an area that exists: give the reason for moving with the import, or put the area above back"),
    "bad_quantity": ("数量应为 1 至 10000 的整数", "a quantity is a whole number from 1 to 10000"),
    "run-ends": ("从该表号起没有这么多连续的号码", "the run of numbers from this one on is not that long"),
    "no-such-meter": ("没有这只表", "there is no such meter"),
    "other-product": ("该表不是此型号", "the meter is another model"),
    "not-in-stock": ("该表不在库", "the meter is not in stock"),
    "twice": ("此表已在文件的另一行", "another row of the file takes this meter"),
    "before-stock": ("领用时刻早于该表入库", "the meter came into the warehouse after that"),
    "changed_since": ("导入之后该表档案又有修改，或已拆除", "the meter's record was changed after the import, or the meter was removed"),
    "heard_since": ("该表已有上报", "the meter has reported since"),
    "commands_since": ("导入之后对该表下发过命令，或列入批量、规则建议",
                       "a command, a batch or a rule's proposal speaks of the meter"),
    "readings_since": ("该表已有读数、修改或异常记录", "the meter has readings, edits or exceptions"),
    "charged_since": ("该表或其户号已执行价目、出账或收费", "the meter or its account has a tariff, bills or payments"),
    "book_since": ("该表已办理安装、领用、换表等手续，或其户号已有变动",
                   "the meter was installed, issued or exchanged, or its account has acts"),
    "orders_since": ("工单、上门记录或抄表册涉及该表", "a work order, a visit or a reading route speaks of the meter"),
    "settings_since": ("该表已归入集中器，或有抄表任务、限值、告警静默",
                       "the meter has a concentrator, a task, limits or a mute of its own"),
    "alarms_since": ("该表已有告警", "the meter has had alarms"),
    "moved_in": ("用户随该导入入住户号：请在户号页面办理迁出",
                 "the customer moved into the account with the import: move out on the account's page"),
    "place_gone": ("原来的区域、产品或用户已不存在", "the area, product or customer of before is no more"),
    "day-ahead": ("日期晚于今天", "the date is after today"),
    "too-many-issued": ("一个文件最多领用 10000 只", "a file issues 10000 meters at most"),
    "too_deep": ("层级超过 64 层", "the tree would be more than 64 levels deep"),
    **csv_rows.REASONS,
}  # fmt: skip

CODE = re.compile(r"[^\s\x00-\x1f\x7f]{1,64}")
_PHONE = re.compile(r"[0-9+()* -]{1,32}", re.ASCII)
LOST = re.compile(r"\d([.,]\d+)?[eE]\+?\d+")
# In a code the letter may be its own (6E15): lost is what has a decimal mark or a sign, as spreadsheets write it.
LOST_CODE = re.compile(r"-?\d(?:[.,]\d+[eE][+-]?|[eE][+-])\d{1,3}")
ROUNDED = re.compile(
    r"\d{15}0{3,}", re.ASCII
)  # of 18 digits and more, nothing is left beyond the 15 a spreadsheet keeps
SHEET_ERROR = re.compile(
    r"#(?:N/A|REF!|VALUE!|NAME\?|DIV/0!|NUM!|NULL!|SPILL!|CALC!|GETTING_DATA|FIELD!|BLOCKED!|UNKNOWN!|CONNECT!)|#{3,}|Err:\d{3}"
)
_MASKED = re.compile(r"\*{2,}")
# Letters of UTF-8 read as GBK or as Latin-1: what comes of the commonest lead bytes (E4 to E9, C3, EF BB BF).
_MOJIBAKE = re.compile("\ufffd|锟斤拷|锘縷|烫烫烫|\u00ef\u00bb\u00bf|[\u00e4-\u00e9][\u0080-\u00bf]{2}")


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row is not taken. ``row`` counts from 1 as a spreadsheet does, ``column`` is the file's own header."""

    row: int
    column: str
    value: str
    reason: str  # key of REASONS
    other_row: int | None = None

    def text(self, locale: str) -> str:
        """The reason for a person, ``zh`` or ``en``."""
        said = REASONS[self.reason][0 if locale == "zh" else 1]
        if self.other_row is None:
            return said
        return f"{said}（第 {self.other_row} 行）" if locale == "zh" else f"{said} (row {self.other_row})"


class CellError(ValueError):
    """A cell's value is not possible; the argument is a key of REASONS."""


class HeaderError(ValueError):
    """The file's first row can not be used; one line in both languages."""


def plain_heading(text: str) -> str:
    return re.sub(r"[\s_()（）*：:.\-]", "", text.lower().replace("³", "3"))


def checked(text: str, most: int) -> str:
    if len(text) > most:
        raise CellError("too_long")
    if hidden_sign(text):
        raise CellError("control_sign")
    if not text.isascii() and (_MOJIBAKE.search(text) or _is_utf8_read_as_gbk(text)):
        raise CellError("mojibake")
    return text


def _is_utf8_read_as_gbk(text: str) -> bool:
    """Whether the text's GBK bytes are whole UTF-8 with Chinese letters: of names written as they are one in 10^5."""
    try:
        read = text.encode("gb18030").decode("utf-8")
    except UnicodeError:
        return False
    return any("\u4e00" <= sign <= "\u9fff" for sign in read)


def read_code(text: str) -> str:
    if not CODE.fullmatch(text):
        raise CellError("bad_code")
    if LOST_CODE.fullmatch(text) or ROUNDED.fullmatch(text):
        raise CellError("digits_lost")
    return checked(text, MOST_NAME)


def read_name(text: str) -> str:
    return checked(text, MOST_NAME)


def read_address(text: str) -> str:
    return checked(text, MOST_ADDRESS)


def read_phone(text: str) -> str:
    if not _PHONE.fullmatch(text):
        raise CellError("digits_lost" if LOST.fullmatch(text) else "bad_phone")
    if _MASKED.search(text):
        raise CellError("masked")
    return text


def read_flag(text: str) -> bool:
    found = FLAGS.get(text.lower())
    if found is None:
        raise CellError("bad_flag")
    return found
