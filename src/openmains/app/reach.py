# SPDX-License-Identifier: Apache-2.0
"""Whose reach holds now: set once for a request by the guard, and heeded by every transaction and question that follows from it.

It travels with the task, not with each call: what forgets to hand it on would see everything. Programs of the utility itself – pipeline,
worker, dispatcher – set none and see the whole. Whatever an answer keeps for others must be kept by ``Limits``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from openmains.domain.identity.reach import EVERYWHERE, Reach


@dataclass(frozen=True, slots=True)
class Limits:
    """A person's reach; ``user_id``: whose own rows are seen besides."""

    reach: Reach = EVERYWHERE
    user_id: int = 0


NONE = Limits()
_NOW: ContextVar[Limits] = ContextVar("reach", default=NONE)


def limits_now() -> Limits:
    """Those of the task that runs."""
    return _NOW.get()


def limit_to(limits: Limits) -> None:
    """From now on, for this task and those it starts."""
    _NOW.set(limits)


@contextmanager
def without_limits() -> Iterator[None]:
    """For what the program itself must know whoever asks, and tells nobody."""
    token = _NOW.set(NONE)
    try:
        yield
    finally:
        _NOW.reset(token)
