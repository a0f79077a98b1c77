# SPDX-License-Identifier: Apache-2.0
"""What a backup or restore is doing, for the person who waits: a line for each step, and how much went through while a step lasts."""

import time
from collections.abc import Callable

from openmains.run import messages

STEPS = {
    "moment": ("已取得一致时刻,处理暂停", "the moment is taken; the pipeline was held for"),
    "stream": ("复制消息流中尚未处理的消息", "messages of the stream that are not yet applied"),
    "files": ("复制密钥、账本、会话与文件", "secrets, ledger, sessions, files"),
    "clickhouse": ("ClickHouse", "ClickHouse"),
    "postgres": ("PostgreSQL", "PostgreSQL"),
    "count": ("逐表计数", "counting every table"),
    "read": ("读取并核对备份文件", "reading and checking the file"),
    "compare": ("与备份时刻比较", "comparing with the moment of the backup"),
    "epoch": ("提升版本、序号与计数器", "raising versions, serial numbers and counters"),
}
EVERY_S = 5.0


class Progress:
    """``clock``: seconds, monotonic."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bytes = 0
        self._told_at = clock()

    def step(self, name: str, detail: str = "") -> None:
        """A step of STEPS begins."""
        zh, en = STEPS[name]
        self._told_at = self._clock()
        messages.show(f"  {zh} {detail}".rstrip(), f"  {en} {detail}".rstrip())

    def add(self, size: int) -> None:
        """Bytes of content went through; may be called from a thread."""
        self._bytes += size
        if self._clock() - self._told_at > EVERY_S:
            self._told_at = self._clock()
            messages.show(f"    {self._bytes >> 20} MB", f"    {self._bytes >> 20} MB")
