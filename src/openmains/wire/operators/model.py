# SPDX-License-Identifier: Apache-2.0
"""What an operator's platform (CTWing, IoTDA, OneNET) says and is asked, whichever it is (R3.5).

Theory: a platform pushes messages to us by HTTP and holds commands for devices that sleep. A codec turns one push into ``Pushed`` and a wish
into a ``PlatformRequest``; sockets, clock and storage are others'. Whatever a platform or somebody in its name sends is read, or raises
``WireError``; what is not signed as agreed raises ``BadSignatureError`` before a byte of its content is looked at.

    uplink of a device     UP        bytes as the module sent them
    it came or went        ONLINE    OFFLINE
    a command there        COMMAND   in the words of ``CommandState``; each platform's own words are a table in its codec
    anything else          OTHER     counted, and nothing follows from it
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol

from openmains.wire.errors import WireError
from openmains.wire.json_text import base64_bytes, json_object

LAYER: Final = "operators"
MOST_BODY: Final = 256 * 1024  # bytes of one push
MOST_PAYLOAD: Final = 2048  # bytes of one message of a device; what its page may be is less
MOST_NAME: Final = 128  # letters of a device's or command's name at a platform
WINDOW_S: Final = 900  # how far the instant of a signed push may be from ours, where a platform says one


class PushKind(StrEnum):
    """What a message of a platform is about."""

    UP = "up"
    ONLINE = "online"
    OFFLINE = "offline"
    COMMAND = "command"
    OTHER = "other"


class CommandState(StrEnum):
    """How a command stands at a platform."""

    SAVED = "saved"  # it waits there for the device
    SENT = "sent"  # given to the radio
    DELIVERED = "delivered"  # the module acknowledged it
    DONE = "done"  # the module answered
    FAILED = "failed"
    EXPIRED = "expired"  # its time there was over before the device was heard
    CANCELLED = "cancelled"


ENDED = frozenset({CommandState.DONE, CommandState.FAILED, CommandState.EXPIRED, CommandState.CANCELLED})
REACHED = frozenset({CommandState.DELIVERED, CommandState.DONE})


@dataclass(frozen=True, slots=True)
class Device:
    """A device by both of its names; "": not known."""

    imei: str
    device_id: str = ""


@dataclass(frozen=True, slots=True)
class Pushed:
    """One message. ``at_ms``: when the platform says it was, ms since 1970 UTC, 0: not said. ``item``: the platform's name of a command;
    ``state``: how it stands, None: in words that we do not know."""

    kind: PushKind
    device: Device
    at_ms: int = 0
    payload: bytes = b""
    item: str = ""
    state: CommandState | None = None


@dataclass(frozen=True, slots=True)
class PlatformRequest:
    """A call to a platform. ``url`` and ``headers`` may hold secrets and are never logged."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class PlatformAnswer:
    """What came back; header names in small letters."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Declined:
    """A platform would not. ``code``: its own, cut and printable; ``is_final``: asking again would not help."""

    code: str
    is_final: bool = True


@dataclass(frozen=True, slots=True)
class History:
    """A part of what a platform kept. ``following``: names the next part, "" at the end."""

    messages: Sequence[Pushed]
    following: str = ""


class BadSignatureError(Exception):
    """A push that is not signed as agreed. The text is a fixed phrase and holds nothing of it."""


class OperatorCodec(Protocol):
    """One connection to a platform, with its keys. ``now_ms``: our clock. What is asked first is read by the method beside it."""

    def heard_untrusted(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now_ms: int
    ) -> list[Pushed]:
        """A push. Raises ``BadSignatureError``, ``WireError``."""

    def checked_untrusted(self, query: Mapping[str, str]) -> bytes:
        """What a platform that tries our address wants to hear. Raises ``BadSignatureError``."""

    def trial(self, now_ms: int) -> PlatformRequest:
        """Something that changes nothing, to see whether the keys are right."""

    def read_trial(self, answer: PlatformAnswer) -> Declined | None: ...
    def creation(self, imei: str, name: str, now_ms: int) -> PlatformRequest: ...
    def read_created(self, imei: str, answer: PlatformAnswer) -> Device | Declined: ...
    def search(self, imei: str, now_ms: int) -> PlatformRequest: ...
    def read_found(self, imei: str, answer: PlatformAnswer) -> Device | Declined | None:
        """None: there is no such device."""

    def command(self, device: Device, frame: bytes, life_s: int, now_ms: int) -> PlatformRequest:
        """Raises ``WireError`` for a frame that the platform cannot carry."""

    def read_command(self, answer: PlatformAnswer) -> str | Declined:
        """The platform's name of it."""

    def question(self, device: Device, item: str, now_ms: int) -> PlatformRequest:
        """How a command stands."""

    def read_state(self, answer: PlatformAnswer) -> CommandState | Declined | None:
        """None: in words that we do not know."""

    def cancellation(self, device: Device, item: str, now_ms: int) -> PlatformRequest | None:
        """None: this platform cannot."""

    def read_cancelled(self, answer: PlatformAnswer) -> Declined | None: ...
    def history(self, device: Device, since_ms: int, until_ms: int, part: str, now_ms: int) -> PlatformRequest:
        """Messages that the device sent between; ``part``: "" for the first."""

    def read_history(self, device: Device, answer: PlatformAnswer) -> History | Declined: ...


