# SPDX-License-Identifier: Apache-2.0
"""The language an answer is written in."""

from typing import Literal

Language = Literal["zh", "en"]
DEFAULT_LANGUAGE: Language = "zh"


def choose_language(accept_language: str | None) -> Language:
    """The better of zh and en by Accept-Language (RFC 9110 12.5.4); zh where neither is wanted."""
    best: Language = DEFAULT_LANGUAGE
    weight = 0.0
    for part in (accept_language or "")[:200].split(","):
        tag, _, rest = part.strip().partition(";")
        primary = tag.split("-")[0].strip().lower()
        if primary not in ("zh", "en"):
            continue
        try:
            quality = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            quality = 0.0
        if quality > weight:
            best, weight = ("zh" if primary == "zh" else "en"), quality
    return best
