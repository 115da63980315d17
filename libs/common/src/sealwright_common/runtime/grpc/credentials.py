"""Mutual TLS from files that may change while the process runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import grpc
import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from sealwright_common.runtime.config import TlsSettings
from sealwright_common.runtime.loading import ConfigError

log = structlog.get_logger(__name__)

_PUBLIC = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


@dataclass(frozen=True, slots=True)
class Material:
    """PEM bytes of one consistent set of files."""

    cert: bytes
    key: bytes
    ca: bytes


class CertificateFiles:
    """The three files of :class:`TlsSettings`, read again when one of them changed.

    A set that does not fit together (half of it swapped yet, not PEM) is not taken: the one before stays in use.
    """

    def __init__(self, settings: TlsSettings) -> None:
        self._paths = (settings.cert, settings.key, settings.ca)
        self._seen = _signature(self._paths)
        self.current = self._read()

    def changed(self) -> bool:
        """Whether there is a new set; it is then ``current``."""
        signature = _signature(self._paths)
        if signature == self._seen:
            return False
        try:
            material = self._read()
        except ConfigError as error:
            log.warning("new certificates do not fit yet; keeping the old ones", problems=error.problems)
            return False
        self._seen = signature
        if material == self.current:
            return False
        self.current = material
        log.info("certificates changed", cert=str(self._paths[0]))
        return True

    def _read(self) -> Material:
        cert_path, key_path, ca_path = self._paths
        cert, key, ca = (_bytes(path) for path in self._paths)
        try:
            leaf = x509.load_pem_x509_certificates(cert)[0]
        except (ValueError, IndexError):
            raise ConfigError([f"{cert_path}: no PEM certificate"]) from None
        try:
            private = serialization.load_pem_private_key(key, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise ConfigError([f"{key_path}: no unencrypted PEM private key"]) from None
        try:
            x509.load_pem_x509_certificates(ca)
        except ValueError:
            raise ConfigError([f"{ca_path}: no PEM certificates"]) from None
        if private.public_key().public_bytes(*_PUBLIC) != leaf.public_key().public_bytes(*_PUBLIC):
            raise ConfigError([f"{key_path} is not the key of {cert_path}"])
        return Material(cert, key, ca)


def server_credentials(files: CertificateFiles) -> grpc.ServerCredentials:
    """Credentials that demand a client certificate and look for new files at every new connection."""

    def configuration() -> grpc.ServerCertificateConfiguration:
        material = files.current
        return grpc.ssl_server_certificate_configuration([(material.key, material.cert)], material.ca)

    def fetch() -> grpc.ServerCertificateConfiguration | None:
        # Called from gRPC's own threads: an exception here would refuse the connection, so nothing may leave.
        try:
            return configuration() if files.changed() else None
        except Exception as error:
            log.error("certificates could not be read; keeping the old ones", exc_info=error)
            return None

    # The type stub forgets that None means "no change".
    fetcher = cast("Callable[[], grpc.ServerCertificateConfiguration]", fetch)
    return grpc.dynamic_ssl_server_credentials(configuration(), fetcher, require_client_authentication=True)


def channel_credentials(files: CertificateFiles) -> grpc.ChannelCredentials:
    """Credentials of a client, fixed: gRPC's Python clients cannot swap them, the channel is rebuilt instead."""
    material = files.current
    return grpc.ssl_channel_credentials(material.ca, material.key, material.cert)


def _signature(paths: tuple[Path, ...]) -> tuple[tuple[int, int, int] | None, ...]:
    signature: list[tuple[int, int, int] | None] = []
    for path in paths:
        try:
            stat = path.stat()
            signature.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
        except OSError:
            signature.append(None)
    return tuple(signature)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError([f"{path}: {error.strerror}; set tls.cert, tls.key and tls.ca to readable files"]) from None
