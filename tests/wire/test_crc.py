# SPDX-License-Identifier: Apache-2.0
"""Checks of the public catalogue over ``123456789``, and against other implementations."""

import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.wire.crc import CRC16_CCITT_FALSE, CRC16_MODBUS, CRC16_XMODEM, Crc

CRC32 = Crc(32, 0x04C11DB7, 0xFFFFFFFF, True, True, 0xFFFFFFFF)
CATALOGUE = {  # reveng.sourceforge.io/crc-catalogue: name, check
    "CRC-16/XMODEM": (CRC16_XMODEM, 0x31C3),
    "CRC-16/IBM-3740": (CRC16_CCITT_FALSE, 0x29B1),
    "CRC-16/MODBUS": (CRC16_MODBUS, 0x4B37),
    "CRC-16/KERMIT": (Crc(16, 0x1021, 0, True, True), 0x2189),
    "CRC-16/IBM-SDLC": (Crc(16, 0x1021, 0xFFFF, True, True, 0xFFFF), 0x906E),
    "CRC-16/ARC": (Crc(16, 0x8005, 0, True, True), 0xBB3D),
    "CRC-16/EN-13757": (Crc(16, 0x3D65, 0, False, False, 0xFFFF), 0xC2B7),
    "CRC-8/SMBUS": (Crc(8, 0x07), 0xF4),
    "CRC-8/MAXIM-DOW": (Crc(8, 0x31, 0, True, True), 0xA1),
    "CRC-24/OPENPGP": (Crc(24, 0x864CFB, 0xB704CE), 0x21CF02),
    "CRC-32/ISO-HDLC": (CRC32, 0xCBF43926),
    "CRC-64/ECMA-182": (Crc(64, 0x42F0E1EBA9EA3693), 0x6C40DF5F0B497347),
}


@pytest.mark.parametrize("name", CATALOGUE)
def test_check_of_the_catalogue(name: str) -> None:
    crc, check = CATALOGUE[name]
    assert crc.of(b"123456789") == check


def bit_by_bit(crc: Crc, data: bytes) -> int:
    """The definition: a register of ``width`` bits, one bit of the data at a time."""
    register = crc.start
    for byte in data:
        for place in range(8) if crc.reflect_in else range(7, -1, -1):
            high = register >> (crc.width - 1) ^ byte >> place & 1
            register = (register << 1 & (1 << crc.width) - 1) ^ (crc.polynomial if high & 1 else 0)
    if crc.reflect_out:
        register = int(f"{register:0{crc.width}b}"[::-1], 2)
    return register ^ crc.final_xor


def crcs(width: int) -> st.SearchStrategy[Crc]:
    values, flag = st.integers(0, (1 << width) - 1), st.booleans()
    return st.builds(Crc, st.just(width), values.map(lambda each: each | 1), values, flag, flag, values)


@given(
    st.integers(8, 64).flatmap(crcs) | st.builds(Crc, st.just(16), st.just(0x1021), st.integers(0, 0xFFFF)),
    st.binary(max_size=40),
)
def test_same_as_other_implementations(crc: Crc, data: bytes) -> None:
    assert crc.of(data) == bit_by_bit(crc, data)
    assert CRC32.of(data) == binascii.crc32(data)


@pytest.mark.parametrize(
    ("width", "polynomial", "start"),
    [(7, 0x9, 0), (65, 1, 0), (16, 0x11021, 0), (16, 0x1021, 0x10000), (16, 0x1020, 0)],
)
def test_parameters_that_do_not_fit_are_refused(width: int, polynomial: int, start: int) -> None:
    with pytest.raises(ValueError, match=r"bits|polynomial"):
        Crc(width, polynomial, start)
