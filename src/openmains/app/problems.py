# SPDX-License-Identifier: Apache-2.0
"""What a use case says when it cannot do what was asked; how a caller is told is the business of each edge."""


class Problem(Exception):
    """``code`` names the problem for good; ``fields`` are (JSON pointer, code) pairs of what is wrong with the input.

    ``values`` fill the text for people; one that is words is a pair, Chinese and English.
    ``retry_after_s`` among them: whole seconds after which trying again makes sense.
    """

    def __init__(self, code: str, *, fields: tuple[tuple[str, str], ...] = (), **values: object) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields
        self.values = values
