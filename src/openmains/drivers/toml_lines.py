# SPDX-License-Identifier: Apache-2.0
"""Which line of a TOML text holds what: the parser of the standard library gives a line only where it fails.

The text is known to be TOML, so a rough reading will do: headers, keys at the beginning of a line, and tables of an
array that begin a line. What stands deeper has the line of what it stands in.
"""

import re
import tomllib
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
_HEADER = re.compile(r"(\[\[?)\s*([\w.\s\"'-]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"([\w-]+|\"[^\"]*\"|'[^']*')\s*=")


def index_lines(text: str) -> dict[Path, int]:
    """Path → line from 1, for sections, keys and tables in arrays: ``("message", 0, "fields", 3)``."""
    found: dict[Path, int] = {}
    arrays: dict[Path, int] = {}  # [[name]] → how many so far
    section: Path = ()
    key, item = "", 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        header = _HEADER.fullmatch(line)
        named = _KEY.match(line)
        if header:
            section = _section(header[2], header[1] == "[[", arrays)
            key, item = "", 0
            found[section] = number
        elif line.startswith("{"):
            found[(*section, key, item)] = number
            item += 1
        elif named:
            key, item = named[1].strip("\"'"), 0
            found[(*section, key)] = number
    return found


def _section(name: str, is_item: bool, arrays: dict[Path, int]) -> Path:
    """Path of a header; ``[a.b]`` below ``[[a]]`` belongs to the last ``a``."""
    path: Path = ()
    parts = [part.strip(" \t\"'") for part in name.split(".")]
    for depth, part in enumerate(parts, 1):
        path = (*path, part)
        if is_item and depth == len(parts):
            arrays[path] = arrays.get(path, 0) + 1
        if path in arrays:
            path = (*path, arrays[path] - 1)
    return path


def line_of_error(bad: tomllib.TOMLDecodeError) -> int:
    """Line number out of the parser's message '(at line N, column M)'; 0 when it names none."""
    _, found, rest = str(bad).rpartition("at line ")
    return int(rest.split(",")[0]) if found else 0
