# SPDX-License-Identifier: Apache-2.0
"""What every driver takes from its page, whether tables or a hook read its frames."""

from openmains.drivers.model import Driver
from openmains.drivers.page import Page


class PageDriver(Driver):
    """A driver with the identity its page gives it; how frames are read is the subclass's."""

    def __init__(self, page: Page) -> None:
        self.name = page.name
        self.medium = page.medium
        self.title = page.title
        self.grade = page.grade
        self.unit_exponent = page.unit_exponent
        self.vectors = page.vectors
