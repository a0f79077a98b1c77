# SPDX-License-Identifier: Apache-2.0
"""Coverage-guided fuzzing of CJ/T 188: ``python tests/fuzz/cjt188_fuzz.py -max_total_time=600``.

Invariants: a codec parses or raises ``WireError``; what it parsed it writes back; the deframer gives the same however
the stream is cut and holds back less than one frame; master and meter never raise and stay in a known state.
"""

import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "src"))

with atheris.instrument_imports(include=["openmains.wire"]):
    from openmains.wire.cjt188 import data as units
    from openmains.wire.cjt188.frame import Deframer, Frame, checksum, decode_frame_untrusted, encode_frame
    from openmains.wire.cjt188.session import Master, Meter, State
    from openmains.wire.errors import WireError


def check_codec(raw: bytes) -> None:
    try:
        frame = decode_frame_untrusted(raw)
    except WireError as bad:
        assert bad.layer == "cjt188" and 0 <= bad.offset <= len(raw)
        return
    assert encode_frame(frame) == raw.lstrip(b"\xfe")
    try:
        metering = units.decode_metering_untrusted(units.decode_unit_untrusted(frame.data).payload)
    except WireError:
        return
    assert units.decode_metering_untrusted(units.encode_metering(metering)) == metering


def check_stream(raw: bytes, step: int) -> None:
    whole, cut = Deframer(), Deframer()
    expected = whole.feed(raw)
    found = [f for at in range(0, len(raw), step) for f in cut.feed(raw[at : at + step])]
    assert found == expected and whole.faults == cut.faults and whole.skipped == cut.skipped
    assert whole.pending == cut.pending < 113
    whole.flush()
    assert whole.pending == 0


def check_session(raw: bytes) -> None:
    master = Master(timeout_ms=100, tries=2)
    meter = Meter(0x10, "00000000000012", lambda asked: (asked.function | 0x80, asked.data))
    master.ask(Frame(0x10, "00000000000012", 1, b"\x90\x1f\x00"), 0)
    for now, at in enumerate(range(0, len(raw), 16)):
        master.receive(raw[at : at + 16], now)
        meter.receive(raw[at : at + 16], now)
        assert master.state in State
    master.timer(1000)
    master.timer(2000)
    assert master.state is State.IDLE


def one_input(raw: bytes) -> None:
    if not raw:
        return
    mode, body = raw[0], raw[1:]
    if mode & 3 == 0:
        check_codec(body)
    elif mode & 3 == 1:  # the sum made right, so that the fuzzer gets behind it
        head = b"\x68\x10" + bytes(7) + b"\x81" + bytes([min(len(body), 100)]) + body[:100]
        check_codec(head + bytes([checksum(head), 0x16]))
    elif mode & 3 == 2:
        check_stream(body, mode >> 2 or 1)
    else:
        check_session(body)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as corpus:
        for number, line in enumerate((ROOT / "vectors/cjt188/frames.toml").read_text("utf-8").splitlines()):
            if line.startswith("hex"):
                frame = bytes.fromhex(line.split('"')[1])
                for mode in range(4):
                    Path(corpus, f"{number}-{mode}").write_bytes(bytes([mode | 0x10]) + frame)
        atheris.Setup([sys.argv[0], corpus, "-max_len=300", *sys.argv[1:]], one_input)
        atheris.Fuzz()
