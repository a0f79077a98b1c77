# SPDX-License-Identifier: Apache-2.0
"""People as WeChat knows them: each has an openid for the one application; page authorisation gives a code, which is exchanged once."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit


@dataclass
class EmulatedPeople:
    """``known``: openids; ``codes``: whose code it is, until it is used; ``payers``: for whom orders were placed, by number."""

    known: set[str] = field(default_factory=set)
    codes: dict[str, str] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    payers: dict[str, str] = field(default_factory=dict)

    def person(self) -> str:
        """Somebody's openid."""
        openid = f"o{secrets.token_urlsafe(20)}"[:28]
        self.known.add(openid)
        return openid

    def code(self, openid: str) -> str:
        """As the page authorisation makes it."""
        code = secrets.token_hex(16)
        self.codes[code] = openid
        return code

    def authorised(self, url: str, openid: str) -> str:
        """The person follows a link to the page authorisation: where WeChat sends them then. Raises ``ValueError`` for what it refuses."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        if asked.get("response_type") != "code" or asked.get("scope") != "snsapi_base" or not asked.get("redirect_uri"):
            raise ValueError("WeChat refuses this link")
        more = urlencode({"code": self.code(openid), "state": asked.get("state", "")})
        return f"{asked['redirect_uri']}{'&' if '?' in asked['redirect_uri'] else '?'}{more}"

    def exchanged(self, query: Mapping[str, list[str]], application: str, app_secret: str) -> dict[str, Any]:
        """What ``/sns/oauth2/access_token`` answers."""
        asked = {name: values[0] for name, values in query.items()}
        if asked.get("appid") != application:
            return {"errcode": 40013, "errmsg": "invalid appid"}
        if asked.get("secret") != app_secret:
            return {"errcode": 40125, "errmsg": "invalid appsecret"}
        code = asked.get("code", "")
        if code in self.used:
            return {"errcode": 40163, "errmsg": "code been used"}
        openid = self.codes.pop(code, None)
        if openid is None or asked.get("grant_type") != "authorization_code":
            return {"errcode": 40029, "errmsg": "invalid code"}
        self.used.add(code)
        return {
            "access_token": secrets.token_hex(16), "expires_in": 7200, "refresh_token": secrets.token_hex(16), "openid": openid,
            "scope": "snsapi_base",
        }  # fmt: skip
