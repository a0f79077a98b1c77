# SPDX-License-Identifier: Apache-2.0
"""One report of LwM2M resources as one uplink: what a payload is about travels with it.

``4Ch · content format u16 · length of the path u8 · path, ASCII · payload · CRC-16`` (as in the reference protocols: the CRC
over the whole is 0), big-endian. The path is "/" for Send and for a composite notification, whose payload names its
paths. The edge wraps, so that a raw frame that was kept can be read again years later without anything else.
"""

from binascii import crc_hqx
from typing import NamedTuple

from openmains.drivers.model import Fault

MARK = 0x4C
HEAD_SIZE = 4
CRC_SIZE = 2
MAX_PATH = 24
NO_FORMAT = 0xFFFF  # the report names no content format


class Envelope(NamedTuple):
    """A report: ``path`` such as /3424/0, ``content_format`` by its CoAP number, None when it names none."""

    path: str
    content_format: int | None
    payload: bytes


def wrap(path: str, content_format: int | None, payload: bytes) -> bytes:
    """The uplink's bytes. Raises ``ValueError`` for a path that is none."""
    name = path.encode("ascii")
    if not name.startswith(b"/") or len(name) > MAX_PATH:
        raise ValueError(f"no path: {path}")
    code = NO_FORMAT if content_format is None else content_format
    body = bytes((MARK,)) + code.to_bytes(2, "big") + bytes((len(name),)) + name + payload
    return body + crc_hqx(body, 0).to_bytes(CRC_SIZE, "big")


def fault_of(raw: bytes) -> Fault | None:
    """Why it is no envelope, or None."""
    if len(raw) < HEAD_SIZE + 1 + CRC_SIZE:
        return Fault("length", len(raw), f"{len(raw)} bytes are fewer than an envelope")
    if raw[0] != MARK:
        return Fault("magic", 0, f"the mark is not {MARK:#x}")
    if not 1 <= raw[3] <= MAX_PATH or HEAD_SIZE + raw[3] + CRC_SIZE > len(raw):
        return Fault("length", 3, f"a path of {raw[3]} bytes does not fit")
    if crc_hqx(raw, 0):
        return Fault("crc", len(raw) - CRC_SIZE, f"CRC should be {crc_hqx(raw[:-CRC_SIZE], 0):04x}")
    if not raw[HEAD_SIZE : HEAD_SIZE + raw[3]].isascii():
        return Fault("range", HEAD_SIZE, "the path is no ASCII")
    return None


def unwrap(raw: bytes) -> Envelope:
    """The inverse of ``wrap``; only for what ``fault_of`` finds no fault with."""
    end = HEAD_SIZE + raw[3]
    code = int.from_bytes(raw[1:3], "big")
    return Envelope(raw[HEAD_SIZE:end].decode("ascii"), None if code == NO_FORMAT else code, raw[end:-CRC_SIZE])
