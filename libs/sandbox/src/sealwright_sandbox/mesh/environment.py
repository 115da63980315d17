"""What each service is told, as environment variables. Secrets are named by the files they are in."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sealwright_common.runtime.config import TlsSettings

from sealwright_sandbox.embedded.softhsm import Token
from sealwright_sandbox.mesh.options import HTTP_DOORS, REGISTRY_NAME, MeshOptions, Service


@dataclass(frozen=True)
class Listeners:
    """Where one process listens, host:port."""

    grpc: str
    ops: str
    http: str | None


@dataclass(frozen=True)
class Surroundings:
    """Everything that services find around them."""

    options: MeshOptions
    dsn_files: Mapping[Service, Path]
    nats_url_file: Path
    listeners: Mapping[Service, tuple[Listeners, ...]]
    tls: Mapping[Service, TlsSettings]
    token: Token | None
    file_root: Path
    token_key_file: Path
    issuing_ca: Path
    """Folder of the development authority for document signers."""
    registry: str | None
    """gRPC address of the sandbox registry."""


def environment(service: Service, listeners: Listeners, around: Surroundings) -> dict[str, str]:
    """The whole environment of one process: a clean one, the service's settings, and what the options add."""
    settings: dict[str, str] = {
        "LISTEN": listeners.grpc,
        "OPS_LISTEN": listeners.ops,
        "DATABASE__DSN_FILE": str(around.dsn_files[service]),
        "NATS__URL_FILE": str(around.nats_url_file),
        "TELEMETRY__LOG_FORMAT": "text",
        "TELEMETRY__LOG_LEVEL": around.options.log_level,
        "LIMITS__DRAIN_DELAY": "PT0.2S",  # nobody balances load here who would have to notice first
    }
    if service in HTTP_DOORS and listeners.http:
        settings["HTTP_LISTEN"] = listeners.http
    if around.options.plaintext:
        settings["PLAINTEXT"] = "true"
    else:
        tls = around.tls[service]
        settings.update({"TLS__CERT": str(tls.cert), "TLS__KEY": str(tls.key), "TLS__CA": str(tls.ca)})
    settings.update(_OWN[service](around))
    prefix = f"SEALWRIGHT_{service.upper()}_"
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR", "TZ") if name in os.environ}
    token = around.token.environment if around.token is not None and service is Service.SIGNER else {}
    named = {f"{prefix}{name}": value for name, value in settings.items()}
    return {**inherited, **token, **named, **around.options.environment.get(service, {})}


def _peer(name: str, service: Service, around: Surroundings) -> dict[str, str]:
    """How to reach all instances of a peer: one address, or a list over which calls take turns."""
    addresses = [listeners.grpc for listeners in around.listeners.get(service, ())]
    if len(addresses) < 2:
        return {f"{name}__TARGET": addresses[0]} if addresses else {}
    return {f"{name}__TARGET": f"ipv4:{','.join(addresses)}", f"{name}__SERVER_NAME": "localhost"}


def _signer(around: Surroundings) -> dict[str, str]:
    rotators = around.listeners.get(Service.ROTATOR, ())
    settings = {"ROTATOR": rotators[0].grpc} if rotators else {}
    if around.token is None:
        return {**settings, "FILE_ROOT": str(around.file_root)}
    return {
        **settings,
        "PKCS11__MODULE": str(around.token.module),
        "PKCS11__LABEL": around.token.label,
        "PKCS11__PIN_FILE": str(around.token.pin_file),
        "PKCS11__LOCK_DIR": str(around.token.config.parent),
    }


def _rotator(around: Surroundings) -> dict[str, str]:
    return _peer("SIGNER", Service.SIGNER, around)


def _certify(around: Surroundings) -> dict[str, str]:
    return {
        **_peer("SIGNER", Service.SIGNER, around),
        **_peer("ROTATOR", Service.ROTATOR, around),
        "PUBLIC_URL": f"http://{around.listeners[Service.CERTIFY][0].http}",
        "TOKEN_KEY_FILE": str(around.token_key_file),
        "ISSUING_CA": str(around.issuing_ca),
        "EGRESS__ALLOW_HOSTS": json.dumps(["127.0.0.1", "localhost"]),
        "EGRESS__ALLOW_HTTP": "true",
    }


def _stamp(around: Surroundings) -> dict[str, str]:
    areas = {area: {"issuer": issuer} for area, issuer in around.options.grid_areas.items()}
    registries = {REGISTRY_NAME: {"target": around.registry}} if around.registry else {}
    return {
        **_peer("SIGNER", Service.SIGNER, around),
        "REGISTRIES": json.dumps(registries),
        "GRID_AREAS": json.dumps(areas),
        "WALLETS__EGRESS__ALLOW_HOSTS": json.dumps(["127.0.0.1"]),
    }


_OWN = {Service.SIGNER: _signer, Service.ROTATOR: _rotator, Service.CERTIFY: _certify, Service.STAMP: _stamp}
