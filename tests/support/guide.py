# SPDX-License-Identifier: Apache-2.0
"""``docs/connect-a-meter.md`` followed to the letter: its page saved as it says, its commands run as they stand, by a shell."""

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

from tests.support.brokers import foreign
from tests.support.patience import PATIENCE_S

GUIDE = Path(__file__).parents[2] / "docs" / "connect-a-meter.md"


def blocks(language: str) -> list[str]:
    """The guide's code of this language, in its order."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)


def frame() -> bytes:
    """The maker's, of section 1."""
    (text,) = blocks("text")
    return bytes.fromhex(text)


async def follow(folder: Path, api: str, token: str) -> list[Any]:
    """What the commands of sections 3 to 5 answered. ``api``, ``token``: what the guide calls $API and $TOKEN."""
    foreign("curl")
    (page,) = blocks("toml")
    (folder / "hx-20.toml").write_text(page, "utf-8")
    answers: list[Any] = []
    for commands in blocks("sh"):
        process = await asyncio.create_subprocess_exec(
            "bash", "-euc", commands, cwd=folder, env=os.environ | {"API": api, "TOKEN": token},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, wrong = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        assert process.returncode == 0, wrong.decode()
        answers.append(json.loads(said))
    return answers
