# SPDX-License-Identifier: Apache-2.0
"""Modules and files that comments and docs name exist; decisions (docs/adr) keep the names of their day."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "openmains"
_LAYERS = "app|bench|domain|drivers|edges|emulator|run|wire"
_DOTTED = re.compile(rf"``(?:openmains\.)?((?:{_LAYERS})(?:\.\w+)+)(?:\(\))?``")
_PATH = re.compile(rf"(?<![\w/`.])((?:{_LAYERS})/[\w/]+(?:\.py)?)(?![\w/*<{{])")
_PATH_IN_DOCS = re.compile(rf"`((?:{_LAYERS})/[\w/]+(?:\.\w+)?)`")


def _is_name(dotted: str) -> bool:
    """Whether it is a package, a module, or a name within one."""
    place, parts = SOURCE, dotted.split(".")
    for index, part in enumerate(parts):
        if (place / part).is_dir():
            place = place / part
            continue
        module = place / f"{part}.py"
        if module.is_file():
            rest = parts[index + 1 :]
            return not rest or re.search(rf"\b{rest[0]}\b", module.read_text("utf-8")) is not None
        return re.search(rf"\b{part}\b", (place / "__init__.py").read_text("utf-8")) is not None
    return True


def _is_path(path: str) -> bool:
    return any((SOURCE / (path.rstrip("/") + suffix)).exists() for suffix in ("", ".py"))


def _stale() -> Iterator[str]:
    for page in sorted(SOURCE.rglob("*.py")):
        text = page.read_text("utf-8")
        unknown = [name for name in _DOTTED.findall(text) if not _is_name(name)]
        unknown += [path for path in _PATH.findall(text) if not _is_path(path)]
        yield from (f"{page.relative_to(ROOT)}: {name}" for name in unknown)
    for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]):
        if page.parent.name != "adr":
            found = _PATH_IN_DOCS.findall(page.read_text("utf-8"))
            yield from (f"{page.relative_to(ROOT)}: {path}" for path in found if not _is_path(path))


def test_what_comments_and_docs_name_exists() -> None:
    assert not _is_name("app.messages") and _is_name("app.problems.Problem")
    assert list(_stale()) == []
