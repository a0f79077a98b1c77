# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501 - rows of tables, in two languages
"""The page that says which foreign clients were run, with what, and how it went."""

from dataclasses import dataclass, field

from tests.peers.found import Client

HEAD = """<!-- SPDX-License-Identifier: Apache-2.0 -->
# 与他人设备栈互通 · Foreign clients

`make peers` 写出本页:在本机找到的每个非本项目的客户端,依次对真实运行的系统(真实的边缘进程、引擎、密钥)执行下列各项。它不构建任何程序;
先在 `OPENMAINS_PEERS` 指定的目录中查找,再查 PATH。客户端与边缘之间是一个会丢包、会换地址的 UDP 中继:边缘进程不在时客户端听到的是沉默,与现场相同。

`make peers` writes this page: each client that we did not write and that is found on the machine is run against a real system (a real edge process,
engines, keys). It builds nothing; it looks in the folder that `OPENMAINS_PEERS` names, then on the PATH. Between client and edge lies a UDP relay that can lose
datagrams and change addresses: while no edge runs a client hears silence, as in the field. Code: `tests/peers/`.

✓ 通过 passed · ✗ 未通过 failed, with what was seen · — 该客户端不具备 the client has no way to do it
"""


@dataclass
class Row:
    """One case. ``sign``: ✓, ✗ or —."""

    zh: str
    en: str
    sign: str
    note: str = ""


@dataclass
class Result:
    """One client; ``rows`` empty: it was not found."""

    client: Client
    version: str = ""
    rows: list[Row] = field(default_factory=list)


def page(results: list[Result]) -> str:
    """The whole page."""
    parts = [HEAD]
    parts.append(
        "| 客户端 client | 版本 version | ✓ | ✗ | — |\n|---|---|---|---|---|\n" + "".join(map(_summary, results))
    )
    parts += [_section(result) for result in results if result.rows]
    missing = [result.client for result in results if not result.rows]
    if missing:
        lines = "".join(f"| {client.name} | {_cell(client.get)} |\n" for client in missing)
        parts.append(f"## 未找到 · Not found\n\n| 客户端 client | 如何取得 how to get it |\n|---|---|\n{lines}")
    return "\n".join(parts)


def _summary(result: Result) -> str:
    if not result.rows:
        return f"| {result.client.name} | 未找到 not found | | | |\n"
    counts = " | ".join(str(sum(row.sign == sign for row in result.rows)) for sign in "✓✗—")
    return f"| {result.client.name} | {result.version} | {counts} |\n"


def _section(result: Result) -> str:
    lines = "".join(
        f"| {row.zh} | {row.en} | {row.sign} {_cell(row.note)} |\n".replace("  |", " |") for row in result.rows
    )
    return f"## {result.client.name} {result.version}\n\n| 内容 | what | 结果 result |\n|---|---|---|\n{lines}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
