# SPDX-License-Identifier: Apache-2.0
"""``Typesetter`` by Typst, which is in this process and reads nothing but the template and the font that came with the packages: neither files
of the machine nor the network (ADR 0047).

Typst sets a text without any sign where its font is not found, and says no word. So the font is asked for by name at the first document, and a
warning of the compiler is an error here.
"""

import asyncio
import io
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path

import noto_cjk_sans_otc
import segno
import typst

TEMPLATES = ("bill", "receipt", "job_card")
FONT = "Noto Sans CJK SC"


class TypesetError(Exception):
    """A document that cannot be set as it should be: our own mistake, or a package that is not whole."""


class TypstBills:
    """Documents one beside the other, ``threads`` at a time; the compiler works without the interpreter's lock."""

    def __init__(self, threads: int = 1) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="typeset")
        self._own = threading.local()
        folder = resources.files(__package__)
        self._templates = {name: folder.joinpath(f"{name}.typ").read_bytes() for name in TEMPLATES}

    async def __call__(self, document: str, made_s: int, /) -> bytes:
        return await asyncio.get_running_loop().run_in_executor(self._pool, self.set, document, made_s)

    def set(self, document: str, made_s: int) -> bytes:
        """The PDF. Raises ``TypesetError``."""
        given = json.loads(document)
        if "pay" in given:
            given["pay"]["qr"] = picture_code(given["pay"]["scan"])
        if "scan" in given:
            given["qr"] = picture_code(given["scan"])
        made, warnings = self._compiler().compile_with_warnings(
            self._templates[given["template"]],
            format="pdf",
            sys_inputs={"given": json.dumps(given, ensure_ascii=False)},
            timestamp=made_s,
        )
        if warnings or not isinstance(made, bytes):
            raise TypesetError("; ".join(warning.message for warning in warnings) or "no file came out")
        return made

    def _compiler(self) -> typst.Compiler:
        compiler: typst.Compiler | None = getattr(self._own, "compiler", None)
        if compiler is None:
            folder = Path(noto_cjk_sans_otc.__file__).parent
            fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[folder])
            if FONT not in fonts.families():
                raise TypesetError(
                    f"字体 {FONT} 不在 {folder} 中,请重新安装 / the font {FONT} is not in {folder}: install again"
                )
            compiler = self._own.compiler = typst.Compiler(font_paths=fonts, ignore_system_fonts=True)
        return compiler

    def close(self) -> None:
        """What is at work ends; nothing new begins."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def picture_code(text: str) -> str:
    """A QR code as SVG."""
    out = io.BytesIO()
    segno.make_qr(text, error="m").save(out, kind="svg", border=1, xmldecl=False)
    return out.getvalue().decode()
