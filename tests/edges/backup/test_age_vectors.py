# SPDX-License-Identifier: Apache-2.0
"""The format's own test vectors (C2SP CCTV), each with what an implementation must do."""

import base64
import hashlib
import io
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from openmains.edges.backup.age import AgeError, Identity, Opener, Passphrase, SecretKey

FILE = Path(__file__).resolve().parents[3] / "vectors" / "age" / "cctv.json"
VECTORS: dict[str, dict[str, Any]] = json.loads(FILE.read_text("utf-8"))["vectors"]


def content(text: str) -> bytes:
    data = base64.b64decode(text.removeprefix("z:"))
    return zlib.decompress(data) if text.startswith("z:") else data


@pytest.mark.parametrize("name", VECTORS)
def test_a_vector_of_the_format(name: str) -> None:
    vector = VECTORS[name]
    identities: list[Identity] = [
        *map(SecretKey.of, vector["identities"]),
        *map(Passphrase, vector["passphrases"]),
    ]
    found = b""
    try:
        opener = Opener(io.BytesIO(content(vector["file"])), identities)
        while part := opener.read(7000):
            found += part
    except AgeError:
        assert vector["expect"] != "success"
    else:
        assert vector["expect"] == "success"
        assert hashlib.sha256(found).hexdigest() == vector["payload"]


def test_there_are_vectors_of_each_outcome() -> None:
    assert len(VECTORS) > 80
    assert {vector["expect"] for vector in VECTORS.values()} >= {
        "success", "no match", "HMAC failure", "header failure", "payload failure",
    }  # fmt: skip
