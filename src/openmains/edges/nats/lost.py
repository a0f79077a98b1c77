# SPDX-License-Identifier: Apache-2.0
"""Messages that the stream acknowledged and does not give any more.

A sequence number was given to each of them. What the pipeline has applied is purged, so a number is missing for a reason up to the
newest position, and for none above it. A message with a damaged bit is still counted by the server; only asked for it is not found.
"""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from nats.errors import Error as NatsError
from nats.js.errors import NotFoundError

from openmains.edges.nats.stream import AHEAD, STREAM, StreamUnavailableError, UplinkStream

LOOKED_AT = 2_000  # messages that are asked for one by one: a start must not wait for a long backlog
AT_ONCE = 32


async def lost_messages(stream: UplinkStream, positions: Mapping[int, int]) -> int:
    """How many above the committed positions (by shard) are gone; raises ``StreamUnavailableError``."""
    lowest, newest = min(positions.values(), default=0), max(positions.values(), default=0)
    first, last, deleted = await _state(stream)
    before_first = max(0, min(first - 1, last) - newest)
    if before_first >= AHEAD - 1:
        before_first = 0  # a restore left these out
    asked = [number for number in range(max(first, lowest + 1), last + 1) if number not in deleted][:LOOKED_AT]
    silent: list[int] = []
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        found = await asyncio.gather(*(_is_there(stream, number) for number in some))
        silent += [number for number, there in zip(some, found, strict=True) if not there]
    if silent:  # another process may have purged meanwhile
        first, _, deleted = await _state(stream)
        silent = [number for number in silent if number > newest or (number >= first and number not in deleted)]
    return before_first + sum(1 for number in deleted if newest < number) + len(set(silent) - deleted)


async def _state(stream: UplinkStream) -> tuple[int, int, set[int]]:
    """First and last sequence, and those between that are not there."""
    try:
        request = b'{"deleted_details": true}'
        answer = await stream.client.request(f"$JS.API.STREAM.INFO.{STREAM}", request, timeout=10)
    except (NatsError, TimeoutError, OSError) as error:
        raise StreamUnavailableError(str(error) or type(error).__name__) from error
    state: dict[str, Any] = json.loads(answer.data)["state"]
    return int(state["first_seq"]), int(state["last_seq"]), set(state.get("deleted") or ())


async def _is_there(stream: UplinkStream, sequence: int) -> bool:
    try:
        await stream.client.jetstream(timeout=10).get_msg(STREAM, seq=sequence)
    except NotFoundError:
        return False
    except (NatsError, TimeoutError, OSError) as error:
        raise StreamUnavailableError(str(error) or type(error).__name__) from error
    return True
