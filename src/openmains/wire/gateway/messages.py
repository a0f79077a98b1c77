# SPDX-License-Identifier: Apache-2.0
"""The JSON that a gateway and the platform say to each other (R5.2, R5.5), ours; the page ``docs/protocols/gateway.md`` has it field by field.

    openmains/gateway/<number>/up      what the gateway keeps until the platform says that it has it: an ``UpBatch`` of numbered items
    openmains/gateway/<number>/state   how the gateway is now; not kept
    openmains/gateway/<number>/down    items that are on disk, commands, the time

An item has a number within its store, and a store has a name that is drawn when it is made: with what it says these name the item for ever, so
whatever is said twice is known again. ``run`` is drawn at each start of the program: a word that items are on disk is for the run that said
them, for a second box with a copy of the store would give other items the same numbers. Bytes are base64, instants ms since 1970 UTC, 0
where they are not known. Names that are not known are left unread, so either side may learn new ones.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from openmains.wire.errors import WireError
from openmains.wire.gateway.fields import LAYER, MOST_INT, MOST_TEXT, Fields, is_number
from openmains.wire.gateway.network import NOTHING, NetworkWord, network_of, network_values
from openmains.wire.gateway.parameters import Value, values_of
from openmains.wire.json_text import json_value

ROOT: Final = "openmains/gateway"
MOST_ITEMS: Final = 100  # of one message
COMMAND_STATES: Final = ("delivered", "lost", "too_late", "refused")
PARAMETER_STATES: Final = ("taken", "done", "refused", "too_late")


@dataclass(frozen=True, slots=True)
class MeterMessage:
    """What a meter said. ``message_type``: of GB/T 36330; ``data`` its content, whole and in clear."""

    meter: str
    message_type: int
    data: bytes
    via: int = 0


@dataclass(frozen=True, slots=True)
class CommandWord:
    """What became of a command. ``state``: one of ``COMMAND_STATES``; ``data``: what the meter said to it."""

    command: str
    meter: str
    state: str
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """A line of the gateway's log that somebody is to see. ``event``: a name of the page; ``meter``: "" where it is of none."""

    event: str
    meter: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ParametersWord:
    """What became of a command to the gateway itself. ``state``: taken (it is on disk, and in force after it began anew), done, refused,
    too_late. ``values``: of done, all parameters by which it now goes; of refused the ``reason`` and the ``name`` that will not do."""

    command: int
    state: str
    values: Mapping[str, Value] = field(default_factory=dict)
    reason: str = ""
    name: str = ""


UpWord = MeterMessage | CommandWord | GatewayEvent | ParametersWord


@dataclass(frozen=True, slots=True)
class Item:
    """``number`` counts from 1 in its store; ``at_ms``: when the gateway had it."""

    number: int
    at_ms: int
    word: UpWord


@dataclass(frozen=True, slots=True)
class UpBatch:
    """Items of the store with this name, in their order, as this run says them."""

    store: str
    run: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class GatewayState:
    """How it is. ``run``: drawn at each start; ``ask``: to be said again with the time; ``clock``: whose time it goes by (platform, box, none).
    ``meters``: that have joined, ``silent``: of these, ``waiting``: items that are kept, ``dropped``: that had to be given up,
    ``commands``: that wait for their meters. ``net``: how its network is, of a gateway that says it."""

    store: str
    run: str
    ask: str
    at_ms: int
    clock: str
    power: str
    version: str
    meters: int
    silent: int
    waiting: int
    dropped: int
    commands: int
    net: NetworkWord = NOTHING
    parameters: Mapping[str, Value] = field(
        default_factory=dict
    )  # by which it goes; none of a gateway that cannot be set from afar


@dataclass(frozen=True, slots=True)
class Stored:
    """These items are on disk at the platform: the run that said them may forget them."""

    store: str
    run: str
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class GatewayCommand:
    """To be given to a meter once it is heard. Not after ``not_after_s``, 0: whenever."""

    command: str
    meter: str
    message_type: int
    data: bytes
    not_after_s: int = 0


@dataclass(frozen=True, slots=True)
class TimeOffer:
    """The platform's time when it answered; ``ask``: what it answers."""

    ask: str
    at_ms: int
    utc_offset_min: int


@dataclass(frozen=True, slots=True)
class ParametersCommand:
    """To the gateway itself: set ``values``, or say all of them where there are none. ``command`` rises: what is older than one that was done
    is refused. Not after ``not_after_s``, 0: whenever."""

    command: int
    values: Mapping[str, Value]
    not_after_s: int = 0


Down = Stored | GatewayCommand | TimeOffer | ParametersCommand


def topic(number: str, part: str) -> str:
    """``part``: up, state or down."""
    return f"{ROOT}/{number}/{part}"


def gateway_of(name: str) -> tuple[str, str] | None:
    """Number and part of a topic; None for any other's."""
    levels = name.split("/")
    if len(levels) != 4 or "/".join(levels[:2]) != ROOT or levels[3] not in ("up", "state"):
        return None
    number = levels[2]
    return (number, levels[3]) if is_number(number) else None


def encode_up(batch: UpBatch) -> bytes:
    """One message."""
    return _text({"store": batch.store, "run": batch.run, "items": [_item(item) for item in batch.items]})


