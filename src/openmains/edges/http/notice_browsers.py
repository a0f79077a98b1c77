# SPDX-License-Identifier: Apache-2.0
"""Browsers in which a person takes notices: one's own only."""

from typing import Annotated, Any

from litestar import Request, delete, get, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from openmains.app.notice import browsers as use
from openmains.app.notice.browsers import BrowserDraft
from openmains.app.notice.model import PushBrowser, PushBrowsers
from openmains.app.problems import Problem
from openmains.edges.http.deps import actor_of, deps_of
from openmains.edges.http.inputs import Id
from openmains.edges.http.notice import sealer_of
from openmains.edges.http.permissions import SIGNED_IN

_BASE64URL = r"^[A-Za-z0-9_-]+={0,2}$"


class BrowserSubscription(Struct, frozen=True, forbid_unknown_fields=True):
    """``PushSubscription`` of the Push API, with a name by which the person knows the browser again."""

    endpoint: Annotated[str, Meta(min_length=10, max_length=2000)]
    p256dh: Annotated[str, Meta(min_length=80, max_length=100, pattern=_BASE64URL)]
    auth: Annotated[str, Meta(min_length=20, max_length=30, pattern=_BASE64URL)]
    label: Annotated[str, Meta(min_length=1, max_length=100)]


@get("/notice-persons/me/browsers", operation_id="list_own_browsers", tags=["notices"], opt=SIGNED_IN)
async def list_own_browsers(request: Request[Any, Any, Any]) -> PushBrowsers:
    """In which one takes notices, and the key by which a browser subscribes."""
    return await use.own_browsers(deps_of(request).store, actor_of(request))


@post("/notice-persons/me/browsers", operation_id="add_own_browser", tags=["notices"], opt=SIGNED_IN)
async def add_own_browser(request: Request[Any, Any, Any], data: JSONBody[BrowserSubscription]) -> PushBrowser:
    """Take notices in this browser. Its address is sealed; another person's subscription of the same browser ends."""
    deps = deps_of(request)
    if deps.push_addresses is None:
        raise Problem("not-offered")
    draft = BrowserDraft(data.endpoint, data.p256dh, data.auth, data.label)
    return await use.add_browser(
        deps.store, actor_of(request), sealer_of(request), deps.push_addresses, draft, deps.now_us()
    )


@delete(
    "/notice-persons/me/browsers/{browser_id:int}",
    operation_id="remove_own_browser",
    tags=["notices"],
    opt=SIGNED_IN,
    status_code=204,
)
async def remove_own_browser(request: Request[Any, Any, Any], browser_id: Id) -> None:
    """Take none in it any more."""
    await use.remove_browser(deps_of(request).store, actor_of(request), browser_id)


HANDLERS: list[Any] = [list_own_browsers, add_own_browser, remove_own_browser]
