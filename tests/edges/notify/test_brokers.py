# SPDX-License-Identifier: Apache-2.0
"""Events through brokers that others wrote: taken only when somebody has them; sign-in, rights, TLS, silence and noise are refusals."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats
import pytest

from openmains.app.notice.brokers import message_of
from openmains.app.notice.cloud_events import CONTENT_TYPE
from openmains.app.notice.shapes.talk import Accepted, Outcome, Refused
from openmains.edges.notify.brokers import Brokers
from openmains.edges.notify.guard import AddressGuard, networks_of
from tests.support.brokers import ACCOUNT, lines_of, mosquitto, nats_server, session
from tests.support.receiver import receiver


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Of localhost, signed by itself: certificate and key."""
    folder = tmp_path_factory.mktemp("tls")
    chain, key = folder / "chain.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(chain)],
        check=True, capture_output=True,
    )  # fmt: skip
    return chain, key


@asynccontextmanager
async def brokers(context: ssl.SSLContext | None = None, networks: str = "127.0.0.0/8") -> AsyncIterator[Brokers]:
    made = Brokers(AddressGuard(networks_of(networks)), context, 5.0)
    try:
        yield made
    finally:
        await made.close()


async def say(
    link: Brokers, url: str, key: str = "alarm-1", password: str = ACCOUNT[1], body: bytes = b"{}"
) -> Outcome:
    kind = "org.openmains.alarm.raised"
    return await link.publish(
        message_of(url, ACCOUNT[0], password, "openmains-x-1", kind=kind, key=key, body=body, content_type=CONTENT_TYPE)
    )


def reason(outcome: Outcome) -> str:
    assert isinstance(outcome, Refused), outcome
    return outcome.reason


@pytest.mark.usefixtures("foreign_programs")
async def test_mqtt_takes_an_event_when_a_session_holds_it_and_keeps_it_while_the_receiver_is_away(
    tmp_path: Path,
) -> None:
    async with mosquitto(tmp_path) as port, brokers() as link:
        url = f"mqtt://127.0.0.1:{port}/gas/events"
        nobody = await say(link, url)
        assert "no session holds the topic gas/events/alarm/raised" in reason(nobody)
        assert isinstance(nobody, Refused) and not nobody.is_final
        async with session(tmp_path, port, "gas/#", "gis", 1) as process:
            assert isinstance(await say(link, url, "alarm-2"), Accepted)
            assert await lines_of(process) == [f"{CONTENT_TYPE}|idempotency-key:alarm-2|gas/events/alarm/raised|{{}}"]
        for number in range(3, 6):  # the receiver is away: its session is not
            assert isinstance(await say(link, url, f"alarm-{number}"), Accepted)
        async with session(tmp_path, port, "gas/#", "gis", 3) as process:
            got = await lines_of(process)
        assert [line.split("|")[1] for line in got] == [f"idempotency-key:alarm-{number}" for number in range(3, 6)]


@pytest.mark.usefixtures("foreign_programs")
async def test_mqtt_says_no_where_the_broker_says_no_and_a_connection_that_died_is_made_anew(tmp_path: Path) -> None:
    async with brokers() as link:
        async with mosquitto(tmp_path, rights="user events\ntopic write gas/#\ntopic read #\n") as port:
            url = f"mqtt://127.0.0.1:{port}/gas"
            assert "bad user name or password" in reason(
                await say(link, url, password="wrong")
            ) or "not authorized" in reason(await say(link, url, password="wrong"))
            async with session(tmp_path, port, "#", "all", 9):
                assert isinstance(await say(link, url), Accepted)
                forbidden = await say(link, f"mqtt://127.0.0.1:{port}/other")
                assert "not authorized" in reason(forbidden)
                assert isinstance(await say(link, url), Accepted)
        down = await say(link, url)
        assert "127.0.0.1" in reason(down) and isinstance(down, Refused) and not down.is_final


async def test_what_is_silent_or_speaks_no_mqtt_or_no_nats_is_refused_for_now() -> None:
    async with receiver(lambda got: "silent") as silent, brokers() as link:
        link._whole_s = 0.3
        for scheme in ("mqtt", "nats"):
            told = await say(link, f"{scheme}://127.0.0.1:{silent.port}/gas")
            assert "timeout" in reason(told) and isinstance(told, Refused) and not told.is_final

    async def noise(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 what?\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(noise, "127.0.0.1", 0)
    async with server, brokers() as link:
        port = server.sockets[0].getsockname()[1]
        for scheme in ("mqtt", "nats"):
            told = await say(link, f"{scheme}://127.0.0.1:{port}/gas")
            assert isinstance(told, Refused) and told.reason and not told.is_final


@pytest.mark.usefixtures("starts_engines")
async def test_jetstream_takes_an_event_when_a_stream_keeps_it_and_knows_a_repeat(tmp_path: Path) -> None:
    user, password = ACCOUNT
    async with nats_server(tmp_path, only="gas.events.>") as port, brokers() as link:
        url = f"nats://127.0.0.1:{port}/gas.events"
        nobody = await say(link, url)
        assert "no stream keeps the subject gas.events.alarm.raised" in reason(nobody)
        client = await nats.connect(f"nats://127.0.0.1:{port}", user=user, password=password)
        try:
            await client.jetstream().add_stream(name="GAS", subjects=["gas.>"], max_msg_size=200)
            for key in ("alarm-1", "alarm-2", "alarm-1"):
                assert isinstance(await say(link, url, key), Accepted)
            kept = [await client.jetstream().get_msg("GAS", number) for number in (1, 2)]
            assert (await client.jetstream().stream_info("GAS")).state.messages == 2
            heads = [message.headers or {} for message in kept]
            assert [head["Nats-Msg-Id"] for head in heads] == ["alarm-1", "alarm-2"]
            assert heads[0]["Content-Type"] == CONTENT_TYPE and kept[0].subject == "gas.events.alarm.raised"
            assert "message size" in reason(await say(link, url, "alarm-3", body=b"x" * 500))
        finally:
            await client.close()
        assert "uthorization" in reason(await say(link, url, password="wrong"))


@pytest.mark.usefixtures("starts_engines", "foreign_programs")
async def test_a_password_goes_over_tls_only_and_the_certificate_is_looked_at(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    ours = ssl.create_default_context(cafile=str(certificate[0]))
    async with nats_server(tmp_path) as plain, brokers(ours) as link:
        assert "not-encrypted" in reason(await say(link, f"tls://localhost:{plain}/gas"))  # the server asks for none
    async with nats_server(tmp_path, tls=certificate) as port:
        async with brokers(ours) as link:
            assert "no stream keeps" in reason(await say(link, f"tls://localhost:{port}/gas"))
        async with brokers() as link:
            assert reason(await say(link, f"tls://localhost:{port}/gas"))
    async with brokers(networks="") as link:
        told = await say(link, f"mqtts://127.0.0.1:{port}/gas")
        assert isinstance(told, Refused) and told.is_final and "own-network" in told.reason


@pytest.mark.usefixtures("foreign_programs")
async def test_mqtt_over_tls(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    async with mosquitto(tmp_path, tls=certificate) as port:
        async with brokers(ssl.create_default_context(cafile=str(certificate[0]))) as link:
            assert "no session holds" in reason(await say(link, f"mqtts://localhost:{port}/gas"))
        async with brokers() as link:
            assert "TLS" in reason(await say(link, f"mqtts://localhost:{port}/gas"))
