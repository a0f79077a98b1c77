# SPDX-License-Identifier: Apache-2.0
"""Settings: the later wins, each has words in both languages, passwords stay hidden."""

import ast
import dataclasses
import re
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from openmains.run.engines.child import StartError
from openmains.run.settings import Settings, as_toml, load, masked

SOURCE = Path(__file__).resolve().parents[2] / "src" / "openmains"


def test_later_wins(tmp_path: Path) -> None:
    file = tmp_path / "x.toml"
    file.write_text("http_port = 1111\ncoap_port = 2222\nshards = 3\n")
    loaded = load({"OPENMAINS_COAP_PORT": "3333", "OPENMAINS_SHARDS": "5", "HOME": "/x"}, file, shards=7)
    assert (loaded.settings.http_port, loaded.settings.coap_port, loaded.settings.shards) == (1111, 3333, 7)
    assert loaded.origin["http_port"] == "file"
    assert loaded.origin["coap_port"] == "environment"
    assert loaded.origin["shards"] == "command line"
    assert loaded.origin["log_level"] == "default"


def test_printed_settings_read_back_the_same(tmp_path: Path) -> None:
    given = {"OPENMAINS_HTTP_PORT": "9090", "OPENMAINS_VAR": 'a "b" \\c', "OPENMAINS_COOKIE_SECURE": "true"}
    loaded = load(given)
    file = tmp_path / "x.toml"
    file.write_text(as_toml(loaded), "utf-8")
    assert load({}, file).settings == loaded.settings


def test_passwords_are_masked() -> None:
    text = as_toml(
        load({"OPENMAINS_NATS_URL": "nats://u:s3cret@h:4222", "OPENMAINS_CLICKHOUSE_URL": "clickhouse://u:p%40q@h"})
    )
    assert "s3cret" not in text
    assert "p%40q" not in text
    assert tomllib.loads(text)["nats_url"] == "nats://u:***@h:4222"
    assert masked("postgresql://a:b@/openmains?host=%2Frun") == "postgresql://a:***@/openmains?host=%2Frun"


def _read_settings() -> Iterator[str]:
    """Names read from an object that is called settings, anywhere in run; in settings.py from ``self``."""
    for path in sorted((SOURCE / "run").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not (isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)):
                continue
            owner = node.value
            name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
            if name == "settings" or (name == "self" and path.name == "settings.py"):
                yield node.attr


def test_every_setting_is_read_by_some_code() -> None:
    names = {item.name for item in dataclasses.fields(Settings)}
    assert names - set(_read_settings()) == set()


@pytest.mark.parametrize("item", dataclasses.fields(Settings), ids=lambda item: item.name)
def test_every_setting_is_described_and_typed(item: "dataclasses.Field[object]") -> None:
    assert re.search(r"[\u4e00-\u9fff]", item.metadata["zh"])
    assert re.search(r"[A-Za-z]{3}", item.metadata["en"])
    assert item.type in (str, int, bool, "str", "int", "bool")
    assert item.name.endswith(("_url", "_password")) == item.metadata["secret"]


def test_half_an_outside_postgres_is_refused(tmp_path: Path) -> None:
    from openmains.run.engines.engines import Engines

    settings = load({"OPENMAINS_POSTGRES_API_URL": "postgresql://x@y/z"}).settings
    with pytest.raises(StartError, match="all three"):
        Engines(tmp_path, settings.engine_options)


def test_the_api_gets_its_settings(tmp_path: Path) -> None:
    from openmains.edges.http.proxies import Proxies, networks_of
    from openmains.run.roles.api import api_settings

    origins = "https://om.example.com/, https://b.example.com,"
    given = {"OPENMAINS_TRUST_FORWARDED": "true", "OPENMAINS_ALLOWED_ORIGINS": origins}
    api = api_settings(load(given).settings, tmp_path)
    assert (api.proxies, api.secure_cookies) == (Proxies(networks_of("127.0.0.0/8, ::1/128")), False)
    assert api.allowed_origins == ("https://om.example.com", "https://b.example.com")
    assert api_settings(load({"OPENMAINS_SESSION_HOURS": "3"}).settings, tmp_path).session == timedelta(hours=3)
    plain = api_settings(load({}).settings, tmp_path)
    assert (plain.proxies, plain.allowed_origins, plain.open_metrics) == (Proxies(), (), False)
    own = {"OPENMAINS_TRUSTED_PROXIES": "10.0.0.0/8", "OPENMAINS_FORWARDED_HEADER": "forwarded"}
    assert api_settings(load(given | own).settings, tmp_path).proxies == Proxies(networks_of("10.0.0.0/8"), "forwarded")
    with pytest.raises(StartError, match="trusted_proxies: no network: 'nonsense'"):
        api_settings(load(given | {"OPENMAINS_TRUSTED_PROXIES": "10.0.0.0/8, nonsense"}).settings, tmp_path)


@pytest.mark.parametrize("role", ["pipeline", "api", "worker"])
def test_a_part_of_the_core_is_refused_with_embedded_clickhouse(
    tmp_path: Path, role: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from openmains.run import cli

    for name in ("POSTGRES_OWNER_URL", "POSTGRES_API_URL", "POSTGRES_PIPELINE_URL", "NATS_URL"):
        monkeypatch.setenv(f"OPENMAINS_{name}", "x://y")
    assert cli.main(["serve", "--role", role, "--var", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "--role core" in said.err
    assert len((said.out + said.err).splitlines()) == 1
