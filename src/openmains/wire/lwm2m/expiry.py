# SPDX-License-Identifier: Apache-2.0
"""When to look whether a registration has ended (LwM2M core 1.1.1 section 6.2.2): appointments in a heap.

Theory: a registration that is renewed keeps its earlier appointment, which finds out then that there is time left: so
renewals cost no memory, however often they come. An appointment that was called off stays in the heap until its time.
"""

from heapq import heappop, heappush

from openmains.wire.lwm2m.asking import DeviceLink


class Expiries:
    """The appointments of one server, at most one a link. Instants in seconds."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int]] = []
        self._by_serial: dict[int, DeviceLink] = {}
        self._serial = 0

    def __len__(self) -> int:
        """Entries of the heap, those called off with them."""
        return len(self._heap)

    def schedule(self, device: DeviceLink, due: float) -> None:
        """Look at ``device`` at ``due`` at the latest."""
        if device.serial in self._by_serial and device.due <= due:
            return
        self._by_serial.pop(device.serial, None)
        self._serial += 1
        device.serial, device.due = self._serial, due
        self._by_serial[self._serial] = device
        heappush(self._heap, (due, self._serial))

    def cancel(self, device: DeviceLink) -> None:
        """Nothing of it will end any more."""
        self._by_serial.pop(device.serial, None)

    def next(self) -> float | None:
        """When the first appointment is."""
        heap = self._heap
        while heap and heap[0][1] not in self._by_serial:
            heappop(heap)
        return heap[0][0] if heap else None

    def pop_due(self, now: float) -> DeviceLink | None:
        """A link whose appointment has come; None: no more."""
        while self._heap and self._heap[0][0] <= now:
            _, serial = heappop(self._heap)
            device = self._by_serial.pop(serial, None)
            if device is not None:
                return device
        return None
