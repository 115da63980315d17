"""Issuer documents are read strictly: every mistake is named by its path, and nothing is accepted and then ignored."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from sealwright_certify.usecases.oid4vci.metadata import issuer_identifier, issuer_metadata, well_known
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.formats import SdJwtOptions
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.domain.oid4vci_document import read_issuer

from tests.support.oid4vci import issuer_document

PERSON = "datasets.person"
SD = f"{PERSON}.configurations.person-sd"


def changed(path: str, value: Any) -> dict[str, Any]:
    document = copy.deepcopy(issuer_document())
    *parents, last = path.split("/")
    target: Any = document
    for name in parents:
        target = target[name]
    target[last] = value
    return document


def test_the_demo_document_reads() -> None:
    issuer = read_issuer("default", issuer_document())
    assert issuer.batch_size == 10
    configuration = issuer.configurations["person-sd"]
    assert isinstance(configuration.options, SdJwtOptions)
    assert configuration.options.decoys == 2
    assert [proof.type.value for proof in configuration.proofs] == ["jwt", "di_vp"]
    assert issuer.configurations["person-unbound"].proofs == ()
    assert issuer.by_scope(frozenset({"person-jwt", "other"}))[0].id == "person-jwt"


def test_the_document_of_the_guide_reads() -> None:
    guide = (Path(__file__).resolve().parents[3] / "docs" / "openid4vci.md").read_text("utf-8")
    issuer = read_issuer("default", json.loads(guide.split("```json", 1)[1].split("```", 1)[0]))
    assert set(issuer.configurations) == {"member-sd", "member-mdoc"}


@pytest.mark.parametrize(
    ("path", "value", "wrong"),
    [
        ("surprise", 1, "surprise"),
        ("path", "../up", "path"),
        ("path", "a/b/c/d/e", "path"),
        ("key_issuer", None, "key_issuer"),
        ("batch_size", 0, "batch_size"),
        ("batch_size", True, "batch_size"),
        ("access_token_seconds", 10**9, "access_token_seconds"),
        ("display", [{"locale": "en"}], "display[0]"),
        ("encryption", {"response_required": True}, "encryption.request_required"),
        ("authorization_servers", [{"issuer": "https://as.example"}], "authorization_servers[0].jwks_uri"),
        ("attestation_anchors", ["***"], "attestation_anchors"),
        ("datasets", {}, "datasets"),
        ("datasets/person/source", {"type": "pushed", "more": 1}, f"{PERSON}.source.more"),
        ("datasets/person/validity_seconds", 1, f"{PERSON}.validity_seconds"),
        ("datasets/person/claims", [{"path": []}], f"{PERSON}.claims[0].path"),
        ("datasets/person/claims", [{"path": ["a", -1]}], f"{PERSON}.claims[0].path"),
        ("datasets/person/claims", [{"path": ["a"]}, {"path": ["a"]}], f"{PERSON}.claims"),
        ("datasets/person/schema", "x", f"{PERSON}.schema"),
        ("datasets/person/configurations/person-sd/format", "vc+sd-jwt", f"{SD}.format"),
        ("datasets/person/configurations/person-sd/vct", "", f"{SD}.vct"),
        ("datasets/person/configurations/person-sd/decoys", 99, f"{SD}.decoys"),
        ("datasets/person/configurations/person-sd/suite", "eddsa-jcs-2022", f"{SD}.suite"),
        ("datasets/person/configurations/person-sd/scope", "two words", f"{SD}.scope"),
        ("datasets/person/configurations/person-sd/scope", "person-jwt", "datasets"),
        ("datasets/person/configurations/person-sd/proof_types", {"cwt": {}}, f"{SD}.proof_types.cwt"),
        (
            "datasets/person/configurations/person-sd/proof_types",
            {"jwt": {"algorithms": ["HS256"]}},
            f"{SD}.proof_types.jwt.algorithms",
        ),
        (
            "datasets/person/configurations/person-sd/proof_types",
            {"di_vp": {"key_attestation": {}}},
            f"{SD}.proof_types.di_vp.key_attestation",
        ),
        (
            "datasets/person/configurations/person-mdoc/proof_types",
            {},
            f"{PERSON}.configurations.person-mdoc.proof_types",
        ),
        ("datasets/person/configurations/person-ldp/suite", "none", f"{PERSON}.configurations.person-ldp.suite"),
        ("datasets/person/configurations/person-jwt/types", [], f"{PERSON}.configurations.person-jwt.types"),
    ],
)
def test_mistakes_are_named(path: str, value: Any, wrong: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        read_issuer("default", changed(path, value))
    assert wrong in [field.path for field in refused.value.fields]


@pytest.mark.parametrize("document", [None, [], "x", 5, {}])
def test_what_is_no_document_at_all(document: Any) -> None:
    with pytest.raises(InvalidArgument):
        read_issuer("default", document)


def test_well_known_names_stand_between_host_and_path() -> None:
    host = "https://issuer.example"
    assert issuer_identifier(host, "a/b") == f"{host}/a/b"
    assert issuer_identifier(host, "") == host
    assert well_known(host, "openid-credential-issuer", "a/b") == f"{host}/.well-known/openid-credential-issuer/a/b"
    assert well_known(host, "openid-credential-issuer", "") == f"{host}/.well-known/openid-credential-issuer"


def test_metadata_says_what_the_document_says() -> None:
    document = changed(
        "datasets/person/configurations/person-sd/proof_types",
        {"jwt": {"key_attestation": {"key_storage": ["iso_18045_high"]}}},
    )
    issuer = read_issuer("default", {**document, "batch_size": 1})
    algorithms = dict.fromkeys(issuer.configurations, KeyAlgorithm.ES256)
    del algorithms["person-ldp-eddsa"]
    metadata = issuer_metadata("https://issuer.example", issuer, algorithms, [{"kid": "k"}])
    assert "batch_credential_issuance" not in metadata
    assert "authorization_servers" not in metadata
    supported = metadata["credential_configurations_supported"]
    assert "person-ldp-eddsa" not in supported, "nothing can sign it now"
    proof = supported["person-sd"]["proof_types_supported"]["jwt"]
    assert proof["key_attestations_required"] == {"key_storage": ["iso_18045_high"]}
    assert supported["person-jwt"]["credential_metadata"]["claims"][0]["path"] == ["credentialSubject", "given_name"]
    definition = supported["person-ldp"]["credential_definition"]
    assert definition["@context"][0] == "https://www.w3.org/ns/credentials/v2"
    assert definition["type"] == ["VerifiableCredential", "PersonCredential"]


def test_an_mdocs_claims_are_paths_of_its_elements() -> None:
    """Appendix C: namespace, element, and what is below it; claims without an element are not in the credential."""
    issuer = read_issuer("default", issuer_document())
    algorithms = dict.fromkeys(issuer.configurations, KeyAlgorithm.ES256)

    def paths(document: dict[str, Any]) -> list[list[Any]]:
        supported = document["credential_configurations_supported"]["person-mdoc"]
        return [claim["path"] for claim in supported["credential_metadata"]["claims"]]

    named = paths(issuer_metadata("https://issuer.example", issuer, algorithms, []))
    assert named == [["org.iso.18013.5.1", "given_name"]]
    document = changed("datasets/person/configurations/person-mdoc/elements", [])
    every = paths(issuer_metadata("https://issuer.example", read_issuer("default", document), algorithms, []))
    assert every == [
        ["org.iso.18013.5.1", "given_name"],
        ["org.iso.18013.5.1", "family_name"],
        ["org.iso.18013.5.1", "address", "street"],
        ["org.iso.18013.5.1", "nationalities", None],
    ]
