# SPDX-License-Identifier: Apache-2.0
"""Bech32 (BIP 173) of age's keys: a name, ``1``, the bytes in groups of five bits, six letters of checksum. Without its limit of 90 letters."""

_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM = 6


class Bech32Error(ValueError):
    """Not such a text."""


def encode(name: str, data: bytes) -> str:
    """Lower-case text of ``data`` under ``name``."""
    groups = _regroup(data, 8, 5, pad=True)
    return f"{name}1" + "".join(_LETTERS[value] for value in groups + _checksum(name, groups))


def decode(text: str) -> tuple[str, bytes]:
    """(name in lower case, bytes); raises ``Bech32Error``."""
    if text != text.lower() and text != text.upper():
        raise Bech32Error("large and small letters are mixed")
    name, one, letters = text.lower().rpartition("1")
    if not one or not name or len(letters) < _CHECKSUM or any(letter not in _LETTERS for letter in letters):
        raise Bech32Error("no such key")
    values = [_LETTERS.index(letter) for letter in letters]
    if _checksum(name, values[:-_CHECKSUM]) != values[-_CHECKSUM:]:
        raise Bech32Error("the checksum differs: a letter is wrong")
    return name, bytes(_regroup(bytes(values[:-_CHECKSUM]), 5, 8, pad=False))


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit, term in enumerate(_GENERATOR):
            check ^= term if top >> bit & 1 else 0
    return check


def _checksum(name: str, values: list[int]) -> list[int]:
    spread = [ord(letter) >> 5 for letter in name] + [0] + [ord(letter) & 31 for letter in name]
    found = _polymod(spread + values + [0] * _CHECKSUM) ^ 1
    return [found >> 5 * (5 - place) & 31 for place in range(_CHECKSUM)]


def _regroup(data: bytes, width: int, wanted: int, *, pad: bool) -> list[int]:
    held, bits, found = 0, 0, []
    for value in data:
        held = held << width | value
        bits += width
        while bits >= wanted:
            bits -= wanted
            found.append(held >> bits & (1 << wanted) - 1)
        held &= (1 << bits) - 1
    if pad and bits:
        found.append(held << wanted - bits & (1 << wanted) - 1)
    elif not pad and (bits >= width or held):
        raise Bech32Error("bits are left over")
    return found
