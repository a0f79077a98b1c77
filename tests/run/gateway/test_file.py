# SPDX-License-Identifier: Apache-2.0
"""The gateway's configuration: what is right is taken, anything else is refused with its name and what it should be."""

from pathlib import Path

import pytest

from openmains.run.cli import main
from openmains.run.engines.child import StartError
from openmains.run.gateway.file import South, read

GOOD = """
number = "9000000000000001"
network = 7
key = "000102030405060708090a0b0c0d0e0f"
folder = "store"
south = "tcp://127.0.0.1:7000"
north = "mqtt://broker.example"
channels = [3, 4]
relays = [1]
trusts_box = true
"""


def written(folder: Path, text: str = GOOD) -> Path:
    (folder / "gateway.toml").write_text(text)
    return folder / "gateway.toml"


def test_what_is_right_is_taken(tmp_path: Path) -> None:
    found = read(written(tmp_path))
    assert (found.config.number, found.config.channels, found.config.relays) == ("9000000000000001", (3, 4), (1,))
    assert (found.config.key, found.config.trusts_box) == (bytes(range(16)), True)
    assert found.south == South("tcp", host="127.0.0.1", port=7000)
    assert (found.broker.host, found.broker.port, found.broker.tls) == ("broker.example", 1883, None)
    assert found.broker.filters == ["openmains/gateway/9000000000000001/down"]
    assert bytes(range(16)).hex() not in repr(found)


@pytest.mark.parametrize(
    ("text", "south"),
    [
        ("serial:///dev/ttyUSB0", South("serial", path="/dev/ttyUSB0", speed=115_200)),
        ("serial:///dev/ttyS1?speed=9600", South("serial", path="/dev/ttyS1", speed=9_600)),
        ("emulated", South("emulated", meters=20)),
        ("emulated:7", South("emulated", meters=7)),
    ],
)
def test_the_command_line_wins(tmp_path: Path, text: str, south: South) -> None:
    found = read(written(tmp_path), text, "mqtts://other.example:9000")
    assert found.south == south
    assert (found.broker.host, found.broker.port) == ("other.example", 9000) and found.broker.tls is not None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('number = "9000000000000001"', ""), "number is missing"),
        (('"9000000000000001"', '"12"'), "number has 16 digits"),
        (("network = 7", "network = 0"), "network is 1 to 65535"),
        (("network = 7", 'network = "7"'), "of type int"),
        (("network = 7", "network = true"), "of type int"),
        (("key = ", "keys = "), "keys: there is no such entry"),
        (("000102", "xyz102"), "hexadecimal"),
        (("000102030405060708090a0b0c0d0e0f", "0001"), "key has 16 to 64 bytes"),
        (("[3, 4]", "[3, 3]"), "channels are different ones"),
        (("[3, 4]", "[0, 3]"), "channels are different ones"),
        (("[3, 4]", '["3"]'), "list of integers"),
        (("relays = [1]", "cycle_s = 7000"), "86400 is a multiple of it"),
        (("tcp://127.0.0.1:7000", "tcp://127.0.0.1"), "south is tcp"),
        (("tcp://127.0.0.1:7000", "serial:///dev/ttyS0?speed=12345"), "south is tcp"),
        (("tcp://127.0.0.1:7000", "emulated:0"), "south is tcp"),
        (("mqtt://broker.example", "mqtt://user@broker.example"), "north is mqtts"),
        (("mqtt://broker.example", "http://broker.example"), "north is mqtts"),
        (("mqtt://broker.example", "mqtt://broker.example:99999"), "north is mqtts"),
        (("folder", "= folder"), "not valid TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    text = GOOD.replace(*change)
    assert text != GOOD
    with pytest.raises(StartError) as refused:
        read(written(tmp_path, text))
    assert told in refused.value.en and refused.value.zh


def test_a_secret_of_its_own_file_is_nobody_elses(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(bytes(range(32)).hex() + "\n")
    text = GOOD.replace('key = "000102030405060708090a0b0c0d0e0f"', f'key_file = "{key}"')
    key.chmod(0o644)
    with pytest.raises(StartError, match="chmod 600"):
        read(written(tmp_path, text))
    key.chmod(0o600)
    assert read(written(tmp_path, text)).config.key == bytes(range(32))
    key.unlink()
    with pytest.raises(StartError, match="key_file cannot be read"):
        read(written(tmp_path, text))


def test_the_command_looks_at_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--lang=en", "gateway", str(written(tmp_path)), "--check"]) == 0
    assert "will do" in capsys.readouterr().out
    assert main(["--lang=en", "gateway", str(tmp_path / "none.toml")]) == 1
    assert "cannot read" in capsys.readouterr().err
