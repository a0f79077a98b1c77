# SPDX-License-Identifier: Apache-2.0
"""What people read is said in the words of docs/words.md, in the console, in files, in the API's texts and in the docs."""

import ast
import re
from pathlib import Path

import pytest

from openmains.app.command.state_words import REASONS, STATES
from tests.support.source_tree import parsed

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "words.md"
ALLOWED = {  # word: what may stand around it
    "应收": ("应收账款", "借应收"),
    "实收": ("实收(元)",),  # on a receipt
    "按时": ("按时长", "按时刻", "按时间", "按时段"),
    "在听": ("现在听不到",),
}
ALIASES = {"应收起始日期"}  # headings of files that were written before; they are read, and never written
ENGINEERS = (
    "docs/adr",
    "docs/protocols",
    "docs/faults.md",
    "docs/words.md",
    "docs/issues",
)  # who reads there works on the code


def forbidden() -> dict[str, str]:
    """What is not said, and what is said instead."""
    page = PAGE.read_text("utf-8").split("\n## ", 1)[0]
    rows = [line.split("|")[1:-1] for line in page.splitlines() if line.startswith("| ")]
    found = {}
    for zh, en, instead, _ in rows[1:]:
        for word in filter(None, (part.strip() for part in instead.split(","))):
            found[word] = zh.strip() if re.search("[\u4e00-\u9fff]", word) else en.strip()
    return found


def console_texts() -> list[tuple[str, str]]:
    """Every text in quotation marks of the console's files of words."""
    files = [
        path
        for path in (ROOT / "console" / "src").rglob("*.ts")
        if path.name
        in (
            "words.ts",
            "names.ts",
            "auditWords.ts",
            "auditFields.ts",
            "kinds.ts",
            "events.ts",
            "rules.ts",
            "measures.ts",
        )
    ]
    assert len(files) > 10
    return [
        (str(path.relative_to(ROOT)), text)
        for path in files
        for text in re.findall(r'"((?:[^"\\]|\\.)*)"', path.read_text("utf-8"))
    ]


def server_texts() -> list[tuple[str, str]]:
    """Strings of the server with Chinese in them, and the texts of problems in both languages; no docstrings."""
    found = []
    for path in (ROOT / "src" / "openmains").rglob("*.py"):
        texts = "problem_texts" in str(path)
        source = path.read_text("utf-8")
        if not texts and not re.search("[\u4e00-\u9fff]", source):
            continue
        for node in ast.walk(parsed(path)):
            said = node.value if isinstance(node, ast.Constant) else None
            if isinstance(said, str) and (texts or re.search("[\u4e00-\u9fff]", said)):
                found.append((str(path.relative_to(ROOT)), said))
    return found


def page_texts() -> list[tuple[str, str]]:
    """Lines of the docs that utilities read."""
    files = [*(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "README.zh.md"]
    return [
        (str(path.relative_to(ROOT)), line)
        for path in files
        if not str(path.relative_to(ROOT)).startswith(ENGINEERS)
        for line in path.read_text("utf-8").splitlines()
    ]


def wrong(text: str, word: str) -> bool:
    for allowed in ALLOWED.get(word, ()):
        text = text.replace(allowed, "")
    return word in text and text not in ALIASES


@pytest.mark.parametrize("texts", [console_texts, server_texts, page_texts], ids=["console", "server", "docs"])
def test_people_read_the_words_of_the_page(texts: object) -> None:
    assert callable(texts)
    # What is no Chinese is compared in the console and the problems only: the docs are for engineers in English too.
    words = {
        word: to for word, to in forbidden().items() if texts is not page_texts or re.search("[\u4e00-\u9fff]", word)
    }
    assert len(words) > 15
    found = [
        f"{where}: {text[:80]!r} says {word}, not {to}"
        for where, text in texts()
        for word, to in words.items()
        if wrong(text, word)
    ]
    assert not found, "\n".join(found)


def test_a_wrong_word_is_found() -> None:
    assert wrong("当日应收 12", "应收") and not wrong("应收账款", "应收") and not wrong("应收起始日期", "应收")
    assert forbidden()["死信"] == "无法解析报文" and forbidden()["To judge"] == "Review readings"


def test_states_and_reasons_of_commands_are_the_consoles() -> None:
    names = (ROOT / "console/src/features/command/names.ts").read_text("utf-8")
    for group, words in (("states", STATES), ("why", REASONS)):
        block = names.split(f"  {group}: {{\n", 1)[1].split("\n  },", 1)[0]
        assert {
            key: (zh, en) for key, zh, en in re.findall(r'^    (\w+): \["([^"]+)", "([^"]+)"\],', block, re.MULTILINE)
        } == words
