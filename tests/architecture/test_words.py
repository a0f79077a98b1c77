# SPDX-License-Identifier: Apache-2.0
"""Public names are made of the field's words: those of ``domain`` and ``app`` are in docs/glossary.md, private ones stay away."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.support.source_tree import parsed

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "openmains"

GENERAL = [
    "accepted", "action", "again", "all", "any", "away", "cancelled", "chain", "change", "check", "choice", "claimed",
    "clock", "column", "conflict", "context", "counters", "counts", "decoded", "down", "entry", "error", "facts",
    "field", "file", "filter", "given", "gone", "header", "held", "hit", "info", "known", "laid",
    "leading", "level", "lookup", "lost", "made", "move", "need", "note", "now", "offered", "open",
    "outcome", "parts", "pending", "person", "processor", "progress", "query", "raised", "refused",
    "repeats", "result", "row", "running", "sample", "search", "sender", "sink", "source", "status",
    "storage", "summary", "system", "table", "to", "unreadable", "value", "wish", "wording",
]  # fmt: skip
"""Words of programming and plain English that say nothing of meters. A word of the field belongs into the glossary instead."""

INSTEAD = {  # of these in any public name
    "careful": "full validation", "carefully": "full validation", "desk": "lookup or loop", "glance": "cached",
    "habit": "average use", "reception": "admission", "said": "response", "shelf": "catalogue", "spoke": "wake-up",
    "stranger": "unknown", "teller": "publisher", "way": "transport",
}  # fmt: skip
INSTEAD_AS_A_THING = {"ask": "request", "book": "cache", "second": "signer login", "sheet": "day grid"}
"""Of these in the name of a class or module; elsewhere they are verbs, a unit of time, a page of a workbook."""


def _words(name: str) -> list[str]:
    """``LwM2MNode_name`` → lower-case words."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def _forms(word: str) -> set[str]:
    """The word without plural and endings of verbs: ``planned`` → planned, planne, plann, plan."""
    forms = {word}
    for ending, instead in (
        ("ies", "y"),
        ("ied", "y"),
        ("er", ""),
        ("s", ""),
        ("es", ""),
        ("d", ""),
        ("ed", ""),
        ("ing", ""),
        ("ing", "e"),
    ):
        if word.endswith(ending) and len(word) - len(ending) > 2:
            stem = word[: -len(ending)] + instead
            forms |= {stem, stem[:-1]} if stem[-2:-1] == stem[-1:] and instead == "" else {stem}
    return forms


def _public_names(body: Iterable[ast.stmt], kinds: tuple[type[ast.stmt], ...]) -> Iterator[tuple[type[ast.stmt], str]]:
    """Classes, functions and variables of a module and of its classes, as far as ``kinds`` says."""
    for node in body:
        names = []
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            names = [node.name]
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
        yield from ((type(node), name) for name in names if isinstance(node, kinds) and not name.startswith("_"))
        if isinstance(node, ast.ClassDef):
            yield from _public_names(node.body, kinds)


def _classes() -> Iterator[str]:
    for layer in ("domain", "app"):
        for path in (SOURCE / layer).rglob("*.py"):
            yield from (name for _, name in _public_names(parsed(path).body, (ast.ClassDef,)))


def _rows() -> Iterator[list[str]]:
    """Rows of the glossary's tables: English, Chinese, meaning."""
    for line in (ROOT / "docs" / "glossary.md").read_text("utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("| English "):
            yield [cell.strip() for cell in line.strip("|").split("|")]


def _in_glossary() -> set[str]:
    """Words of the English column; what stands in brackets only tells two meanings apart."""
    names = [re.sub(r"\(.*?\)", "", row[0]) for row in _rows()]
    return {form for name in names for word in _words(name) for form in _forms(word)}


def test_classes_of_domain_and_app_are_named_in_words_of_the_glossary() -> None:
    known = _in_glossary() | set(GENERAL)
    found = {word: name for name in _classes() for word in _words(name) if not _forms(word) & known}
    assert found == {}, "add a row to docs/glossary.md, or take the field's word"


def test_the_general_words_are_sorted_used_and_not_in_the_glossary() -> None:
    assert sorted(set(GENERAL)) == GENERAL
    used = {form for name in _classes() for word in _words(name) for form in _forms(word)}
    assert [word for word in GENERAL if word not in used] == []
    assert [word for word in GENERAL if word in _in_glossary()] == []


def test_the_glossary_speaks_both_languages() -> None:
    rows = list(_rows())
    assert [row[0] for row in rows if len(row) != 3 or not re.search(r"[A-Za-z]", row[0])] == []
    latin = {"PSM, eDRX"}  # none is needed where the field has no other word
    assert [row[0] for row in rows if row[0] not in latin and not re.search(r"[\u4e00-\u9fff]", row[1])] == []


def test_no_private_word_comes_back() -> None:
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        named = _public_names(parsed(path).body, (ast.stmt,))
        for kind, name in [(ast.Module, path.stem), *named]:
            bad = INSTEAD | INSTEAD_AS_A_THING if kind in (ast.Module, ast.ClassDef) else INSTEAD
            found += [
                f"{path.relative_to(ROOT)}: {name}: say {bad[form]}"
                for word in _words(name)
                for form in {word, word.removesuffix("s")} & set(bad)
            ]
    assert found == []


def test_words_are_split_and_folded() -> None:
    assert _words("RegistryAwayError") == ["registry", "away", "error"] and _words("NOT_STATED") == ["not", "stated"]
    assert _words("ApiToken") == ["api", "token"] and _words("TIMEOUT_S") == ["timeout", "s"]
    assert "plan" in _forms("planned") and "registry" in _forms("registries") and "bootstrap" in _forms("bootstrapping")
