# SPDX-License-Identifier: Apache-2.0
"""What a picture says it is, by its own bytes: the name and the type that came with it are another's word (R13).

JPEG: begins with FFD8FF and ends with FFD9 (ITU-T T.81 B.1.1.3). PNG: its signature and a first chunk IHDR, a last one IEND (ISO/IEC
15948, 5.2). WebP: a RIFF file of that form whose size is the file's (RFC 9649, 2.4). A picture that was cut off is none.
"""

from typing import Final

LARGEST: Final = 4 * 1024 * 1024
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"


def media_type_of(content: bytes) -> str | None:
    """``image/jpeg``, ``image/png``, ``image/webp``; None: no whole picture of these kinds."""
    if content[:3] == b"\xff\xd8\xff" and content.rstrip(b"\0")[-2:] == b"\xff\xd9":
        return "image/jpeg"
    if content[:8] == _PNG and content[12:16] == b"IHDR" and content[-8:] == _PNG_END:
        return "image/png"
    if (
        content[:4] == b"RIFF"
        and content[8:12] == b"WEBP"
        and int.from_bytes(content[4:8], "little") + 8 == len(content)
    ):
        return "image/webp"
    return None
