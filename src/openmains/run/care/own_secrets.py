# SPDX-License-Identifier: Apache-2.0
"""Secrets that only our own parts know (passwords of the embedded engines, keys of the edge): made anew where they are damaged.

Passwords are set again at each start, so another one serves as well; what a new key of the edge costs is told by the session
file (``care/sessions.py``).
"""

from pathlib import Path

from openmains.run.care.faults import FaultFolder
from openmains.run.care.texts import secret_made_anew
from openmains.run.engines import nats_users
from openmains.run.engines.postgres_server import ROLES
from openmains.run.secret_files import secret, usable

DATABASE = ("postgres", *ROLES)
STREAM = tuple(nats_users.ROLES)
EDGE = ("dtls", "edge-sessions")


def names(*, database: bool, stream: bool) -> list[str]:
    """Files below ``var/secrets`` of what is embedded."""
    found = [f"postgres-{role}" for role in DATABASE] if database else []
    return [*found, *(["nats", *(f"nats-{role}" for role in STREAM)] if stream else []), *EDGE]


def renew(var: Path, book: FaultFolder, wanted: list[str]) -> list[str]:
    """At a start that is not the first: make anew what is missing or damaged, say so; the names."""
    folder = var / "secrets"
    if not any(usable(folder / name) for name in wanted):
        return []  # the first start, or everything is gone: the database will say
    renewed = [name for name in wanted if not usable(folder / name)]
    for name in renewed:
        why = ("丢失", "was missing") if not (folder / name).exists() else ("已损坏", "was damaged")
        secret(var, name)
        book.tell(f"secret.{name}", f"secrets/{name}", secret_made_anew(folder / name, *why), state="mended")
    return renewed