def object_of(body: bytes, layer: str) -> Mapping[str, object]:
    """A JSON object. Raises ``WireError``."""
    return json_object(body, layer, MOST_BODY)


def part_of(told: Mapping[str, object], name: str, layer: str) -> Mapping[str, object]:
    """An object within; an empty one where it is not said."""
    value = told.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise WireError(layer, 0, name)
    return value


def word_of(told: Mapping[str, object], name: str, layer: str, most: int = MOST_NAME) -> str:
    """A text, or a whole number as text; "" where it is not said."""
    value = told.get(name)
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**30 else None
    if not isinstance(value, str) or len(value) > most or not value.isprintable():
        raise WireError(layer, 0, name)
    return value


def millis_of(told: Mapping[str, object], name: str) -> int:
    """Milliseconds since 1970, as number or text; 0 for anything else."""
    value = told.get(name)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 14:
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**14 else 0


def imei_of(text: str) -> str:
    """Fifteen digits; "" for anything else, such as a module's serial number."""
    return text if len(text) == 15 and text.isascii() and text.isdigit() else ""


def base64_of(value: object, layer: str, name: str) -> bytes:
    """Raises ``WireError``."""
    return _sized(base64_bytes(value, layer, name), layer, name)


def hex_of(value: object, layer: str, name: str) -> bytes:
    """Raises ``WireError``."""
    try:
        data = bytes.fromhex(value) if isinstance(value, str) else None
    except ValueError:
        data = None
    return _sized(data, layer, name)


def json_body(value: object) -> bytes:
    """As it is signed and sent."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def answer_of(answer: PlatformAnswer, layer: str) -> Mapping[str, object] | Declined:
    """The object of an answer; ``Declined`` where the platform is not there, or says what it never says."""
    if answer.status == 429 or answer.status >= 500:
        return Declined(f"HTTP {answer.status}", is_final=False)
    try:
        told = object_of(answer.body, layer)
    except WireError:
        return Declined(f"HTTP {answer.status}", is_final=400 <= answer.status < 500)
    return told


def declined(code: object, said: object, *, is_final: bool = True) -> Declined:
    """In a platform's own words, printable and short."""
    text = f"{code}: {said}" if said else str(code)
    return Declined("".join(sign if sign.isprintable() else " " for sign in text)[:200], is_final)


def _sized(data: bytes | None, layer: str, name: str) -> bytes:
    if data is None:
        raise WireError(layer, 0, name)
    if len(data) > MOST_PAYLOAD:
        raise WireError(layer, MOST_PAYLOAD, "too long")
    return data
