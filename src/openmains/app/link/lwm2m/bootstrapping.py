# SPDX-License-Identifier: Apache-2.0
"""A new key reaches its meter by LwM2M bootstrap (core 1.1 section 6.1): asked to come for it, it is written objects 0 and 1.

    Register, Update ─→ is a new key waiting? ─→ execute /1/x/9 ─→ the meter asks on /bs ─→ look, write, Finish

Nothing is deleted first. Each write replaces one whole account, so a bootstrap that breaks off anywhere leaves the meter with
accounts that both work: the old key is valid until the new one is used in service (``app.security.keys.cache``), and the account
that is in service, the server's, is renewed last. Were it first, a meter cut off there would register with the new key and so end
the old one, which its account at the bootstrap server (us as well) still has.

Keys are opened for one bootstrap, held by its steps, and written nowhere else; neither logs nor counters see them.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from openmains.app.link.ports import Clock, Link, NewKeys, Terminal
from openmains.app.link.proofs import Proofs
from openmains.domain.fleet.endpoint_name import parse_endpoint_name
from openmains.domain.period import DAY_S
from openmains.wire.coap.message import Code, is_success
from openmains.wire.lwm2m import bootstrap, content, operation
from openmains.wire.lwm2m import events as lwm2m
from openmains.wire.lwm2m.operation import Kind
from openmains.wire.lwm2m.server import Server

log = logging.getLogger("openmains.edge")
BATCH = 500
WAITING = 50_000
BUSY_S = 60
TRIGGER = 9  # resource of object 1
SERVER_OBJECT = 1
TAG = "bootstrap trigger"


class Bootstrapping:
    """One for each link with LwM2M. ``uri``: where meters find us, ``coaps://host:5684``; empty: off. ``refused(terminal, reason, detail)``:
    for the operator's list."""

    def __init__(
        self,
        *,
        uri: str,
        server: Server,
        link: Link,
        clock: Clock,
        keys: NewKeys,
        proofs: Proofs,
        may_command: Callable[[int], bool],
        refused: Callable[[Terminal, str, str], object],
    ) -> None:
        self._uri = uri
        self._server = server
        self._link = link
        self._clock = clock
        self._keys = keys
        self._proofs = proofs
        self._may_command = may_command
        self._told_refused = refused
        self._spoke: dict[bytes, int] = {}  # Connection ID → IMEI: registered or updated, not looked at yet
        self._looking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.counters = Counter[str]()

    # --- the meter is asked to come ---

    def wake_up(self, terminal: Terminal) -> None:
        """It registered or updated its registration: a good moment, for it listens."""
        if not self._uri or len(self._spoke) >= WAITING:
            return
        self._spoke[terminal.cid] = terminal.imei
        if self._looking is None:
            self._looking = asyncio.get_running_loop().create_task(self._look())

    async def _look(self) -> None:
        await asyncio.sleep(0)  # what came with the same wake-up goes together
        while self._spoke:
            batch = dict(list(self._spoke.items())[:BATCH])
            for cid in batch:
                del self._spoke[cid]
            try:
                waiting = await self._keys.waiting(list(batch.values()))
            except Exception as error:  # whatever a dying database's client raises; the next Update asks again
                log.warning("waiting keys cannot be read: %s", type(error).__name__)
                continue
            for cid, imei in batch.items():
                terminal = self._link.terminal_of(cid)
                if imei in waiting and terminal is not None:
                    self._trigger(terminal)
        self._looking = None
        self._link.transmit_soon()

    def _trigger(self, terminal: Terminal) -> None:
        registration = self._server.registration(terminal.cid)
        if registration is None or not self._may_command(terminal.imei):
            return
        instances = [
            one.instances[0] for one in registration.objects if one.object_id == SERVER_OBJECT and one.instances
        ]
        if not instances:
            self.counters["bootstrap.no_trigger"] += 1
            return
        what = operation.execute((SERVER_OBJECT, instances[0], TRIGGER))
        what.tag = TAG
        self._proofs.ask(terminal, lambda proved, now: self._submit(proved, what, now), lambda: None)

    def _submit(self, terminal: Terminal, what: operation.Operation, now: float) -> None:
        self.counters["bootstrap.triggered"] += 1
        self._server.submit(terminal.cid, what, now)

    def done(self, event: lwm2m.Done | lwm2m.Failed, now: float) -> None:
        """What the meter said to the trigger. One that has none (4.04, 4.05) needs another way to its key."""
        if event.operation.tag == TAG and event.operation.kind is Kind.EXECUTE:
            taken = isinstance(event, lwm2m.Done) and is_success(event.code)
            self.counters["bootstrap.trigger_taken" if taken else "bootstrap.trigger_refused"] += 1

    # --- it comes ---

    def wanted(self, event: lwm2m.BootstrapWanted, terminal: Terminal, now: float) -> None:
        """It asks for its accounts; it hears so when its key was read."""
        name = parse_endpoint_name(event.endpoint) if event.endpoint else None
        if not self._uri:
            self.counters["bootstrap.refused.off"] += 1
            self._told_refused(terminal, "bootstrap_off", "no bootstrap here")
            self._server.refuse(event, Code.NOT_FOUND, now, text=b"no bootstrap here")
        elif name is not None and name.imei != terminal.text:
            self.counters["bootstrap.refused.endpoint"] += 1
            self._told_refused(
                terminal, "endpoint_other", f"ep={event.endpoint[:64]}: endpoint must name the IMEI {terminal.text}"
            )
            self._server.refuse(event, Code.BAD_REQUEST, now, text=b"endpoint must name the session's IMEI")
        elif not self._may_command(terminal.imei):
            self.counters["bootstrap.refused.held"] += 1
            self._told_refused(terminal, "held", "not for this terminal now")
            self._server.refuse(event, Code.FORBIDDEN, now, text=b"not for this terminal now")
        else:
            task = asyncio.get_running_loop().create_task(self._prepare(event, terminal))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _prepare(self, event: lwm2m.BootstrapWanted, terminal: Terminal) -> None:
        try:
            key = (await self._keys.newest([terminal.imei])).get(terminal.imei)
        except Exception as error:
            log.warning("a new key cannot be read: %s", type(error).__name__)
            self._refuse(event)
            return
        if key is None:
            self._refuse(event)
            return
        steps = self._steps(event, terminal, key)

        def go(proved: Terminal, now: float) -> None:
            if proved is terminal:  # another session meanwhile: the meter has given this one up
                self.counters["bootstrap.begun"] += 1
                self._server.bootstrap(event, steps, now)

        self._proofs.ask(terminal, go, lambda: self._refuse(event))
        self._link.transmit_soon()

    def _steps(self, event: lwm2m.BootstrapWanted, terminal: Terminal, key: bytes) -> bootstrap.Steps:
        format_ = event.preferred if event.preferred in (content.SENML_CBOR, content.SENML_JSON) else content.TLV
        known = self._server.registration(terminal.cid)
        return bootstrap.renewal(
            uri=self._uri,
            identity=terminal.text.encode(),
            key=key,
            lifetime_s=DAY_S if known is None else known.lifetime_s,  # how it lives is not changed by a new key
            binding="U" if known is None else known.binding,
            content_format=format_,
        )

    def _refuse(self, event: lwm2m.BootstrapWanted) -> None:
        self.counters["bootstrap.refused.busy"] += 1
        self._server.refuse(
            event,
            Code.SERVICE_UNAVAILABLE,
            self._clock.time(),
            max_age_s=BUSY_S,
            text=b"busy, come again after Max-Age",
        )
        self._link.transmit_soon()

    def ended(self, event: lwm2m.Bootstrapped) -> None:
        """Finish was said and answered, or it broke off: then the meter comes again by the account that it has."""
        self.counters["bootstrap.broken_off" if event.reason else "bootstrap.done"] += 1
