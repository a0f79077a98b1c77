# SPDX-License-Identifier: Apache-2.0
"""The command line: every command is there, helps in both languages, and doctor sees what is wrong."""

import socket
from pathlib import Path

import pytest

from openmains.run import cli, doctor, messages
from openmains.run.doctor import Row


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.name)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_command_resolves_and_helps(
    command: cli.Command, language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(cli._resolve(command.run))
    with pytest.raises(SystemExit) as ended:
        cli.main(["--lang", language, *command.name.split(), "--help"])
    assert ended.value.code == 0
    assert (command.zh if language == "zh" else command.en) in capsys.readouterr().out.replace("\n", " ").replace(
        "  ", " "
    )


def test_unknown_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["bogus"])
    assert ended.value.code == 2
    assert "bogus" in capsys.readouterr().err


def test_options_may_stand_before_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--var", "serve", "settings"]) == 0  # a directory named like a command
    assert 'var = "serve"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LC_ALL": "en_GB.UTF-8", "LANG": "zh_CN"}, "en"),
        ({}, "en"),
    ],
)
def test_language_of_the_environment(environment: dict[str, str], language: str) -> None:
    assert messages.detect("", environment) == language


def test_doctor_names_a_taken_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        monkeypatch.setenv("OPENMAINS_HTTP_PORT", str(port))
        assert cli.main(["--lang", "en", "doctor", "--var", str(tmp_path)]) == 1
    rows = capsys.readouterr().out.splitlines()
    assert any(row.startswith("FAIL") and f"TCP port {port}" in row and "change http_port" in row for row in rows)


def test_table_aligns_wide_letters() -> None:
    messages.use("zh")
    first, second = doctor.table([Row("ok", "内存", "x"), Row("warn", "cores", "y", "step")]).splitlines()
    assert doctor._width(first[: first.index("x")]) == doctor._width(second[: second.index("y")])
    messages.use("en")
