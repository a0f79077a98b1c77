# SPDX-License-Identifier: Apache-2.0
"""What an API process and an edge say to each other about one operation on a meter; msgpack over request and reply.

``operate.<node>`` is heard by that edge alone. ``operate.0`` is heard by all and asks only where a meter's session is; an edge
without it is silent. Values travel as text in the form of LwM2M's plain text, so that no digit is lost on the way.
"""

from enum import StrEnum

import msgspec

ANY_NODE = 0
Path = tuple[int, ...]


class Kind(StrEnum):
    """What is wanted. ``where`` and ``registered`` ask the edge and not the meter."""

    WHERE = "where"
    REGISTERED = "registered"
    READ = "read"
    DISCOVER = "discover"
    WRITE = "write"
    EXECUTE = "execute"
    OBSERVE = "observe"
    CANCEL = "cancel"


class Outcome(StrEnum):
    """How it ended. With ``answered`` the meter spoke, for better or worse: see the code."""

    ANSWERED = "answered"
    HERE = "here"
    NOT_HERE = "not_here"
    UNREGISTERED = "unregistered"
    ASLEEP = "asleep"
    NO_ANSWER = "no_answer"
    HELD = "held"
    NOT_SENT = "not_sent"
    """It could not be put into words for this meter, or too much waits for it already; ``why`` says which."""
    SIGNED_ONLY = "signed_only"


class OperationRequest(msgspec.Struct, array_like=True, frozen=True):
    """One question. ``value``: of a write, as text; of an execute, its arguments. ``limit_s``: how long the asker waits."""

    kind: Kind
    imei: int
    path: Path = ()
    value: str = ""
    limit_s: float = 20.0


class Value(msgspec.Struct, array_like=True, frozen=True):
    """One value. ``type``: of LwM2M, such as float; of an unknown resource what its format says. ``attributes``: of Discover."""

    path: Path
    type: str
    text: str
    attributes: str = ""
    at_s: float | None = None


class Offered(msgspec.Struct, array_like=True, frozen=True):
    """One object of a registration."""

    object_id: int
    version: str
    instances: list[int]


class Watched(msgspec.Struct, array_like=True, frozen=True):
    """An observation. ``at_us`` and ``values``: of its newest notification at this edge, None and nothing before one."""

    path: Path
    at_us: int | None
    values: list[Value]


class Registered(msgspec.Struct, array_like=True, frozen=True):
    """What a meter said about itself when it registered. Times are µs since 1970 UTC."""

    endpoint: str
    version: str
    binding: str
    queue_mode: bool
    lifetime_s: int
    registered_us: int
    updated_us: int
    objects: list[Offered]
    observed: list[Watched]


class Answer(msgspec.Struct, array_like=True, frozen=True):
    """``code``: of CoAP, 69 is 2.05. ``raw``: the payload where it could not be read as values. ``heard_us``: the meter's
    last word, 0 when nobody knows. ``awake``: it listens now, as far as the edge knows."""

    outcome: Outcome
    node: int = 0
    heard_us: int = 0
    awake: bool = False
    code: int = 0
    content_format: int | None = None
    values: list[Value] = []
    raw: bytes = b""
    why: str = ""
    registered: Registered | None = None


_requests, _answers = msgspec.msgpack.Decoder(OperationRequest), msgspec.msgpack.Decoder(Answer)
_encoder = msgspec.msgpack.Encoder()


def encode(message: OperationRequest | Answer) -> bytes:
    """Either, as bytes."""
    return _encoder.encode(message)


def decode_request(data: bytes) -> OperationRequest:
    """Raises ``msgspec.MsgspecError`` for anything else."""
    return _requests.decode(data)


def decode_answer(data: bytes) -> Answer:
    """Raises ``msgspec.MsgspecError`` for anything else."""
    return _answers.decode(data)
