# SPDX-License-Identifier: Apache-2.0
"""The tables of ``docs/protocols/openmains-commands.md``, drawn from the pages; a test keeps them fresh.

``python -m openmains.drivers.command_doc`` prints what stands between the marks in that file.
"""

from openmains.drivers import catalog
from openmains.drivers.codec import TableDriver
from openmains.drivers.commands import HEAD_SIZE, MAC_SIZE
from openmains.drivers.model import CommandKind, CommandParam, Setting
from openmains.drivers.page import CRC_SIZE, CommandField, CommandTable

NAMES = ("openmains/water-1", "openmains/gas-1")


def table_of(name: str) -> CommandTable:
    """A page's command table."""
    driver = catalog.load().driver(name)
    if not isinstance(driver, TableDriver) or driver.page.commands is None:
        raise ValueError(f"{name} has no commands")
    return driver.page.commands


def drawing() -> str:
    """Kinds, settings and an example of each."""
    water, gas = (table_of(name) for name in NAMES)
    lines: list[str] = []
    for kind in water.kinds.values():
        lines += _kind(kind, water.fields[kind.name], gas.kinds[kind.name])
    lines += ["### Settings · 参数表", "", "| no. | name | unit | range | default | effect | meaning | 含义 |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    lines += [
        f"| {s.number} | `{s.name}` | {s.unit} | {s.low}…{s.high} | {s.default} | {_effect(s)} | {s.title.en} | {s.title.zh} |"
        for s in water.settings.values()
    ]
    lines += ["", "### Examples · 示例", "", "Water; the MACs with the key 00 01 … 1F. 水表；密钥为 00 01 … 1F。", ""]
    lines += ["| command | bytes | frame |", "|---|---|---|"]
    lines += [f"| {v.name} | {len(v.frame)} | `{v.frame.hex()}` |" for v in water.vectors]
    return "\n".join(lines) + "\n"


def _kind(kind: CommandKind, fields: tuple[CommandField, ...], gas: CommandKind) -> list[str]:
    english = kind.title.en if gas.title == kind.title else f"{kind.title.en} (gas: {gas.title.en.lower()})"
    chinese = kind.title.zh if gas.title == kind.title else f"{kind.title.zh}（燃气：{gas.title.zh}）"
    size = f"under {kind.limit_bytes} bytes" + (", with MAC" if kind.signed else "")
    lines = [f"### {kind.code:02X}h `{kind.name}` {english} · {chinese}", "", f"Size · 长度: {size}", ""]
    lines += ["| offset | type | field | range | meaning | 含义 |", "|---|---|---|---|---|---|"]
    at: list[str] = [str(HEAD_SIZE)]
    for field, param in zip(fields, kind.params, strict=True):
        lines.append(
            f"| {_sum(at)} | {_type(field)} | `{field.name}` | {_range(param)} | {param.title.en} | {param.title.zh} |"
        )
        at.append(_length(field))
    if kind.signed:
        lines.append(
            f"| {_sum(at)} | {MAC_SIZE} bytes | `mac` | | HMAC-SHA256, first half, over all bytes before it | 校验码 |"
        )
        at.append(str(MAC_SIZE))
    lines += [f"| {_sum(at)} | u16 | `crc` | | CRC-16; the frame ends {CRC_SIZE} bytes later | CRC-16 |", ""]
    return lines


def _effect(setting: Setting) -> str:
    return f"{setting.effect}, shuts below it" if setting.closes_below else str(setting.effect)


def _sum(parts: list[str]) -> str:
    fixed = sum(int(part) for part in parts if part.isdigit())
    return " + ".join([str(fixed), *(part for part in parts if not part.isdigit())])


def _type(field: CommandField) -> str:
    if field.form == "text":
        return "u8 n, n bytes"
    if field.form == "settings":
        return "u8 n, n × (number u8, value i32)"
    if field.form == "names":
        return "u8 n, n × number u8"
    name = f"{'i' if field.signed else 'u'}{8 * field.size}"
    return f"{name} × {field.count}" if field.count else name


def _length(field: CommandField) -> str:
    if field.form == "int":
        return str(field.size)
    if field.form == "list":
        return f"{field.size}·{field.count}"
    return {"text": "1 + n", "settings": "1 + 5·n", "names": "1 + n"}[field.form]


def _range(param: CommandParam) -> str:
    if param.form in ("settings", "names"):
        return f"at most {param.most}"
    unit = f" {param.unit}" if param.unit else " characters" if param.form == "text" else ""
    return f"{param.low}…{param.high}{unit}"


if __name__ == "__main__":
    print(drawing(), end="")
