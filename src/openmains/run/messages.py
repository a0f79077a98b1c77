# SPDX-License-Identifier: Apache-2.0
"""Text for people at the terminal, in Chinese or English."""

import os
import sys
from collections.abc import Mapping

_language = "en"


def detect(wanted: str = "", environment: Mapping[str, str] | None = None) -> str:
    """``zh`` or ``en``: the wanted one, else by LC_ALL, LC_MESSAGES, LANG."""
    if wanted in ("zh", "en"):
        return wanted
    env = os.environ if environment is None else environment
    locale = env.get("LC_ALL") or env.get("LC_MESSAGES") or env.get("LANG") or ""
    return "zh" if locale.lower().startswith("zh") else "en"


def use(language: str) -> None:
    """Language of ``text`` from now on."""
    global _language
    _language = language


def text(zh: str, en: str) -> str:
    """The one in use."""
    return zh if _language == "zh" else en


def show(zh: str, en: str) -> None:
    """One line for the person who started us."""
    print(text(zh, en), flush=True)


def fail(zh: str, en: str) -> None:
    """One line on why it does not go on, in both languages: whoever reads it in a log may know only one."""
    first, second = (zh, en) if _language == "zh" else (en, zh)
    print(f"openmains: {first} / {second}", file=sys.stderr, flush=True)
