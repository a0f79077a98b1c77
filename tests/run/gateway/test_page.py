# SPDX-License-Identifier: Apache-2.0
"""The gateway's own page: with its password it shows how the gateway stands, in both languages; without it, or for anything else, nothing."""

import asyncio
import base64
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openmains.run.engines.child import StartError
from openmains.run.gateway.file import Page, read
from openmains.run.gateway.page import LocalPage, html_of, state_of
from tests.run.gateway.test_file import GOOD, written
from tests.support.radio_town import RadioTown

PASSWORD = "a long password: of the box"


@pytest.fixture(scope="module")
def page() -> LocalPage:
    town = RadioTown(3, 1, 5)
    town.run(0.5)
    box = town.gateways[0]
    assert box.program is not None
    state = state_of(box.program, box.mono(town.air.now_ms), is_connected=True)
    return LocalPage(PASSWORD, lambda: state)


def asked(
    page: LocalPage, path: str = "/", *, method: str = "GET", password: str = PASSWORD, more: str = ""
) -> tuple[int, str]:
    told = base64.b64encode(f"gateway:{password}".encode()).decode()
    request = f"{method} {path} HTTP/1.1\r\nHost: box\r\nAuthorization: Basic {told}\r\n{more}\r\n\r\n"
    status, answer = page.answer_untrusted(request.encode())
    return status, answer.decode()


def test_it_shows_how_the_gateway_stands(page: LocalPage) -> None:
    for language, word, other in (("zh-CN,zh;q=0.9", "逻辑标识", "Logical id"), ("en", "Logical id", "逻辑标识")):
        status, text = asked(page, more=f"Accept-Language: {language}")
        assert status == 200 and word in text and other not in text
        assert "9000000000000000" in text and "0000000100000004" in text
    status, text = asked(page, "/state.json?x=1")
    state = json.loads(text.partition("\r\n\r\n")[2])
    assert (state["number"], len(state["meters"]), state["clock"]) == ("9000000000000000", 5, "platform")
    assert asked(page, method="HEAD")[1].endswith("\r\n\r\n")


def test_without_the_password_it_shows_nothing(page: LocalPage) -> None:
    for request in (
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nAuthorization: Basic *\r\n\r\n",
        "\r\n\r\n",
        "GET /\r\n\r\n",
    ):
        status, answer = page.answer_untrusted(request.encode())
        assert status == 401 and b"9000" not in answer
    assert asked(page, password="")[0] == asked(page, password=PASSWORD + " ")[0] == 401
    assert asked(page, "/other")[0] == 404
    assert asked(page, method="POST")[0] == 405


@given(st.binary(max_size=100))
def test_whatever_is_asked_is_answered(data: bytes) -> None:
    assert LocalPage(PASSWORD, dict).answer_untrusted(data)[0] in (401, 404, 405)


def test_names_are_escaped() -> None:
    state = {
        "number": "<b>",
        "clock": "box",
        "power": "mains",
        "is_connected": False,
        "waiting": 0,
        "dropped": 0,
        "commands": 0,
        "parameters": {"tries": 3, "<b>": "<b>", "channels": [1, 2]},
        "meters": [],
    }
    assert "<b>" not in html_of(state, "zh")


async def test_it_is_served(page: LocalPage) -> None:
    server = await asyncio.start_server(page.serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    told = base64.b64encode(f"gateway:{PASSWORD}".encode()).decode()
    writer.write(f"GET /state.json HTTP/1.1\r\nAuthorization: Basic {told}\r\n\r\n".encode())
    assert (await reader.read()).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()
    server.close()


def test_it_is_off_unless_it_has_an_address_and_a_password(tmp_path: Path) -> None:
    assert read(written(tmp_path)).page is None
    found = read(written(tmp_path, GOOD + f'page = "127.0.0.1:8080"\npage_password = "{PASSWORD}"\n'))
    assert found.page == Page("127.0.0.1", 8080, PASSWORD) and PASSWORD not in repr(found)
    for more, told in (
        ('page = "127.0.0.1:8080"\n', "12 letters or more"),
        ('page = "127.0.0.1:8080"\npage_password = "short"\n', "12 letters or more"),
        (f'page = "8080"\npage_password = "{PASSWORD}"\n', "like 127.0.0.1:8080"),
    ):
        with pytest.raises(StartError, match=told):
            read(written(tmp_path, GOOD + more))
