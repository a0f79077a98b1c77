# SPDX-License-Identifier: Apache-2.0
"""The load generator: frames the driver reads, behaviour on the wire, an exact account of what was acknowledged."""

import socket
import threading
from binascii import crc_hqx

import numpy as np
import pytest

from openmains.bench.load.frames import DailyReports
from openmains.bench.load.plain import Load
from openmains.drivers import catalog
from openmains.wire.coap.message import CON, Message, Method, decode

_IMEI = 861_000_000_000_000
_DAY = 20_454


@pytest.mark.parametrize("name", ["openmains/water-1", "openmains/gas-1"])
def test_frames_say_what_they_should(name: str) -> None:
    reports = DailyReports(name)
    driver = catalog.load().driver(name)
    index = np.array([0, 1, 63, 64, 999_999, 123_456])
    days = np.full(6, _DAY)
    frames = [row.tobytes() for row in reports(index, days, 1_767_200_000)]
    assert all(driver.check(frame) is None for frame in frames)
    assert all(len(frame) < 200 for frame in frames), "R1.4"
    (group,), rejected = driver.decode(frames, [0] * 6)
    assert not rejected
    base = reports.base(index, days)
    assert group.points["base"].tolist() == base.tolist()
    assert group.points["register"].tolist() == (base + reports.daily(index)).tolist()
    assert group.points["meter_number"].tolist() == index.tolist()
    assert set(group.points["start_at"].tolist()) == {_DAY * 86_400 - 8 * 3600}
    assert set(group.points["device_at"].tolist()) == {1_767_200_000}
    assert group.series["increments"].sum(axis=1).tolist() == reports.daily(index).tolist()
    for k in range(8):
        assert group.series["history"][:, k].tolist() == reports.base(index, days - k).tolist()
    assert group.series["increments"][4].tolist() == reports.increments(999_999)
    assert (reports.base(index, days + 1) == base + reports.daily(index)).all()


