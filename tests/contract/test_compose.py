"""compose.yaml says what the services understand, and nothing else; what it is made of exists."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from sealwright_common.runtime.loading import describe, env_prefix, load
from sealwright_sandbox.embedded.softhsm import SoftHsm
from sealwright_sandbox.mesh import SERVICES, Service
from sealwright_sandbox.provision import make_secrets

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
DUMMIES = {
    "DATABASE__DSN": "postgresql://u:p@postgres/d",
    "NATS__URL": "nats://nats:4222",
    "HTTP_CALLERS": '{"spiffe://sealwright/client/http": "a secret of some length"}',
}
"""Stand-ins for what is in files that exist only inside the containers."""


def settings_class(service: Service) -> Any:
    module = importlib.import_module(f"sealwright_{service}.config")
    return getattr(module, f"{service.capitalize()}Settings")


def variables(service: Service) -> dict[str, str]:
    """The service's settings in compose.yaml, with what is read from files replaced by stand-ins."""
    prefix = env_prefix(service)
    known = {setting.env for setting in describe(settings_class(service), service)}
    found: dict[str, str] = {}
    for name, value in COMPOSE["services"][service]["environment"].items():
        if name.endswith("_FILE") and name.removesuffix("_FILE") in known:
            key = name.removesuffix("_FILE")
            found[key] = DUMMIES.get(key.removeprefix(prefix), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
        else:
            found[name] = value
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_is_known_and_none_that_is_required_is_missing(service: Service) -> None:
    settings = load(settings_class(service), service, environ=variables(service))
    assert settings.tls is not None
    assert not settings.plaintext


@pytest.mark.parametrize("service", SERVICES)
def test_a_setting_nobody_knows_would_be_noticed(service: Service) -> None:
    with pytest.raises(Exception, match="no such setting"):
        load(
            settings_class(service),
            service,
            environ={**variables(service), f"{env_prefix(service)}LISTENN": "0.0.0.0:1"},
        )


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_nobody_is_root_and_everything_long_lived_has_a_health_check(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["user"] in {"10001:10001", "postgres"}
    if service.get("restart") is None:  # a task that ends
        assert service["healthcheck"] == {"disable": True}
    elif name not in SERVICES and name != "postgres":
        assert service["environment"]["HEALTH_URL"].startswith("http://127.0.0.1:")


def test_published_ports_are_on_loopback_and_listened_to() -> None:
    for name, service in COMPOSE["services"].items():
        for port in service.get("ports", ()):
            published, inside = re.fullmatch(r"127\.0\.0\.1:(\d+):(\d+)", port).groups()  # pyright: ignore
            assert published == inside
            told = [*service.get("environment", {}).values(), *service.get("command", ())]
            assert any(str(value).endswith(f"0.0.0.0:{inside}") for value in told), (
                f"{name} does not listen on {inside}"
            )


def test_volumes_are_declared_and_used() -> None:
    used = {volume.partition(":")[0] for one in COMPOSE["services"].values() for volume in one.get("volumes", ())}
    assert used == set(COMPOSE["volumes"])


def test_a_service_sees_no_other_s_secrets() -> None:
    for service in SERVICES:
        assert [volume.partition(":")[0] for volume in COMPOSE["services"][service]["volumes"]] == [
            f"{service}-secrets"
        ]


def test_the_image_knows_the_launcher_s_uv() -> None:
    pinned = re.search(r"^UV=(\S+)", (ROOT / "mesh").read_text(), re.MULTILINE)
    assert pinned is not None
    assert f"uv=={pinned[1]}" in (ROOT / "Dockerfile").read_text()


def test_what_is_provisioned_is_what_compose_names(tmp_path: Path, softhsm: SoftHsm) -> None:
    make_secrets(tmp_path)
    for name, service in COMPOSE["services"].items():
        for value in (*service.get("environment", {}).values(), *service.get("command", ())):
            for path in re.findall(r"/secrets/[\w./-]+", str(value)):
                made = tmp_path / path.removeprefix("/secrets/")
                assert made.exists() or made.name == "dsn", f"{name} looks for {path}, which nobody makes"
