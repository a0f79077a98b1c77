# SPDX-License-Identifier: Apache-2.0
"""What every driver takes from its page, whether tables or a hook read its frames."""

from openmains.drivers.model import Driver
from openmains.drivers.page import MOST_DIGITS, Page, raw_range


class PageDriver(Driver):
    """A driver with the identity its page gives it; how frames are read is the subclass's."""

    def __init__(self, page: Page) -> None:
        self.name = page.name
        self.medium = page.medium
        self.kind = page.kind
        self.title = page.title
        self.grade = page.grade
        self.unit_exponent = page.unit_exponent
        self.vectors = page.vectors
        self.fault_codes = page.fault_codes
        self.source = page.source
        self.command_port = page.command_port
        self.spreading, self.deduction = page.spreading, page.deduction
        self.register_ceiling = register_ceiling(page)
        self.number_digits = number_digits(page) if page.number_digits is None else page.number_digits


def register_ceiling(page: Page) -> int:
    """All ones say 'no value' in a field of unsigned binary; a scale of the frame's own (``exponent``) has no such end."""
    fields = [field for message in page.messages for field in message.fields]
    if any(field.exponent for field in fields):
        return 0
    widths = [
        raw_range(field.type)[1] * field.scale
        for field in fields
        if (field.point in ("register", "base") or (field.series == "register_values" and not field.plus))
    ]
    return max(widths, default=0)


def number_digits(page: Page) -> int:
    """Digits that the widest field of the meter's number holds; 0: the page's tables have none."""
    fields = [field for message in page.messages for field in message.fields if field.point == "meter_number"]
    return max((min(len(str(raw_range(field.type)[1])), MOST_DIGITS) for field in fields), default=0)
