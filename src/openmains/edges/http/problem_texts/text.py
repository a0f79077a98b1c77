# SPDX-License-Identifier: Apache-2.0
"""One problem as people read it, and the status it is answered with."""

from dataclasses import dataclass

from openmains.edges.http.language import Language


@dataclass(frozen=True, slots=True)
class Text:
    """Status (RFC 9110 15), title and detail in both languages; details may hold ``{values}`` of the problem."""

    status: int
    zh_title: str
    zh: str
    en_title: str
    en: str

    def title(self, language: Language) -> str:
        return self.zh_title if language == "zh" else self.en_title

    def detail(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en