def test_enhanced_reports_carry_their_series_beside_the_same_volumes() -> None:
    reports, index = DailyReports(enhanced=True), np.array([0, 5, 64, 77])
    driver = catalog.load().driver("openmains/water-1")
    frames = [row.tobytes() for row in reports(index, np.full(4, _DAY), 1_767_200_000)]
    assert all(driver.check(frame) is None and len(frame) < 300 for frame in frames), "To show 2 of quantities"
    (group,), rejected = driver.decode(frames, [0] * 4)
    assert not rejected and group.points["base"].tolist() == reports.base(index, np.full(4, _DAY)).tolist()
    assert {name: group.series[name].shape[1] for name in ("pressure", "temperature", "vibration", "increments")} == {
        "pressure": 48, "temperature": 48, "vibration": 48, "increments": 48,
    }  # fmt: skip
    rows = reports(np.arange(500) * 197, np.arange(500) // 100 + _DAY, 7)
    assert all(crc_hqx(row.tobytes(), 0) == 0 for row in rows)


def test_every_crc_is_right() -> None:
    reports = DailyReports()
    rows = reports(np.arange(5000) * 197, np.arange(5000) // 100 + _DAY, 7)
    assert all(crc_hqx(row.tobytes(), 0) == 0 for row in rows)


def test_datagrams_are_requests() -> None:
    load = Load(("127.0.0.1", 1), _IMEI, 1000, _DAY, 100.0)
    for number, row in enumerate(load.datagrams(1998, 4), 1998):
        message = decode(row.tobytes())
        index, day = np.array([number % 1000]), np.array([_DAY + number // 1000])
        at = int.from_bytes(message.payload[6:10], "big")
        assert (message.kind, message.code) == (CON, Method.POST)
        assert int.from_bytes(message.token, "big") & 0xFFFFFF == number
        assert message.options == [(11, b"r"), (11, str(_IMEI + number % 1000).encode())]
        assert message.payload == load._frames(index, day, at)[0].tobytes()


class Peer(threading.Thread):
    """Answers by a script: ``answer(request, count)`` gives the datagrams for the count-th copy of a request."""

    def __init__(self, answer: "object") -> None:
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(0.05)
        self.answer, self.seen, self.acks, self.going = answer, {}, [], True
        self.pairs: list[tuple[object, int]] = []

    def run(self) -> None:
        while self.going:
            try:
                data, peer = self.socket.recvfrom(600)
            except TimeoutError:
                continue
            message = decode(data)
            if message.code == 0:
                self.acks.append(message.mid)
                continue
            count = self.seen[data] = self.seen.get(data, 0) + 1
            self.pairs.append((peer, message.mid))
            for reply in self.answer(message, count):  # type: ignore[operator]
                self.socket.sendto(reply, peer)

    def finish(self) -> None:
        self.going = False
        self.join()
        self.socket.close()


def _ack(message: object, code: int = 0x44) -> bytes:
    mid, token = message.mid, message.token  # type: ignore[attr-defined]
    return bytes((0x64, code)) + mid.to_bytes(2, "big") + token + b"\xffanswer"


def _run(answer: object, **options: object) -> tuple["Peer", "object"]:
    peer = Peer(answer)
    peer.start()
    settings = {"rate": 2000.0, "limit": 400, "sockets": 3, "drain_s": 6.0, **options}
    rate, drain_s = settings.pop("rate"), settings.pop("drain_s")
    load = Load(peer.socket.getsockname(), _IMEI, 100, _DAY, rate, **settings)  # type: ignore[arg-type]
    result = load.run(1.0 if settings["limit"] else 0.2, drain_s=drain_s)
    peer.finish()
    return peer, result


def test_all_acknowledged() -> None:
    peer, result = _run(lambda message, count: [_ack(message)])
    assert (result.sent, result.acknowledged, result.retransmitted) == (400, 400, 0)
    assert len(peer.seen) == len(set(peer.pairs)) == 400, "no message id twice on a socket"
    meters, days = result.acked_pairs()
    assert sorted(zip(meters.tolist(), days.tolist(), strict=True)) == [
        (m, d) for m in range(100) for d in range(_DAY, _DAY + 4)
    ]
    assert result.codes == {"2.04": 400}
    assert 0 < result.p50_ack_ms <= result.p99_ack_ms <= result.max_ack_ms
    assert "acked" not in result.summary()


def test_an_answer_to_an_earlier_load_acknowledges_nothing() -> None:
    def earlier(message: object, count: int) -> list[bytes]:
        token = message.token  # type: ignore[attr-defined]
        return [_ack(Message(CON, 1, message.mid, bytes((token[0] ^ 1,)) + token[1:]))]  # type: ignore[attr-defined]

    _, result = _run(earlier, limit=100, drain_s=0.1)
    assert (result.acknowledged, result.codes) == (0, {})


@pytest.mark.usefixtures("takes_seconds")
def test_lost_requests_are_sent_again_as_they_were() -> None:
    peer, result = _run(lambda message, count: [_ack(message)] if count > 1 or message.mid % 40 else [], limit=200)
    again = [data for data, count in peer.seen.items() if count > 1]
    assert result.acknowledged == 200
    assert result.retransmitted == len(again) > 0
    assert 2000 <= result.max_ack_ms < 3600, "ACK_TIMEOUT times 1 … 1.5"


def test_refused_late_and_double_answers() -> None:
    def answer(message: "object", count: int) -> list[bytes]:
        mid = message.mid  # type: ignore[attr-defined]
        if mid % 3 == 0:
            return [_ack(message, 0xA3)]
        if mid % 3 == 1:  # an empty ACK, then the answer as a message of its own, twice
            separate = b"\x44\x44" + (mid ^ 0xFFFF).to_bytes(2, "big") + _ack(message)[4:]
            return [bytes((0x60, 0)) + mid.to_bytes(2, "big"), separate, separate]
        return [_ack(message), _ack(message)]

    peer, result = _run(answer, limit=300)
    assert result.acknowledged + result.codes["5.03"] == 300
    assert result.codes["5.03"] == sum(mid % 3 == 0 for _, mid in peer.pairs)
    assert result.retransmitted == 0
    assert len(peer.acks) == 2 * sum(mid % 3 == 1 for _, mid in peer.pairs)
    assert len(result.acked) == result.acknowledged


def test_window_holds_back() -> None:
    _, result = _run(lambda message, count: [], rate=0.0, window=10, limit=0, drain_s=0.0)
    assert result.sent == 10
    assert result.acknowledged == 0


def test_garbage_is_nothing() -> None:
    _, result = _run(lambda message, count: [b"", b"\x00", b"\x64", b"\xff" * 40, b"\x70\x00\x00", _ack(message)])
    assert result.acknowledged == 400


def test_needs_a_rate_or_a_window() -> None:
    with pytest.raises(ValueError, match="rate or a window"):
        Load(("127.0.0.1", 1), _IMEI, 1, _DAY, 0.0)
