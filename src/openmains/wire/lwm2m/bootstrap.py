# SPDX-License-Identifier: Apache-2.0
"""One bootstrap: steps in their order, then Finish (LwM2M core 1.1 section 6.1.7).

Theory: the server deletes, writes objects 0 (security) and 1 (server), and says Finish; the device then checks what it
has got and answers Finish with success or 4.06. A step that fails ends the run: half an account is worse than the old
one, which the device still has until Finish. Deleting what is not there (4.04) is no failure.
"""

from collections.abc import Iterable

from openmains.wire.coap.message import Code
from openmains.wire.lwm2m.events import Done, Failed
from openmains.wire.lwm2m.operation import Kind, Operation, bootstrap_finish


class Run:
    """A bootstrap on its way over one link."""

    __slots__ = ("_steps", "current", "endpoint")

    def __init__(self, endpoint: str, steps: Iterable[Operation]) -> None:
        self.endpoint = endpoint
        self._steps = [bootstrap_finish(), *reversed(list(steps))]
        self.current: Operation | None = None

    def next(self) -> Operation:
        """The next step; Finish is the last."""
        self.current = self._steps.pop()
        return self.current

    def judge(self, event: Done | Failed) -> str | None:
        """After the answer to the current step: None go on, "" all is done, else why the run ends."""
        if isinstance(event, Failed):
            return event.reason
        absent = event.operation.kind is Kind.DELETE and event.code == Code.NOT_FOUND
        if event.code >> 5 != 2 and not absent:
            return "refused"
        return None if self._steps else ""
