# SPDX-License-Identifier: Apache-2.0
"""What a use case says when it cannot do what was asked. The texts for people are in ``messages``."""

from collections.abc import Mapping


class Problem(Exception):
    """``code`` is a key of the catalogue; ``fields`` are (JSON pointer, code) pairs; ``values`` fill the text."""

    def __init__(
        self,
        code: str,
        *,
        fields: tuple[tuple[str, str], ...] = (),
        headers: Mapping[str, str] | None = None,
        **values: object,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.fields = fields
        self.headers = dict(headers or {})
        self.values = values
