# SPDX-License-Identifier: Apache-2.0
"""Modules and files that comments and docs name exist; decisions (docs/adr) keep the names of their day."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "openmains"
_LAYERS = "app|bench|domain|drivers|edges|emulator|gateway|run|wire"
_DOTTED = re.compile(rf"``(?:openmains\.)?((?:{_LAYERS})(?:\.\w+)+)(?:\(\))?``")
_PATH = re.compile(rf"(?<![\w/`.])((?:{_LAYERS})/[\w/]+(?:\.py)?)(?![\w/*<{{])")
_PATH_IN_DOCS = re.compile(rf"`((?:{_LAYERS})/[\w/]+(?:\.\w+)?)`")
_FILE = re.compile(r"`((?:[a-z]\w*/)*\w+\.(?:py|sql|ts|vue))`")


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


def _files() -> set[str]:
    """Every source file with the ends of its path: ``app/command/step.py``, ``command/step.py``, ``step.py``."""
    found = set()
    for folder in ("src", "console/src", "console/e2e", "tests", "scripts"):
        for path in (ROOT / folder).rglob("*"):
            parts = path.relative_to(ROOT).parts
            found |= {"/".join(parts[at:]) for at in range(len(parts))} if path.suffix else set()
    return found


def _stale() -> Iterator[str]:
    files = _files()
    for page in sorted(SOURCE.rglob("*.py")):
        text = page.read_text("utf-8")
        unknown = [name for name in _DOTTED.findall(text) if not _is_name(name)]
        unknown += [path for path in _PATH.findall(text) if not _is_path(path)]
        unknown += [name for name in _FILE.findall(text) if name not in files]
        yield from (f"{page.relative_to(ROOT)}: {name}" for name in unknown)
    for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]):
        if page.parent.name != "adr":
            text = page.read_text("utf-8")
            unknown = [path for path in _PATH_IN_DOCS.findall(text) if not _is_path(path)]
            unknown += [name for name in _FILE.findall(text) if name not in files]
            yield from (f"{page.relative_to(ROOT)}: {name}" for name in unknown)


def test_what_comments_and_docs_name_exists() -> None:
    assert {"step.py", "command/step.py"} <= _files() and "access_book.py" not in _files()
    assert not _is_name("app.messages") and _is_name("app.problems.Problem")
    assert list(_stale()) == []
