"""The development CA makes what servers and clients need, and keeps what it made."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography import x509
from sealwright_common.runtime.config import TlsSettings
from sealwright_common.runtime.grpc.credentials import CertificateFiles
from sealwright_common.runtime.grpc.dev_ca import DevelopmentCa
from sealwright_common.runtime.loading import ConfigError


def names(tls: TlsSettings) -> x509.SubjectAlternativeName:
    certificate = x509.load_pem_x509_certificate(tls.cert.read_bytes())
    return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value


def test_a_second_start_finds_its_ca_again(tmp_path: Path) -> None:
    first = DevelopmentCa.open(tmp_path / "ca")
    assert DevelopmentCa.open(tmp_path / "ca").certificate == first.certificate


def test_keys_are_for_their_owner_alone(tmp_path: Path) -> None:
    tls = DevelopmentCa.open(tmp_path / "ca").issue("stamp")
    for key in (tls.key, tmp_path / "ca" / "ca-key.pem"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def test_a_leaf_has_one_uri_and_the_names_it_is_dialled_by(tmp_path: Path) -> None:
    ca = DevelopmentCa.open(tmp_path)
    alternatives = names(ca.issue("stamp", "west-1", hosts=["stamp.example", "10.1.2.3"]))
    assert alternatives.get_values_for_type(x509.UniformResourceIdentifier) == ["spiffe://sealwright/stamp/west-1"]
    assert alternatives.get_values_for_type(x509.DNSName) == ["localhost", "stamp", "stamp.example"]
    addresses = [str(address) for address in alternatives.get_values_for_type(x509.IPAddress)]
    assert addresses == ["127.0.0.1", "::1", "10.1.2.3"]


@pytest.mark.parametrize(("role", "name"), [("root", None), ("stamp", "a/b"), ("stamp", "../x"), ("", None)])
def test_an_identity_that_no_server_accepts_is_not_issued(tmp_path: Path, role: str, name: str | None) -> None:
    with pytest.raises(ValueError, match="is no identity"):
        DevelopmentCa.open(tmp_path).issue(role, name)


def test_files_that_do_not_fit_are_named(tmp_path: Path) -> None:
    ca = DevelopmentCa.open(tmp_path)
    stamp, signer = ca.issue("stamp"), ca.issue("signer")
    for broken, message in (
        (stamp.model_copy(update={"key": signer.key}), "is not the key of"),
        (stamp.model_copy(update={"cert": stamp.key}), "no PEM certificate"),
        (stamp.model_copy(update={"key": stamp.cert}), "no unencrypted PEM private key"),
        (stamp.model_copy(update={"ca": stamp.key}), "no PEM certificates"),
        (stamp.model_copy(update={"ca": tmp_path / "none"}), "No such file"),
    ):
        with pytest.raises(ConfigError, match=message):
            CertificateFiles(broken)


def test_a_new_set_is_seen_once_and_half_of_one_never(tmp_path: Path) -> None:
    ca = DevelopmentCa.open(tmp_path)
    tls = ca.issue("stamp")
    files = CertificateFiles(tls)
    assert not files.changed()
    ca.issue("stamp")
    assert files.changed()
    assert not files.changed()
    whole = files.current
    tls.cert.write_bytes(ca.issue("signer").cert.read_bytes())
    assert not files.changed()
    assert files.current == whole
