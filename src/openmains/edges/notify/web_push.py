# SPDX-License-Identifier: Apache-2.0
"""Browser push: sealed for the browser (RFC 8291, Apprise's ``encrypt_webpush``), signed by the utility's key (RFC 8292, ``py_vapid``), sent
through the guarded HTTP of all channels (RFC 8030). No cipher is written here (ADR 0067).
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

from apprise.utils.pem import ApprisePEMController
from py_vapid import Vapid02, VapidException

from openmains.app.notice.browsers import ENDPOINT, KEY, SECRET
from openmains.app.notice.shapes import web_push
from openmains.app.notice.shapes.talk import ChannelRequest, Letter, Outcome, Refused
from openmains.app.notice.vapid import PRIVATE, browser_key, from_b64url
from openmains.edges.notify.guard import AddressGuard, AddressRefusedError
from openmains.edges.notify.http import Http

SIGNED_FOR_S: Final = 12 * 3600
"""At most 24 h (RFC 8292 2); the clocks of push services differ from ours."""
_US = 1_000_000
_SEALS: Any = ApprisePEMController("")  # holds no key: it makes one for each message


class WebPush:
    """``Sender`` of kind web_push, to one browser: its secrets are the channel's and the browser's."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def __call__(
        self, settings: Mapping[str, str], secrets: Mapping[str, str], letter: Letter, now_us: int
    ) -> Outcome:
        try:
            call = request_of(settings, secrets, letter, now_us)
        except (ValueError, VapidException):
            return Refused("wrong-subscription", is_final=True)
        return await self._http.converse(web_push.talk(call))


def request_of(settings: Mapping[str, str], secrets: Mapping[str, str], letter: Letter, now_us: int) -> ChannelRequest:
    """Raises ``ValueError`` or ``VapidException`` for what is no subscription."""
    parts = urlsplit(secrets[ENDPOINT])
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": now_us // _US + SIGNED_FOR_S,
        "sub": f"mailto:{settings['contact']}",
    }
    signed: dict[str, str] = Vapid02.from_raw(secrets[PRIVATE].encode()).sign(claims)
    body: bytes = _SEALS.encrypt_webpush(
        web_push.plain(letter), browser_key(secrets[KEY]), from_b64url(secrets[SECRET])
    )
    return ChannelRequest(secrets[ENDPOINT], body, {**web_push.headers(letter), **signed})


class PushAddresses:
    """``PushAddressCheck``: what the guard of all calls would say."""

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard

    async def __call__(self, url: str) -> str | None:
        parts = urlsplit(url)
        is_encrypted = parts.scheme == "https"
        try:
            await self._guard.addresses(
                parts.hostname or "", parts.port or (443 if is_encrypted else 80), is_encrypted=is_encrypted
            )
        except AddressRefusedError as error:
            return error.code
        return None
