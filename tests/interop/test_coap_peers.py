# SPDX-License-Identifier: Apache-2.0
"""Peers that we did not write report to a running system: libcoap's ``coap-client`` (Debian) and aiocoap.

The same list for both: a report in one datagram and block by block, confirmable and not; an unknown meter, more than
512 B, bytes that are no report, discovery. Each looks at the answer's code and payload, and every reading that was
acknowledged must then be in the API's answer, exactly.
"""

import asyncio
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import aiocoap  # type: ignore[import-untyped]
import pytest

from openmains.domain.fleet.identifiers import imei_of
from tests.support.daily import Daily
from tests.support.patience import PATIENCE_S
from tests.support.system import System, Systems, add_product, clock_of, found_utility, import_meters, until

SETS = ("libcoap", "aiocoap")
CASES = ("confirmable", "block", "non", "non block")
FIRST_NUMBER = 310_000_000_000
FIRST_IMEI = 86_310_000_000_000
BEATER = 99  # the meter whose heartbeat set-up waits for


@dataclass(frozen=True, slots=True)
class Answer:
    """Code as ``2.04`` and payload."""

    code: str
    payload: bytes


class Peer(Protocol):
    """A CoAP client."""

    async def ask(
        self, method: str, url: str, payload: bytes = b"", *, confirmable: bool = True, block: int = 0
    ) -> Answer:
        """One request; ``block``: size of blocks, 0 = the peer's own choice."""
        ...


