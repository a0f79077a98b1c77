# SPDX-License-Identifier: Apache-2.0
"""Who holds the phone, by WeChat's word: the code that its page authorisation (网页授权, ``snsapi_base``) brings back to our page is exchanged
for the person's openid, which is that person's for one application only. A code is good once, for five minutes.

The exchange is ``GET /sns/oauth2/access_token`` with the application's own secret (AppSecret), on no key of the merchant's; its answer is not
signed, so it is asked for over TLS, from the host that the channel names. Nothing but the openid is kept of it.
"""

from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec

from openmains.app.payment.channels.port import Caller, Declined, ProviderRequest, Unclear

AUTHORISE_URL = "https://open.weixin.qq.com"
API_URL = "https://api.weixin.qq.com"
SECRET, BASE = "app_secret", "sign_in_base"
"""Of a channel: the secret, and the setting that takes the place of both hosts."""
_BAD_CODE = frozenset({40029, 40163, 41008, 42003})
"""Invalid, used, missing, over: the person opens the page anew."""
MOST_OPENID = 128


def authorise_url(settings: Mapping[str, str]) -> str:
    """Where the page sends the person, with appid, redirect_uri, response_type, scope and state after it."""
    return f"{(settings.get(BASE) or AUTHORISE_URL).rstrip('/')}/connect/oauth2/authorize"


async def openid_of(call: Caller, settings: Mapping[str, str], app_secret: str, code: str) -> str | Declined | Unclear:
    """``Declined``: not a code that is good now."""
    asked = {"appid": settings["application"], "secret": app_secret, "code": code, "grant_type": "authorization_code"}
    url = f"{(settings.get(BASE) or API_URL).rstrip('/')}/sns/oauth2/access_token?{urlencode(asked)}"
    told = await call(ProviderRequest("GET", url, {"Accept": "application/json"}))
    if told is None or told.status != 200:
        return Unclear("no-answer")
    try:
        found = msgspec.json.decode(told.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Unclear("unreadable")
    if not isinstance(found, dict):
        return Unclear("unreadable")
    wrong = found.get("errcode", 0)
    if wrong:
        return Declined(str(wrong)) if wrong in _BAD_CODE else Unclear(str(wrong)[:16])
    openid = found.get("openid")
    return openid if isinstance(openid, str) and 0 < len(openid) <= MOST_OPENID else Unclear("unreadable")
