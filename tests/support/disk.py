# SPDX-License-Identifier: Apache-2.0
"""A stream that keeps what is published in a list."""

from openmains.app.ingest.uplink import Uplink, decode_batch


class Disk:
    """The stream's writing side; while ``is_away`` it confirms nothing."""

    def __init__(self) -> None:
        self.uplinks: list[Uplink] = []
        self.is_away = False

    async def publish(self, shard: int, data: bytes) -> int:
        if self.is_away:
            raise ConnectionError
        self.uplinks += decode_batch(data)
        return len(self.uplinks)
