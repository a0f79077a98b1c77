# SPDX-License-Identifier: Apache-2.0
"""Application frames of GB/T 36330-2018 section 7.6 (R5.4): bytes ⇄ ``Frame``.

``length (1, whole frame) · sequence (2) · application (1) · version (1) · control (1) · message type (1) · data (0–128) · check``

Control: bit 7 direction (0 up), bit 6 acknowledgement, bit 5 encrypted, bits 4–0 free. Bit 6 is used by confirmations only: a normal one
has it set and names the message type; an abnormal one has it clear and **no message type field**. Nothing else tells an abnormal
confirmation from a message, so it carries no data here, and its length, one byte below any other frame's, says what it is.

Here stands what the bytes say. Who may say it, when, and what repeats mean is ``peer.py``'s.
"""

from dataclasses import dataclass
from enum import Enum, IntEnum

from openmains.wire.cursor import Reader, Writer
from openmains.wire.errors import WireError
from openmains.wire.gbt36330.cipher import DataCipher
from openmains.wire.gbt36330.profile import DEFAULT, HEADER, LAYER, MAX_DATA, SHORT_HEADER, Profile

DOWN = 0x80
ACK = 0x40
ENCRYPTED = 0x20
CUSTOM = 0x1F
FIRST_OWN_TYPE = 0x10


class MessageType(IntEnum):
    """Table 1 of the standard, and ours from 10H (``docs/protocols/gbt36330.md``)."""

    FACTORY_RESET = 0x01
    PARAMETERS = 0x02
    TIME = 0x03
    READING = 0x04
    CONTROL = 0x05
    HISTORY = 0x10
    EVENT = 0x11
    TOP_UP = 0x12
    PRICE = 0x13
    FIRMWARE_BLOCK = 0x14
    CARRIED = 0x15  # a message or command of the meter's own driver page, as it is


COMMANDS = frozenset(
    {
        MessageType.FACTORY_RESET,
        MessageType.CONTROL,
        MessageType.TOP_UP,
        MessageType.PRICE,
        MessageType.FIRMWARE_BLOCK,
        MessageType.CARRIED,
    }
)
"""What section 5.7 b) wants encrypted on its way down."""


class FrameKind(Enum):
    """What a frame is, by control and length."""

    MESSAGE = "message"
    CONFIRMATION = "confirmation"
    REJECTION = "rejection"


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, its data in clear. ``message_type`` None: an abnormal confirmation. ``confirms``: the acknowledgement bit.

    ``version``: major in the high, minor in the low four bits. ``custom``: the five free bits of control.
    """

    sequence: int
    application: int
    version: int
    down: bool
    message_type: int | None
    data: bytes = b""
    confirms: bool = False
    encrypted: bool = False
    custom: int = 0

    @property
    def kind(self) -> FrameKind:
        if self.message_type is None:
            return FrameKind.REJECTION
        return FrameKind.CONFIRMATION if self.confirms else FrameKind.MESSAGE

    @property
    def is_command(self) -> bool:
        """Goes down and moves a valve, money, prices or programs."""
        return self.down and self.kind is FrameKind.MESSAGE and self.message_type in COMMANDS


def next_sequence(sequence: int) -> int:
    """Section 7.6.2.2: 0 to 65535, in a circle."""
    return sequence + 1 & 0xFFFF


def encode_frame(
    frame: Frame, profile: Profile = DEFAULT, cipher: DataCipher | None = None, nonce: bytes = b""
) -> bytes:
    """The frame's bytes. ``nonce``: as many fresh bytes as ``cipher`` wants, for an encrypted frame.

    Raises ``WireError`` for what a frame cannot carry, and for a command in clear that the profile does not allow.
    """
    _check(frame)
    if frame.is_command and not frame.encrypted and not profile.clear_commands:
        raise WireError(LAYER, 5, "command in clear")
    size = len(frame.data)
    if frame.encrypted:
        if cipher is None:
            raise WireError(LAYER, 5, "encrypted, and no key")
        size = cipher.sealed_size(size)
    if size > MAX_DATA:
        raise WireError(LAYER, HEADER, "data too long")
    header = _header(frame, profile, size)
    data = frame.data if cipher is None or not frame.encrypted else cipher.seal(frame.data, header, nonce)
    return header + data + profile.check_of(header, data)


def decode_frame_untrusted(data: bytes, profile: Profile = DEFAULT, cipher: DataCipher | None = None) -> Frame:
    """Exactly one frame; raises ``WireError`` with the offset in ``data``."""
    reader = Reader(data, LAYER)
    length = reader.u8()
    if not profile.shortest <= length <= profile.longest:
        raise reader.fail("frame length", 0)
    if length > len(data):
        raise reader.fail("truncated", len(data))
    if length < len(data):
        raise reader.fail("trailing bytes", length)
    is_rejection = length == profile.shortest
    head = SHORT_HEADER if is_rejection else HEADER
    header, body = data[:head], data[head : length - profile.check_length]
    if profile.check_of(header, body) != data[length - profile.check_length :]:
        raise reader.fail("check", length - profile.check_length)
    sequence = reader.uint(2, profile.byte_order)
    application, version, control = reader.u8(), reader.u8(), reader.u8()
    message_type = None if is_rejection else reader.u8()
    if is_rejection and control & ACK:
        raise reader.fail("normal confirmation without message type", 5)
    encrypted = bool(control & ENCRYPTED)
    frame = Frame(
        sequence, application, version, bool(control & DOWN), message_type, body, bool(control & ACK), encrypted,
        control & CUSTOM,
    )  # fmt: skip
    if not encrypted:
        if frame.is_command and not profile.clear_commands:
            raise reader.fail("command in clear", 5)
        return frame
    if not body:
        raise reader.fail("encrypted, and no data", 5)
    if cipher is None:
        raise reader.fail("encrypted, and no key", 5)
    return Frame(
        sequence, application, version, frame.down, message_type, cipher.open_untrusted(body, header), frame.confirms, True,
        frame.custom,
    )  # fmt: skip


def _check(frame: Frame) -> None:
    if frame.kind is FrameKind.REJECTION and (frame.data or frame.confirms or frame.encrypted):
        raise WireError(LAYER, SHORT_HEADER, "abnormal confirmation with data or acknowledgement")
    for offset, value, most, what in (
        (1, frame.sequence, 0xFFFF, "sequence"),
        (3, frame.application, 0xFF, "application"),
        (4, frame.version, 0xFF, "version"),
        (5, frame.custom, CUSTOM, "custom bits"),
        (6, frame.message_type or 0, 0xFF, "message type"),
    ):
        if not 0 <= value <= most:
            raise WireError(LAYER, offset, what)


def _header(frame: Frame, profile: Profile, size: int) -> bytes:
    has_type = frame.message_type is not None
    writer = Writer(LAYER)
    writer.u8((HEADER if has_type else SHORT_HEADER) + size + profile.check_length)
    writer.uint(frame.sequence, 2, profile.byte_order)
    writer.u8(frame.application)
    writer.u8(frame.version)
    writer.u8(DOWN * frame.down | ACK * frame.confirms | ENCRYPTED * frame.encrypted | frame.custom)
    if frame.message_type is not None:
        writer.u8(frame.message_type)
    return writer.getvalue()
