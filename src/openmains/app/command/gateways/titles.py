# SPDX-License-Identifier: Apache-2.0
"""Parameters of gateways in words: what they are called, and what they may be."""

from collections.abc import Mapping
from typing import Final

from openmains.wire.gateway.parameters import PARAMETERS

TITLES: Final[Mapping[str, tuple[str, str]]] = {  # zh, en
    "channels": ("时隙信道", "Channels of the slices"),
    "cycle_s": ("周期", "Cycle"),
    "slice_s": ("时隙长度", "Length of a slice"),
    "relays": ("中继编号", "Numbers of its relays"),
    "tries": ("每条报文发送次数", "Tries of a message"),
    "timeout_ms": ("等待应答时间", "Wait for an answer"),
    "command_windows": ("命令尝试的唤醒窗口数", "Windows in which a command is tried"),
    "probe_s": ("中继探测间隔", "Pause between probes of a relay"),
    "report_s": ("状态上报间隔", "Pause between reports of its state"),
    "kept_days": ("未上报数据保存天数", "Days that unreported data are kept"),
    "log_level": ("日志级别", "Log level"),
}


def bounds(name: str) -> tuple[str, str]:
    """What it may be, as the end of a sentence that begins with its name."""
    known = PARAMETERS.get(name)
    if known is None:
        return "该网关没有这个参数", "is no parameter of this gateway"
    if known.kind == "word":
        listed = ", ".join(known.words)
        return f"须为 {listed} 之一", f"is one of {listed}"
    unit = f" {known.unit}" if known.unit else ""
    if known.kind == "int":
        return f"须为 {known.low} 到 {known.high}{unit} 的整数", f"is an integer from {known.low} to {known.high}{unit}"
    return (
        f"须为 {known.least} 到 {known.most} 个互不相同、{known.low} 到 {known.high} 的整数",
        f"are {known.least} to {known.most} different integers from {known.low} to {known.high}",
    )
