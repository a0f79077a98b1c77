# SPDX-License-Identifier: Apache-2.0
"""Encrypted data areas: published answers of each cipher, round trip, limits, and what is not ours."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openmains.wire.errors import WireError
from openmains.wire.gbt36330.cipher import KEY_SIZES, Algorithm, DataCipher, Mode
from openmains.wire.gbt36330.frame import Frame, decode_frame_untrusted, encode_frame
from openmains.wire.gbt36330.profile import MAX_DATA
from tests.support.properties import counted

PAIRS = [(a, m) for a in Algorithm for m in Mode if (a, m) != (Algorithm.TRIPLE_DES, Mode.GCM)]


def key_of(algorithm: Algorithm) -> bytes:
    return bytes(range(0, 2 * KEY_SIZES[algorithm][-1], 2))


@pytest.mark.parametrize(
    ("algorithm", "mode", "key", "nonce", "plain", "sealed"),
    [
        # FIPS 197 appendix C.1; GB/T 32907-2016 appendix A.1: the first block of each
        (Algorithm.AES, Mode.ECB, "000102030405060708090a0b0c0d0e0f", "", "00112233445566778899aabbccddeeff",
         "69c4e0d86a7b0430d8cdb78070b4c55a"),
        (Algorithm.SM4, Mode.ECB, "0123456789abcdeffedcba9876543210", "", "0123456789abcdeffedcba9876543210",
         "681edf34d206965e86b3e94f536e4246"),
        # NIST SP 800-67 appendix B.1: "The qufck brown fox jump"
        (Algorithm.TRIPLE_DES, Mode.ECB, "0123456789abcdef23456789abcdef01456789abcdef0123", "",
         "5468652071756663", "a826fd8ce53b855f"),
        # NIST SP 800-38A F.2.1
        (Algorithm.AES, Mode.CBC, "2b7e151628aed2a6abf7158809cf4f3c", "000102030405060708090a0b0c0d0e0f",
         "6bc1bee22e409f96e93d7e117393172a", "000102030405060708090a0b0c0d0e0f7649abac8119b246cee98e9b12e9197d"),
    ],
)  # fmt: skip
def test_published_answers(algorithm: Algorithm, mode: Mode, key: str, nonce: str, plain: str, sealed: str) -> None:
    cipher = DataCipher(algorithm, mode, bytes.fromhex(key))
    found = cipher.seal(bytes.fromhex(plain), b"", bytes.fromhex(nonce))
    assert found.hex().startswith(sealed)
    assert cipher.open_untrusted(found, b"").hex() == plain


def test_sm4_gcm_of_rfc_8998() -> None:
    """Appendix A.1; the tag is the last 16 bytes."""
    cipher = DataCipher(Algorithm.SM4, Mode.GCM, bytes.fromhex("0123456789abcdeffedcba9876543210"))
    plain = "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
    header, nonce = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"), bytes.fromhex("00001234567800000000abcd")
    sealed = cipher.seal(bytes.fromhex(plain), header, nonce)
    assert sealed.hex() == (
        "00001234567800000000abcd"
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )
    assert cipher.open_untrusted(sealed, header).hex() == plain


@pytest.mark.parametrize(("algorithm", "mode"), PAIRS)
@given(source=st.data())
@settings(max_examples=counted(25))
def test_round_trip_within_128_bytes(algorithm: Algorithm, mode: Mode, source: st.DataObject) -> None:
    cipher = DataCipher(algorithm, mode, key_of(algorithm))
    plain = source.draw(st.binary(max_size=cipher.room))
    frame = Frame(source.draw(st.integers(0, 0xFFFF)), 0x31, 0x10, True, 0x12, plain, encrypted=True)
    raw = encode_frame(
        frame, cipher=cipher, nonce=source.draw(st.binary(min_size=cipher.nonce_size, max_size=cipher.nonce_size))
    )
    assert decode_frame_untrusted(raw, cipher=cipher) == frame


@pytest.mark.parametrize(("algorithm", "mode"), PAIRS)
def test_the_fullest_frame_is_full(algorithm: Algorithm, mode: Mode) -> None:
    cipher = DataCipher(algorithm, mode, key_of(algorithm))
    assert cipher.sealed_size(cipher.room) <= MAX_DATA < cipher.sealed_size(cipher.room + 1)
    with pytest.raises(WireError, match="data too long"):
        cipher.seal(bytes(cipher.room + 1), b"", bytes(cipher.nonce_size))
    with pytest.raises(WireError, match="data too long"):
        encode_frame(Frame(1, 1, 1, True, 4, bytes(cipher.room + 1), encrypted=True), cipher=cipher)


@pytest.mark.parametrize("algorithm", [Algorithm.AES, Algorithm.SM4])
def test_with_gcm_no_bit_of_a_frame_can_be_changed(algorithm: Algorithm) -> None:
    cipher = DataCipher(algorithm, Mode.GCM, key_of(algorithm))
    header, plain = bytes.fromhex("2d00013110a012"), b"top-up of 50 yuan"
    sealed = cipher.seal(plain, header, bytes(12))
    for bit in range(8 * (len(header) + len(sealed))):
        spoilt = bytearray(header + sealed)
        spoilt[bit // 8] ^= 1 << bit % 8
        with pytest.raises(WireError, match="cannot be decrypted"):
            cipher.open_untrusted(bytes(spoilt[len(header) :]), bytes(spoilt[: len(header)]))


@pytest.mark.parametrize(("algorithm", "mode"), PAIRS)
@given(source=st.data())
@settings(max_examples=counted(25))
def test_garbage_is_one_error(algorithm: Algorithm, mode: Mode, source: st.DataObject) -> None:
    cipher = DataCipher(algorithm, mode, key_of(algorithm))
    try:
        found = cipher.open_untrusted(source.draw(st.binary(max_size=MAX_DATA)), bytes(7))
    except WireError as bad:
        assert (bad.layer, bad.reason, bad.offset) == ("gbt36330", "cannot be decrypted", 7)
    else:
        assert mode is not Mode.GCM and len(found) < MAX_DATA


@pytest.mark.parametrize(
    ("algorithm", "mode", "key"),
    [
        (Algorithm.AES, Mode.GCM, bytes(15)),
        (Algorithm.SM4, Mode.CBC, bytes(32)),
        (Algorithm.TRIPLE_DES, Mode.GCM, key_of(Algorithm.TRIPLE_DES)),
        (Algorithm.TRIPLE_DES, Mode.CBC, bytes(8)),
        (Algorithm.TRIPLE_DES, Mode.CBC, bytes(16)),  # single DES
        (Algorithm.TRIPLE_DES, Mode.CBC, b"01234567" + b"10325476" + b"abcdefgh"),  # equal but for parity bits
        (Algorithm.TRIPLE_DES, Mode.CBC, b"01234567" + b"11234567" + b"11234567"),
    ],
)
def test_keys_that_do_not_fit_are_refused(algorithm: Algorithm, mode: Mode, key: bytes) -> None:
    with pytest.raises(ValueError, match=r"key|GCM"):
        DataCipher(algorithm, mode, key)
