# SPDX-License-Identifier: Apache-2.0
"""Who may say what on the stream's server: one account a role, with the subjects it needs and no others.

An edge faces the network: taken over, it must not be able to speak to the meters of other edges as the dispatcher does, nor ask them
for operations as the API does, nor change the stream. The API faces people: it asks for operations but sends no commands. Whatever an
account may not publish, the server refuses; see SECURITY.md for what remains.

subject               what                                         from                to
uplink.<shard>        meters' messages, kept in the stream         edge, API (replay)  pipeline
urgent.<shard>        small messages past the stream               edge                pipeline
heard                 who spoke just now                           edge                dispatch
committed             whose answers are in, how loaded cells are   pipeline            dispatch
pace                  how far each shard is                        pipeline            edge
downlink.<node>       frames of commands                           dispatch            edge
operate.<node>        a question to the edge with the session      API                 edge
node.<n>.in, .out     records on the wrong edge                    edge                edge
live.>                counters, alarms                             all                 API
backup                a backup's moment                            the administrator   pipeline
"""

from collections.abc import Mapping
from typing import Any

from openmains.edges.nats.stream import ADMIN, inbox_of

EDGE, PIPELINE, DISPATCH, API, CORE = "edge", "pipeline", "dispatch", "api", "core"
ROLES = (EDGE, PIPELINE, DISPATCH, API, CORE)

# Every client makes sure that the stream is there (one that is there cannot be made anew); an edge cannot change it.
_STREAM = ("$JS.API.INFO", "$JS.API.STREAM.INFO.UPLINK", "$JS.API.STREAM.CREATE.UPLINK")
_LOOK = ("$JS.API.STREAM.UPDATE.UPLINK", "$JS.API.STREAM.MSG.GET.UPLINK", "$JS.API.DIRECT.GET.UPLINK.>")
_READ = (*_LOOK, "$JS.API.CONSUMER.>", "$JS.API.STREAM.PURGE.UPLINK")

PUBLISH: Mapping[str, tuple[str, ...]] = {
    EDGE: (*_STREAM, "uplink.*", "heard", "node.*.in", "node.*.out", "urgent.*", "live.counters.*"),
    PIPELINE: (*_STREAM, *_READ, "committed", "pace", "live.counters.*", "live.alarm.*", "live.applied.*"),
    DISPATCH: ("downlink.*", "live.counters.*", "live.alarm.*"),
    API: (*_STREAM, *_LOOK, "uplink.*", "operate.*", "live.counters.*", "live.alarm_news.*"),  # the worker's too
}
SUBSCRIBE: Mapping[str, tuple[str, ...]] = {
    EDGE: ("downlink.*", "operate.*", "pace", "node.*.in", "node.*.out"),
    PIPELINE: ("live.>", "urgent.*", "backup"),
    DISPATCH: ("heard", "committed"),
    API: ("live.>",),
}


def users(passwords: Mapping[str, str]) -> list[dict[str, Any]]:
    """The server's list of accounts; ``passwords`` by account."""
    found: list[dict[str, Any]] = [{"user": ADMIN, "password": passwords[ADMIN]}]
    for role in ROLES:
        parts = (PIPELINE, API) if role == CORE else (role,)  # the core is pipeline, API and worker in one process
        publish = sorted({subject for part in parts for subject in PUBLISH[part]})
        subscribe = sorted({subject for part in parts for subject in SUBSCRIBE[part]} | {f"{inbox_of(role)}.>"})
        found.append(
            {
                "user": role,
                "password": passwords[role],
                "permissions": {
                    "publish": {"allow": publish},
                    "subscribe": {"allow": subscribe},
                    # an answer goes to whoever asked, and only while somebody waits for it
                    "allow_responses": {"max": 1, "expires": "5m"},
                },
            }
        )
    return found
