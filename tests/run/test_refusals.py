# SPDX-License-Identifier: Apache-2.0
"""A start that cannot work says why in one line, in both languages, and leaves nothing behind."""

import fcntl
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engines import new_var, remove_var
from tests.support.patience import PATIENCE_S
from tests.support.ports import free_port

pytestmark = pytest.mark.usefixtures("starts_engines")  # it must not come to that, which is what is tested


@pytest.fixture
def var() -> Iterator[Path]:
    path = new_var()
    yield path
    remove_var(path)


def _serve(var: Path, *words: str, **settings: str) -> tuple[int, str]:
    env = {**os.environ, "LANG": "C.UTF-8", "OPENMAINS_HTTP_PORT": str(free_port(socket.SOCK_STREAM))}
    env["OPENMAINS_DTLS_PORT"] = str(free_port(socket.SOCK_DGRAM))
    env |= {f"OPENMAINS_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "openmains.run.cli", "serve", "--var", str(var), *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def _one_line(text: str) -> str:
    assert text.count("\n") == 1, text
    assert re.search(r"[\u4e00-\u9fff]", text), text
    return text


@pytest.mark.parametrize(("name", "host"), [("http_port", "127.0.0.1"), ("tcp_port", "0.0.0.0")])  # noqa: S104 - the edge binds the same
def test_taken_tcp_port(var: Path, name: str, host: str) -> None:
    with socket.socket() as holder:
        holder.bind((host, 0))
        holder.listen()
        port = holder.getsockname()[1]
        code, text = _serve(var, **{name: str(port)})
    assert code == 1
    assert f"TCP port {host}:{port} ({name}) cannot be used" in _one_line(text)
    assert f"OPENMAINS_{name.upper()}=" in text, "what to do next"


@pytest.mark.parametrize("name", ["dtls_port", "coap_port"])
def test_taken_udp_port(var: Path, name: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind(("0.0.0.0", 0))  # noqa: S104 - the edge binds the same
        port = holder.getsockname()[1]
        code, text = _serve(var, **{name: str(port)})
    assert code == 1
    assert f":{port} ({name}) cannot be used" in _one_line(text)


def test_second_instance(var: Path) -> None:
    with (var / "lock").open("w") as holder:
        holder.write("4711\n")
        holder.flush()
        fcntl.flock(holder, fcntl.LOCK_EX)
        code, text = _serve(var)
    assert code == 1
    assert "an instance already runs" in _one_line(text)
    assert "4711" in text


def test_too_little_disk(var: Path) -> None:
    code, text = _serve(var, min_free_mb="999999999")
    assert code == 1
    assert "disk full" in _one_line(text)


def test_var_that_is_no_directory(var: Path) -> None:
    (var / "file").write_text("")
    code, text = _serve(var / "file")
    assert code == 1
    assert "is not writable" in _one_line(text)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("http_port", "70000", "should be within 1…65535"),
        ("http_port", "x", "should be an integer"),
        ("log_level", "loud", "should be one of"),
        ("cookie_secure", "perhaps", "should be true or false"),
    ],
)
def test_bad_setting(var: Path, name: str, value: str, words: str) -> None:
    code, text = _serve(var, **{name: value})
    assert code == 1
    assert words in _one_line(text)
    assert f"OPENMAINS_{name.upper()}" in text


def test_bad_settings_file(var: Path) -> None:
    file = var / "x.toml"
    file.write_text("colour = 'red'\n")
    code, text = _serve(var, "--config", str(file))
    assert code == 1
    assert "colour: there is no such setting" in _one_line(text)
    file.write_text("colour = \n")
    code, text = _serve(var, "--config", str(file))
    assert code == 1
    assert "is not valid TOML" in _one_line(text)


def test_chinese_comes_first_where_chinese_is_read(var: Path) -> None:
    code, text = _serve(var, "--lang", "zh", min_free_mb="999999999")
    assert code == 1
    assert text.startswith("openmains: 磁盘空间不足")
