"""Settings from file, environment and secret files; what is unknown or wrong is named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field
from sealwright_common.runtime.config import Section, ServiceSettings
from sealwright_common.runtime.loading import ConfigError, describe, load


class SourceSettings(Section):
    """Something the operator lists."""

    table: str
    """Table name."""


class DemoSettings(ServiceSettings):
    """Settings of a service with a bit of everything."""

    peers: dict[str, str] = Field(default_factory=dict)
    """Addresses by name."""
    sources: list[SourceSettings] = Field(default_factory=list)
    """Sources, in order."""
    pin: str | None = None
    """A text."""


PREFIX = "SEALWRIGHT_DEMO_"
GOOD = {"SEALWRIGHT_DEMO_DATABASE__DSN": "postgresql://demo", "SEALWRIGHT_DEMO_PLAINTEXT": "true"}


def read(config: Path | None = None, /, **environ: str) -> DemoSettings:
    return load(DemoSettings, "demo", config, {**GOOD, **environ, "HOME": "/", "SEALWRIGHT_OTHER_LISTEN": "x"})


def problems(config: Path | None = None, /, **environ: str) -> str:
    with pytest.raises(ConfigError) as error:
        read(config, **environ)
    return "\n".join(error.value.problems)


def toml(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "demo.toml"
    path.write_text(text)
    return path


def test_the_environment_is_stronger_than_the_file(tmp_path: Path) -> None:
    path = toml(tmp_path, 'listen = "127.0.0.1:1"\n[telemetry]\nlog_level = "DEBUG"\nsample_ratio = 0.5\n')
    settings = read(path, SEALWRIGHT_DEMO_TELEMETRY__LOG_LEVEL="ERROR")
    assert settings.listen == "127.0.0.1:1"
    assert (settings.telemetry.log_level, settings.telemetry.sample_ratio) == ("ERROR", 0.5)


def test_tables_and_lists(tmp_path: Path) -> None:
    path = toml(tmp_path, '[[sources]]\ntable = "a"\n[[sources]]\ntable = "b"\n[peers]\nsigner = "x"\n')
    settings = read(path, SEALWRIGHT_DEMO_PEERS__ROTATOR="y", SEALWRIGHT_DEMO_LIMITS__CONCURRENCY__READ="5")
    assert [source.table for source in settings.sources] == ["a", "b"]
    assert settings.peers == {"signer": "x", "rotator": "y"}
    assert settings.limits.concurrency == {"read": 5}
    assert [s.table for s in read(SEALWRIGHT_DEMO_SOURCES='[{"table": "c"}]').sources] == ["c"]


def test_secrets_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "dsn").write_text("postgresql://from-file\n")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "nats__url").write_text("nats://from-folder")
    (tmp_path / "secrets" / "database__dsn").write_text("postgresql://weaker")
    (tmp_path / "secrets" / "..data").mkdir()
    environ = {
        "SEALWRIGHT_DEMO_PLAINTEXT": "1",
        "SEALWRIGHT_DEMO_DATABASE__DSN_FILE": str(tmp_path / "dsn"),
        "SEALWRIGHT_DEMO_SECRETS_DIR": str(tmp_path / "secrets"),
    }
    settings = load(DemoSettings, "demo", None, environ)
    assert settings.database.dsn.get_secret_value() == "postgresql://from-file"
    assert settings.nats.url.get_secret_value() == "nats://from-folder"
    assert "from-file" not in repr(settings)
    (tmp_path / "secrets" / "nats_url").write_text("x")
    with pytest.raises(ConfigError, match="nats_url: no such setting; did you mean nats__url"):
        load(DemoSettings, "demo", None, environ)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"SEALWRIGHT_DEMO_DATABSE__DSN": "x"}, "did you mean SEALWRIGHT_DEMO_DATABASE__DSN?"),
        ({"SEALWRIGHT_DEMO_LISTN": "x"}, "did you mean SEALWRIGHT_DEMO_LISTEN?"),
        ({"SEALWRIGHT_DEMO_DATABASE__POOL_SIZE": "many"}, "database.pool_size: "),
        ({"SEALWRIGHT_DEMO_DATABASE__POOL_SIZE": "0"}, "database.pool_size: "),
        ({"SEALWRIGHT_DEMO_LISTEN": "7101"}, "listen: '7101' is not host:port"),
        ({"SEALWRIGHT_DEMO_LISTEN": "::1:7101"}, "brackets"),
        ({"SEALWRIGHT_DEMO_LISTEN": "localhost:99999"}, "the port must be"),
        ({"SEALWRIGHT_DEMO_LISTEN": "0.0.0.0:7101"}, "plaintext serves loopback only, and listen is"),
        ({"SEALWRIGHT_DEMO_HTTP_LISTEN": "10.0.0.1:80"}, "plaintext serves loopback only, and http_listen is"),
        ({"SEALWRIGHT_DEMO_ENVIRONMENT": "production"}, "plaintext is refused in production"),
        ({"SEALWRIGHT_DEMO_ENVIRONMENT": "staging"}, "environment: "),
        ({"SEALWRIGHT_DEMO_PLAINTEXT": "0"}, "no certificate: set tls.cert"),
        (
            {"SEALWRIGHT_DEMO_TLS__CERT": "x"},
            "tls.key: required; set it in the file given by --config or as SEALWRIGHT",
        ),
        ({"SEALWRIGHT_DEMO_DATABASE__DSN_FILE": "/nowhere"}, "cannot read /nowhere: No such file"),
        ({"SEALWRIGHT_DEMO_SECRETS_DIR": "/nowhere"}, "No such file"),
        ({"SEALWRIGHT_DEMO_SOURCES": "[not json"}, "write tables and lists as JSON"),
        ({"SEALWRIGHT_DEMO_LIMITS__GRACE": "soon"}, "limits.grace: "),
    ],
)
def test_what_is_wrong_is_named(environ: dict[str, str], expected: str) -> None:
    assert expected in problems(**environ)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("greeting = 1", "greeting: no such setting"),
        ("[limits]\nrecieve_bytes = 1", "limits.recieve_bytes: no such setting; did you mean limits.receive_bytes?"),
        ('[[sources]]\ntable = "a"\ncolumn = "b"', "sources.0.column: no such setting"),
        ("listen = 7101", "listen: "),
        ("listen = ", "not TOML"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path: Path, text: str, expected: str) -> None:
    assert expected in problems(toml(tmp_path, text))


def test_no_message_shows_a_secret() -> None:
    for secret in ('{"pool_size": ["marker"]}', '{"pool_size": "marker"}', "[marker"):
        assert "marker" not in problems(SEALWRIGHT_DEMO_DATABASE=secret)


def test_all_settings_are_described_with_their_docs() -> None:
    described = {setting.key: setting for setting in describe(DemoSettings, "demo")}
    assert all(setting.doc for setting in described.values()), [s.key for s in described.values() if not s.doc]
    dsn = described["database.dsn"]
    assert (dsn.env, dsn.secret, dsn.default, dsn.type) == (f"{PREFIX}DATABASE__DSN", True, None, "secret")
    assert described["nats.url"].default == "(secret)"
    assert described["limits.concurrency"].open
    assert described["limits.grace"].type == "duration"
    assert described["telemetry.log_level"].type == "DEBUG | INFO | WARNING | ERROR"
    assert described["http_listen"].type == "text"


@pytest.mark.parametrize("value", ["1.5", "PT1.5S", "00:00:01.5"])
def test_durations_are_seconds_or_iso_8601(value: str) -> None:
    assert read(SEALWRIGHT_DEMO_LIMITS__DRAIN_DELAY=value).limits.drain_delay == timedelta(seconds=1.5)


def test_settings_built_in_code_do_not_read_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN", "1.2.3.4:5")
    monkeypatch.setenv("PIN", "1234")
    values: dict[str, Any] = {"database": {"dsn": "x"}, "plaintext": True}
    assert DemoSettings(**values).pin is None
    assert DemoSettings(**values).listen == "127.0.0.1:7100"
