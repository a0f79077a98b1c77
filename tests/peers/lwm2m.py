# SPDX-License-Identifier: Apache-2.0

"""What is tried with every LwM2M client, whatever its command line: registered, asked, observed, cut off, given a new key.

A client is a ``Device``: how it is started, and which words make it do something. What it did is judged by the platform's API.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.peers.coap_client import handshakes
from tests.peers.found import Case
from tests.peers.place import OBJECTS, CannotDo, Failed, Meter, Place
from tests.peers.program import Run, last_line
from tests.peers.relay import Relay
from tests.support.system import instant_of

Start = Callable[[str, Meter, int, tuple[str, ...]], Run]  # program, meter, port, switches


@dataclass(frozen=True)
class Device:
    """``update``, ``send``: the words that make it do so. ``alive``: a path whose value changes by itself, or by the words ``change``.
    ``many``: an instance with many resources. The rest are switches, empty where it cannot."""

    start: Start
    update: str
    alive: str
    send: str = ""
    change: str = ""
    many: str = "/3/0"
    write: tuple[str, str] = ("/3/0/14", "+09:00")
    execute: str = ""
    bootstrap: tuple[str, ...] = ()
    both: tuple[str, ...] = ()
    cid: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()

    @contextmanager
    def there(
        self, place: Place, program: str, *switches: str, meter: Meter | None = None, product: str = OBJECTS
    ) -> Iterator[tuple[Run, Meter, Relay]]:
        """Started, over a network of its own, and registered."""
        meter = meter or place.meter(product)
        with Relay(place.system.dtls) as relay, self.start(program, meter, relay.port, switches) as run:
            try:
                registration(place, meter)
            except Failed as failed:
                raise Failed(f"{failed}; {last_line(run.output)}") from failed
            yield run, meter, relay

    def renews(self, place: Place, run: Run, meter: Meter) -> None:
        """It updates its registration."""
        before = registration(place, meter)
        run.say(self.update)
        place.until(lambda: _state(place, meter)["updated_at"] > before["updated_at"], "its registration is updated")


def _state(place: Place, meter: Meter) -> Any:
    return place.objects(meter) or {"updated_at": "", "registered_at": ""}


def registration(place: Place, meter: Meter) -> Any:
    """What it registered."""

    def found() -> Any:
        told = place.objects(meter)
        return told if told and told["objects"] else None

    return place.until(found, "it is registered")


def registers(device: Device, version: str, *switches: str) -> Callable[[Place, str], None]:
    """With this version; updates; its objects are known."""

    def run(place: Place, program: str) -> None:
        with device.there(place, program, *switches) as (client, meter, _):
            told = registration(place, meter)
            if told["version"] != version:
                raise Failed(f"registered as {told['version']}")
            device.renews(place, client, meter)

    return run


def asked(device: Device, *switches: str) -> Callable[[Place, str], None]:
    """Read one and many, write, execute, discover."""

    def run(place: Place, program: str) -> None:
        with device.there(place, program, *switches) as (_, meter, _):
            for operation, path, value in (
                ("read", device.many + "/0", ""), ("read", device.many, ""), ("write", *device.write), ("discover", "/3", ""),
                *([("execute", device.execute, "")] if device.execute else []),
            ):  # fmt: skip
                answer = place.operate(meter, operation, path, value)
                if not answer["ok"]:
                    raise Failed(f"{operation} {path}: {answer['code']}")
                if operation in ("read", "discover") and not answer["values"]:
                    raise Failed(f"{operation} {path}: no values were understood")
            path, value = device.write
            said = place.operate(meter, "read", path)["values"]
            if [one["value"] for one in said] != [value]:
                raise Failed(f"{path} was written as {value} and is read as {said}")

    return run


def watches(place: Place, device: Device, run: Run, meter: Meter) -> None:
    """A notification comes."""

    def at() -> Any:
        told = place.objects(meter)
        seen = {one["path"]: one["at"] for one in told["observations"]} if told else {}
        return seen.get(device.alive)

    before = at()
    if device.change:
        run.say(device.change)
    place.until(lambda: at() not in (None, before), f"a notification of {device.alive}")


def observed(device: Device, *switches: str) -> Callable[[Place, str], None]:
    """Observe, notifications, and the same observation after the edge was killed; cancel."""

    def run(place: Place, program: str) -> None:
        with device.there(place, program, *switches) as (client, meter, _):
            if not place.operate(meter, "observe", device.alive)["ok"]:
                raise Failed(f"observe {device.alive} was refused")
            watches(place, device, client, meter)
            if not place.operate(meter, "cancel", device.alive)["ok"]:
                raise Failed("cancel was refused")

    return run


def sends(device: Device, *switches: str) -> Callable[[Place, str], None]:
    """Send, and it is kept as a report."""

    def run(place: Place, program: str) -> None:
        if not device.send:
            raise CannotDo("no Send")
        with device.there(place, program, *switches) as (client, meter, _):
            client.say(device.send)
            place.until(lambda: place.frames(meter), "what it sent is in the frame log")

    return run


def outlives(device: Device, *switches: str, move: bool = False) -> Callable[[Place, str], str]:
    """The edge is killed twice, and once while the client speaks: same session, same registration, same observation."""

    def run(place: Place, program: str) -> str:
        with device.there(place, program, *switches) as (client, meter, relay):
            place.operate(meter, "observe", device.alive)
            before = instant_of(registration(place, meter)["registered_at"])
            for _ in range(2):
                place.kill_edge()
                if move:
                    relay.move()
                device.renews(place, client, meter)
                watches(place, device, client, meter)
            if instant_of(registration(place, meter)["registered_at"]) > before + 1:  # it is stored to a millisecond
                raise Failed("it registered anew")
            answer = place.operate(meter, "read", device.many)
            if not answer["ok"]:
                raise Failed(f"read: {answer['code']}")
            return handshakes(relay, before=1)

    return run


def bootstraps(device: Device) -> Callable[[Place, str], None]:
    """It knows the platform as its bootstrap server alone: it is given its account, and registers with that."""

    def run(place: Place, program: str) -> None:
        if not device.bootstrap:
            raise CannotDo("no bootstrap")
        with device.there(place, program, *device.bootstrap) as (
            client,
            meter,
            _,
        ):  # without its account it could not register
            device.renews(place, client, meter)
            not_refused(place, meter)

    return run


def rotated(device: Device, *switches: str, away: bool) -> Callable[[Place, str], str]:
    """A new key. It has an account at the bootstrap server and one at the server, with the same key. ``away``: it was not there when
    the key was made, and comes with the old one."""

    def run(place: Place, program: str) -> str:
        if not device.both:
            raise CannotDo("has no two accounts")
        meter = place.meter(OBJECTS)
        before = place.counter("bootstrap.done"), place.counter("dtls.wrong_key")
        if away:
            place.rotate(meter)
        with device.there(place, program, *device.both, *switches, meter=meter) as (client, _, relay):
            if not away:
                place.rotate(meter)
                client.say(device.update)
            place.until(lambda: not place.security(meter)["key"]["rotating"], "it uses its new key")
            device.renews(place, client, meter)
            rounds = place.until(lambda: place.counter("bootstrap.done") - before[0], "a bootstrap was done")
            if rounds != 1:
                raise Failed(f"{rounds} bootstraps")
            if place.counter("dtls.wrong_key") != before[1]:
                raise Failed("a valid key was refused")
            not_refused(place, meter)
            return handshakes(relay, before=3)  # the server, the bootstrap server, the server with the new key

    return run


def not_refused(place: Place, meter: Meter) -> None:
    """Nothing of it is in the list of refusals."""
    reasons = place.refusals(meter.name)
    if reasons:
        raise Failed(f"refused: {', '.join(reasons)}")


def cases_of(
    device: Device,
    versions: tuple[tuple[str, tuple[str, ...]], ...],
    formats: tuple[tuple[str, str, tuple[str, ...]], ...],
) -> tuple[Case, ...]:
    """``versions``: number and switches; ``formats``: what they are in both languages, and switches."""
    found = [
        Case(
            f"注册与更新,版本 {number}", f"registration and update, version {number}", registers(device, number, *words)
        )
        for number, words in versions
    ]
    for zh, en, words in formats:
        found += [
            Case(f"读写执行发现:{zh}", f"read, write, execute, discover: {en}", asked(device, *words)),
            Case(f"观察与通知:{zh}", f"observe and notify: {en}", observed(device, *words)),
        ]
    newest = versions[-1][1]
    found += [
        Case("发送(Send)", "Send", sends(device, *newest)),
        Case(
            "无连接标识:边缘进程两次被杀后继续,不重新握手和注册",
            "without Connection ID: goes on after two kill -9 of the edge, no handshake, no registration",
            outlives(device),
        ),
        Case("仅有引导账户:引导后注册", "a bootstrap account alone: bootstrapped, registered", bootstraps(device)),
    ]
    if device.blocks:
        found.append(Case("分块注册与读取", "registration and read in blocks", asked(device, *device.blocks)))
    if device.both:
        found += [
            Case("换密钥(两个账户),在线", "new key, two accounts, while registered", rotated(device, away=False)),
            Case(
                "换密钥(两个账户),持旧密钥回来",
                "new key, two accounts, comes back with the old one",
                rotated(device, away=True),
            ),
        ]
    if device.cid:
        found.append(
            Case(
                "连接标识:换地址、边缘进程被杀后继续",
                "Connection ID: other addresses, two kill -9 of the edge",
                outlives(device, *device.cid, move=True),
            )
        )
        if device.both:
            found.append(
                Case(
                    "换密钥(两个账户),有连接标识",
                    "new key, two accounts, with Connection ID",
                    rotated(device, *device.cid, away=False),
                )
            )
    return tuple(found)
