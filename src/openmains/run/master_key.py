# SPDX-License-Identifier: Apache-2.0
"""Where the master key comes from: ``OPENMAINS_MASTER_KEY``, else ``var/secrets/master-key``.

The file is made once, at a start that finds nothing sealed in the database (``ready_master_key``); reading never makes it. A key
that came to be where one was lost would look healthy while no meter gets in.

The variables are not settings: settings may stand in a file that people share and are printed. A value is 32 bytes in
URL-safe base64. ``…_PREVIOUS`` (variable) and ``master-key.previous`` (file) hold the former key while a rotation runs.
"""

import base64
import binascii
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

from openmains.app.sealing.envelope import KEY_BYTES, KeyUnreadableError, MasterKey, Masters
from openmains.app.sealing.ports import DataKeyStore
from openmains.run.care.faults import Words
from openmains.run.care.texts import (
    data_key_unreadable,
    master_key_missing,
    master_key_other,
    master_key_unusable,
    refusal,
)
from openmains.run.engines.child import StartError
from openmains.run.secret_files import write_private

VARIABLE = "OPENMAINS_MASTER_KEY"
PREVIOUS_VARIABLE = "OPENMAINS_MASTER_KEY_PREVIOUS"
FILE, PREVIOUS_FILE = "master-key", "master-key.previous"


def masters_of(var: Path, environment: Mapping[str, str] | None = None) -> Callable[[], Masters]:
    """A reader of the master keys as they are at each call; raises StartError for one that cannot be used."""
    env = os.environ if environment is None else environment

    def read() -> Masters:
        given = env.get(VARIABLE, "")
        if given:
            previous = env.get(PREVIOUS_VARIABLE, "")
            others = [_key(previous, PREVIOUS_VARIABLE)] if previous else []
            return Masters.of(_key(given, VARIABLE), others)
        folder = var / "secrets"
        # The previous one is read first: a rotation writes it before it replaces the current one.
        others = [_key(text, PREVIOUS_FILE)] if (text := _text(folder / PREVIOUS_FILE)) else []
        return Masters.of(_key(_text(folder / FILE), str(folder / FILE)), others)

    return read


async def ready_master_key(var: Path, store: DataKeyStore, environment: Mapping[str, str] | None = None) -> None:
    """At a start: made where nothing is sealed yet, else looked at. Raises StartError where it is not the one that the device keys
    are sealed under."""
    if not is_from_environment(environment) and not await store.data_keys():
        path = var / "secrets" / FILE
        if path.exists() and _unusable(_text(path)):
            path.unlink()  # nothing is sealed under it
        make_file(var)
    if (words := await master_key_fault(var, store, environment)) is not None:
        raise refusal(words)


async def master_key_fault(
    var: Path, store: DataKeyStore, environment: Mapping[str, str] | None = None
) -> Words | None:
    """What is wrong with the master key, as the sealed keys tell; None: nothing."""
    stored = await store.data_keys()
    wanted = sorted({key.master for key in stored})
    path = Path(VARIABLE) if is_from_environment(environment) else var / "secrets" / FILE
    try:
        masters = masters_of(var, environment)()
    except StartError:
        missing = not is_from_environment(environment) and not path.exists()
        return master_key_missing(path, wanted) if missing else master_key_unusable(path, wanted)
    unknown = [name for name in wanted if masters.by_fingerprint(name) is None]
    if unknown:
        return master_key_other(path, masters.current.fingerprint, unknown)
    for key in stored:
        master = masters.by_fingerprint(key.master)
        try:
            if master is not None:
                master.unwrap(key)
        except KeyUnreadableError:
            return data_key_unreadable(key.tenant_id)
    return None


def is_from_environment(environment: Mapping[str, str] | None = None) -> bool:
    """Whether the variable is used and not the file."""
    return bool((os.environ if environment is None else environment).get(VARIABLE))


def make_file(var: Path) -> str:
    """Make the file; of several processes that try at once the first one's key counts for all."""
    folder = var / "secrets"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = folder / f".{FILE}.{secrets.token_hex(8)}"
    write_private(draft, new_text() + "\n")
    try:
        os.link(draft, folder / FILE)  # fails where it exists, and it is whole when it appears
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return (folder / FILE).read_text("ascii").strip()


def begin_rotation(var: Path) -> None:
    """A new key in ``master-key``, the former one in ``master-key.previous``; an interrupted rotation is gone on with."""
    folder = var / "secrets"
    former = _text(folder / FILE)
    if _text(folder / PREVIOUS_FILE) not in ("", former):
        return
    _key(former, str(folder / FILE))
    write_private(folder / PREVIOUS_FILE, former + "\n")
    write_private(folder / FILE, new_text() + "\n")


def end_rotation(var: Path) -> None:
    """Nothing is wrapped by the former key any more: remove it."""
    (var / "secrets" / PREVIOUS_FILE).unlink(missing_ok=True)


def new_text() -> str:
    """A new master key as text."""
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode().rstrip("=")


def _text(path: Path) -> str:
    """Empty where there is none."""
    try:
        return path.read_bytes().decode("ascii", "replace").strip()
    except FileNotFoundError:
        return ""


def _unusable(text: str) -> bool:
    try:
        _key(text, "")
    except StartError:
        return True
    return False


def _key(text: str, place: str) -> MasterKey:
    try:
        return MasterKey(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error):
        raise StartError(
            f"{place} 不是有效的主密钥(应为 32 字节的 base64)。",
            f"{place} is not a master key (32 bytes in base64).",
        ) from None