class Libcoap:
    """``coap-client`` of Debian's libcoap3-bin."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder

    async def ask(
        self, method: str, url: str, payload: bytes = b"", *, confirmable: bool = True, block: int = 0
    ) -> Answer:
        given, taken = self._folder / "given", self._folder / "taken"
        given.write_bytes(payload)
        taken.unlink(missing_ok=True)
        words = ["-v", "7", "-B", "20", "-m", method, "-o", str(taken)]
        words += ["-f", str(given)] if payload else []
        words += [] if confirmable else ["-N"]
        words += ["-b", str(block)] if block else []
        process = await asyncio.create_subprocess_exec(
            self._program, *words, url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        out, _ = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        said = out.decode("utf-8", "replace")
        codes = re.findall(r"v:1 t:(?:ACK|CON|NON) c:([245]\.\d\d) ", said)
        assert codes, said
        if block and len(payload) > block:
            assert f"Block1:{len(payload) // block}/_/{block}" in said, said
        if codes[-1] >= "4":  # the program keeps only what a success carries; a diagnostic text stands in its log
            told = re.findall(r":: '([^']*)'", said)
            return Answer(codes[-1], told[-1].encode() if told else b"")
        return Answer(codes[-1], taken.read_bytes() if taken.exists() else b"")


class Aiocoap:
    """aiocoap; a context a request, as meters have."""

    async def ask(
        self, method: str, url: str, payload: bytes = b"", *, confirmable: bool = True, block: int = 0
    ) -> Answer:
        context = await aiocoap.Context.create_client_context()
        try:
            request = aiocoap.Message(
                code=aiocoap.POST if method == "post" else aiocoap.GET,
                uri=url,
                payload=payload,
                transport_tuning=aiocoap.Reliable if confirmable else aiocoap.Unreliable,
            )
            if block:
                request.remote.maximum_block_size_exp = block.bit_length() - 5
            answer = await asyncio.wait_for(context.request(request).response, PATIENCE_S)
            return Answer(answer.code.dotted, answer.payload)
        finally:
            await context.shutdown()


@pytest.fixture(scope="module")
async def system(systems: Systems) -> Iterator[System]:  # type: ignore[misc]
    with systems() as running:
        await found_utility(running)
        add_product(running, "water", "openmains/water-1")
        indexes = [*range(len(SETS) * len(CASES)), BEATER]
        await import_meters(running, [(FIRST_NUMBER + k, imei(k), "water") for k in indexes])
        yield running


@pytest.fixture(params=SETS)
def peer(request: pytest.FixtureRequest, tmp_path: Path) -> Peer:
    if request.param == "aiocoap":
        return Aiocoap()
    program = shutil.which("coap-client") or shutil.which("coap-client-notls")
    if program is None:
        pytest.skip("coap-client is not installed: scripts/test-packages.sh (Debian package libcoap3-bin)")
    return Libcoap(program, tmp_path)


def imei(index: int) -> str:
    return f"{imei_of(FIRST_IMEI + index)}"


def url(system: System, path: str) -> str:
    return f"coap://127.0.0.1:{system.coap}/{path}"


@pytest.mark.parametrize("case", CASES)
async def test_report_is_acknowledged_and_kept(system: System, peer: Peer, case: str) -> None:
    index = CASES.index(case) + len(CASES) * isinstance(peer, Aiocoap)
    daily = Daily(FIRST_NUMBER + index, seq=7 + index)
    frame = daily.frame()
    assert len(frame) == 194  # four blocks of 64
    before = int(time.time())
    datagrams = system.counters()["edge.received"]
    answer = await peer.ask(
        "post",
        url(system, f"r/{imei(index)}"),
        frame,
        confirmable="non" not in case,
        block=64 if "block" in case else 0,
    )
    assert answer.code == "2.04"
    platform_at, offset_min = clock_of(answer.payload)
    assert before <= platform_at <= int(time.time())
    assert offset_min == 480
    assert int.from_bytes(answer.payload[4:6], "big") == daily.seq

    meter_id = system.meter_ids()[str(daily.number)]
    found = await until(lambda: (s := system.series(meter_id, daily.start, daily.midnight))["total"] and s)
    assert [point["volume"] for point in found["points"]] == daily.increments
    assert {point["measured_s"] for point in found["points"]} == {1800}
    assert found["total"] == sum(daily.increments)
    # The frame log is written with the readings, a moment after them.
    frames = await until(lambda: system.get(f"/meters/{meter_id}/frames", direction="up")["items"])
    assert [(item["payload_hex"], item["outcome"]) for item in frames] == [(frame.hex(), "ok")]
    sent = 4 if "block" in case else 1
    await until(lambda: system.counters()["edge.received"] - datagrams >= sent)


async def test_unknown_meter(system: System, peer: Peer) -> None:
    answer = await peer.ask("post", url(system, f"r/{imei(77)}"), Daily(FIRST_NUMBER).frame())
    assert answer == Answer("4.04", b"unknown meter")


@pytest.mark.parametrize(("size", "code"), [(513, "4.13"), (1025, "4.13"), (4000, "4.13")])
async def test_too_large(system: System, peer: Peer, size: int, code: str) -> None:
    answer = await peer.ask("post", url(system, f"r/{imei(BEATER)}"), b"x" * size)
    assert answer.code == code


async def test_no_report_at_all(system: System, peer: Peer) -> None:
    answer = await peer.ask("post", url(system, f"r/{imei(BEATER)}"), b"hello, is this a meter?")
    assert (answer.code, answer.payload.startswith(b"malformed: ")) == ("4.00", True)
    meter_id = system.meter_ids()[str(FIRST_NUMBER + BEATER)]
    letters = await until(lambda: system.get("/dead-letters", meter_id=meter_id)["items"])
    assert letters[0]["payload_hex"] == b"hello, is this a meter?".hex()


async def test_discovery(system: System, peer: Peer) -> None:
    answer = await peer.ask("get", url(system, ".well-known/core"))
    assert answer.code == "2.05"
    assert b"</r>" in answer.payload


async def test_wrong_method_and_path(system: System, peer: Peer) -> None:
    assert (await peer.ask("get", url(system, f"r/{imei(BEATER)}"))).code == "4.05"
    assert (await peer.ask("get", url(system, "nothing/here"))).code == "4.04"