def decode_up_untrusted(data: bytes) -> UpBatch:
    """Raises ``WireError`` for anything else."""
    told = Fields(_object(data))
    items = told.values.get("items")
    if not isinstance(items, list) or not 1 <= len(items) <= MOST_ITEMS:
        raise WireError(LAYER, 0, "items")
    found = tuple(_item_of(each) for each in items)
    return UpBatch(told.text("store"), told.text("run"), found)


def encode_state(state: GatewayState) -> bytes:
    """One message."""
    names = [name for name in GatewayState.__slots__ if name not in ("at_ms", "net", "parameters")]
    more = {"parameters": dict(state.parameters)} if state.parameters else {}
    return _text(
        {name: getattr(state, name) for name in names} | {"at": state.at_ms} | network_values(state.net) | more
    )


def decode_state_untrusted(data: bytes) -> GatewayState:
    """Raises ``WireError`` for anything else."""
    told = Fields(_object(data))
    meters, silent, waiting, dropped, commands = (
        told.integer(name) for name in ("meters", "silent", "waiting", "dropped", "commands")
    )
    return GatewayState(
        told.text("store"), told.text("run"), told.text("ask"), told.integer("at"), told.text("clock"), told.text("power"),
        told.text("version"), meters, silent, waiting, dropped, commands, network_of(told), _values(told, "parameters"),
    )  # fmt: skip


def encode_down(word: Down) -> bytes:
    """One message."""
    if isinstance(word, Stored):
        return _text({"what": "stored", "store": word.store, "run": word.run, "n": list(word.numbers)})
    if isinstance(word, TimeOffer):
        return _text({"what": "time", "ask": word.ask, "at": word.at_ms, "utc_offset_min": word.utc_offset_min})
    if isinstance(word, ParametersCommand):
        return _text(
            {"what": "parameters", "id": word.command, "values": dict(word.values), "not_after": word.not_after_s}
        )
    return _text(
        {
            "what": "command", "id": word.command, "meter": word.meter, "type": word.message_type, "data": _base64(word.data),
            "not_after": word.not_after_s,
        }
    )  # fmt: skip


def decode_down_untrusted(data: bytes) -> Down:
    """Raises ``WireError`` for anything else."""
    told = Fields(_object(data))
    what = told.text("what")
    if what == "stored":
        numbers = told.values.get("n")
        if not isinstance(numbers, list) or not 1 <= len(numbers) <= 10 * MOST_ITEMS or not all(map(_is_int, numbers)):
            raise WireError(LAYER, 0, "n")
        return Stored(told.text("store"), told.text("run"), tuple(numbers))
    if what == "time":
        offset = told.integer("utc_offset_min", -840, 840)
        return TimeOffer(told.text("ask"), told.integer("at"), offset)
    if what == "command":
        return GatewayCommand(
            told.text("id"), told.meter("meter"), told.integer("type", 1, 255), told.data("data"), told.integer("not_after")
        )  # fmt: skip
    if what == "parameters":
        return ParametersCommand(told.integer("id", 1), _values(told, "values"), told.integer("not_after"))
    raise WireError(LAYER, 0, "what")


def _item(item: Item) -> dict[str, Any]:
    word = item.word
    front: dict[str, Any] = {"n": item.number, "at": item.at_ms}
    if isinstance(word, MeterMessage):
        said = {
            "what": "message",
            "meter": word.meter,
            "type": word.message_type,
            "data": _base64(word.data),
            "via": word.via,
        }
        return front | said
    if isinstance(word, CommandWord):
        told = {"what": "command", "id": word.command, "meter": word.meter, "state": word.state}
        return front | told | {"data": _base64(word.data)}
    if isinstance(word, ParametersWord):
        answer = {"values": dict(word.values), "reason": word.reason, "name": word.name}
        return front | {"what": "parameters", "id": word.command, "state": word.state} | answer
    return front | {"what": "event", "event": word.event, "meter": word.meter, "detail": word.detail[:MOST_TEXT]}


def _item_of(value: object) -> Item:
    if not isinstance(value, dict):
        raise WireError(LAYER, 0, "item")
    told = Fields(value)
    number, at_ms, what = told.integer("n", 1), told.integer("at"), told.text("what")
    word: UpWord
    if what == "message":
        via = told.integer("via", 0, 255) if "via" in told.values else 0
        word = MeterMessage(told.meter("meter"), told.integer("type", 1, 255), told.data("data"), via)
    elif what == "command":
        state = told.text("state")
        if state not in COMMAND_STATES:
            raise WireError(LAYER, 0, "state")
        word = CommandWord(told.text("id"), told.meter("meter"), state, told.data("data"))
    elif what == "parameters":
        state = told.text("state")
        if state not in PARAMETER_STATES:
            raise WireError(LAYER, 0, "state")
        values = _values(told, "values")
        word = ParametersWord(told.integer("id", 1), state, values, told.text("reason"), told.text("name"))
    elif what == "event":
        meter = told.meter("meter") if told.values.get("meter") else ""
        word = GatewayEvent(told.text("event"), meter, told.text("detail"))
    else:
        raise WireError(LAYER, 0, "what")
    return Item(number, at_ms, word)


def _values(told: Fields, name: str) -> Mapping[str, Value]:
    found = values_of(told.values.get(name, {}))
    if found is None:
        raise WireError(LAYER, 0, name)
    return found


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MOST_INT


def _object(data: bytes) -> Mapping[str, object]:
    value = json_value(data, LAYER)
    if not isinstance(value, dict):
        raise WireError(LAYER, 0, "json")
    return value


def _text(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":")).encode()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
