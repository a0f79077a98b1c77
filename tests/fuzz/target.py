# SPDX-License-Identifier: Apache-2.0
"""How a fuzz target runs: its seeds and its small corpus are read; what is found goes to the first folder that is given,
else to a scratch folder that is removed at the end. Extra arguments are libFuzzer's."""

import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

import atheris

HERE = Path(__file__).parent


def fuzz(check: Callable[[bytes], None], corpus: str, *, longest: int = 1024, seeds: Iterable[bytes] = ()) -> None:
    """Does not return. ``corpus``: folder below ``corpus/``; ``longest``: bytes of an input."""
    given = [word for word in sys.argv[1:] if not word.startswith("-")]
    options = [word for word in sys.argv[1:] if word.startswith("-")]
    with tempfile.TemporaryDirectory() as scratch:
        for number, seed in enumerate(seeds):
            Path(scratch, str(number)).write_bytes(seed)
        folders = [*given, scratch, str(HERE / "corpus" / corpus)]
        prefix = f"-artifact_prefix={HERE}/"
        atheris.Setup([sys.argv[0], f"-max_len={longest}", prefix, *options, *folders], check)
        atheris.Fuzz()
