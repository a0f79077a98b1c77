# SPDX-License-Identifier: Apache-2.0
"""Register, Update and Bootstrap-Request: from a CoAP request to what is wanted (LwM2M core 1.1 sections 6.1.7, 6.2).

Theory: a request is wanted or refused with a code and a counter's name; nothing here changes the server. Only
``update`` writes, and only into the registration that it is about, after all of the request was found good.
"""

from openmains.wire.coap import options as opt
from openmains.wire.coap.exchange import Request
from openmains.wire.coap.message import Code
from openmains.wire.errors import WireError
from openmains.wire.lwm2m import content
from openmains.wire.lwm2m.events import BootstrapWanted, Limits, Link, RegisterWanted
from openmains.wire.lwm2m.registration import (
    DEFAULT_LIFETIME_S,
    VERSIONS,
    Offer,
    Parsed,
    Registration,
    parse_offer,
    parse_query,
)

_TOO_MANY = ("too many links", "too many objects")


class Refused(Exception):
    """The request is answered with ``code`` and counted under ``counter``. ``text``: what the device is told, UTF-8."""

    def __init__(self, counter: str, code: int, text: str = "") -> None:
        super().__init__(counter, code)
        self.counter = counter
        self.code = code
        self.text = text or counter


def register_wanted(request: Request, link: Link, limits: Limits) -> RegisterWanted:
    """A Register (section 6.2.1). Raises :class:`Refused`."""
    parsed, offer = _parse(request, limits)
    version = parsed.version or "1.0"
    if version not in VERSIONS:
        said = "version not supported, say lwm2m=" + " or lwm2m=".join(VERSIONS)
        raise Refused("version not supported", Code.PRECONDITION_FAILED, said)
    if parsed.endpoint is None and version == "1.0":
        raise Refused("endpoint missing", Code.BAD_REQUEST, "endpoint missing, say ep=urn:imei:<IMEI>")
    return RegisterWanted(
        link,
        request.exchange,
        parsed.endpoint or "",
        DEFAULT_LIFETIME_S if parsed.lifetime_s is None else parsed.lifetime_s,
        version,
        parsed.binding or "U",
        parsed.queue_mode,
        parsed.sms or "",
        offer,
    )


def update(registration: Registration, request: Request, limits: Limits) -> bool:
    """An Update (section 6.2.2) into ``registration``: whether more than its lifetime was renewed. Raises Refused."""
    parsed, offer = _parse(request, limits, registration.offer.root)
    before = (registration.lifetime_s, registration.binding, registration.sms, registration.offer)
    if parsed.lifetime_s is not None:
        registration.lifetime_s = parsed.lifetime_s
    if parsed.binding is not None:
        registration.binding = parsed.binding
        if registration.version == "1.0":
            registration.queue_mode = parsed.queue_mode
    if parsed.sms is not None:
        registration.sms = parsed.sms
    if request.payload:
        formats = offer.formats or registration.offer.formats
        registration.offer = offer._replace(formats=formats)
    return before != (registration.lifetime_s, registration.binding, registration.sms, registration.offer)


def bootstrap_wanted(request: Request, link: Link, limits: Limits) -> BootstrapWanted:
    """A Bootstrap-Request (section 6.1.7.1); ``pct`` names the content format that the device likes. Raises Refused."""
    parsed, _ = _parse(request, limits)
    preferred = next((item[4:] for item in request.query if item.startswith("pct=")), "")
    fits = preferred.isascii() and preferred.isdigit() and len(preferred) < 6
    return BootstrapWanted(link, request.exchange, parsed.endpoint or "", int(preferred) if fits else None)


def _parse(request: Request, limits: Limits, root: tuple[str, ...] = ()) -> tuple[Parsed, Offer]:
    if opt.get_uint(request.options, opt.CONTENT_FORMAT) not in (None, content.LINK_FORMAT):
        raise Refused("register format", Code.UNSUPPORTED_CONTENT_FORMAT, "content format must be 40, link format")
    try:
        said = parse_query(request.query, limits.max_endpoint)
        return said, parse_offer(request.payload, limits.max_instances, root)
    except WireError as error:
        too_many = error.reason in _TOO_MANY
        code = Code.REQUEST_ENTITY_TOO_LARGE if too_many else Code.BAD_REQUEST
        raise Refused(error.reason, code, str(error)) from None
