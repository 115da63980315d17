"""What a maker writes, the separate verifier reads; whatever is changed on the way is noticed."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import cbor2
import pytest
from sealwright_certify.adapters.formats import MAKERS, SdJwtMaker
from sealwright_common.domain.credentials import CredentialFormat
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.formats import (
    FormatOptions,
    MdocElement,
    MdocOptions,
    SdJwtOptions,
    StatusReference,
    VcOptions,
)
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.verify.credential import verify_credential
from sealwright_common.verify.keys import b64url, unb64url
from sealwright_common.verify.outcome import NotVerified
from sealwright_common.verify.trust import Trust

from tests.unit.certify_formats.keys import NOW, Authority, Signer, content, holder

TOKEN_STATUS = StatusReference("TokenStatusList", "https://issuer.example/status/1", 42)
BITSTRING = StatusReference("BitstringStatusListEntry", "https://issuer.example/status/2", 7)
VOCABULARY = {"@vocab": "https://issuer.example/vocabulary#"}
VC = VcOptions(("PersonCredential",), (VOCABULARY,))
MDL = MdocOptions(
    "org.iso.18013.5.1.mDL",
    (
        MdocElement(("given_name",), "org.iso.18013.5.1", "given_name"),
        MdocElement(("birth_date",), "org.iso.18013.5.1", "birth_date", "full-date"),
        MdocElement(("address", "street"), "org.iso.18013.5.1", "resident_street"),
    ),
)
A = KeyAlgorithm
EC = (A.ES256, A.ES384)


def ldp(suite: str) -> VcOptions:
    return VcOptions(("PersonCredential",), (VOCABULARY,), suite)


CASES: list[tuple[CredentialFormat, FormatOptions, KeyAlgorithm]] = [
    *((CredentialFormat.DC_SD_JWT, SdJwtOptions("https://issuer.example/person"), a) for a in (*EC, A.EDDSA, A.PS256)),
    *((CredentialFormat.JWT_VC_JSON, VC, a) for a in (*EC, A.EDDSA, A.PS256, A.RS256)),
    *((CredentialFormat.MSO_MDOC, MDL, a) for a in (*EC, A.EDDSA)),
    *((CredentialFormat.LDP_VC, ldp(f"eddsa-{kind}-2022"), A.EDDSA) for kind in ("rdfc", "jcs")),
    *((CredentialFormat.LDP_VC, ldp(f"ecdsa-{kind}-2019"), a) for kind in ("rdfc", "jcs") for a in EC),
]


def serialized(credential: Any) -> bytes:
    return credential.encode() if isinstance(credential, str) else json.dumps(credential).encode()


@pytest.mark.parametrize(("kind", "options", "algorithm"), CASES)
def test_every_format_with_every_algorithm_verifies_and_binds_its_holder(
    kind: CredentialFormat, options: FormatOptions, algorithm: KeyAlgorithm
) -> None:
    authority = Authority()
    signer = Signer(algorithm, authority if kind is CredentialFormat.MSO_MDOC else None)
    owner = holder()
    status = BITSTRING if kind in (CredentialFormat.LDP_VC, CredentialFormat.JWT_VC_JSON) else TOKEN_STATUS
    made = signer.finish(MAKERS[kind].prepare(content(), options, signer.issuer, owner, (status,)))
    trust = Trust(keys={signer.issuer.method: signer.public}, anchors=(authority.certificate(),))

    verified = verify_credential(serialized(made), trust, NOW + timedelta(days=1))

    assert verified.format == kind
    assert verified.algorithm == algorithm
    assert verified.holder == owner.jwk
    assert verified.valid_until == NOW + timedelta(days=365)
    assert verified.status[0].index == status.index
    assert verified.status[0].uri == status.uri
    claims = verified.claims["org.iso.18013.5.1"] if kind is CredentialFormat.MSO_MDOC else verified.claims
    assert claims["given_name"] == "Ada"
    with pytest.raises(NotVerified, match="expired"):
        verify_credential(serialized(made), trust, NOW + timedelta(days=366))
    with pytest.raises(NotVerified, match="valid from"):
        verify_credential(serialized(made), trust, NOW - timedelta(minutes=2))
    other = Signer(algorithm, Authority())
    with pytest.raises(NotVerified):
        verify_credential(
            serialized(made), Trust(keys={signer.issuer.method: other.public, MDL.doctype: other.public}), NOW
        )


def test_the_signature_of_any_format_covers_its_content() -> None:
    authority = Authority()
    for kind, options, algorithm in CASES:
        signer = Signer(algorithm, authority if kind is CredentialFormat.MSO_MDOC else None)
        unsigned = MAKERS[kind].prepare(content(), options, signer.issuer, holder(), ())
        trust = Trust(keys={signer.issuer.method: signer.public}, anchors=(authority.certificate(),))
        with pytest.raises(NotVerified):
            verify_credential(serialized(unsigned.assemble(bytes(96 if algorithm is A.ES384 else 64))), trust, NOW)


def test_sd_jwt_hides_nested_members_and_array_elements_and_reveals_only_what_is_given() -> None:
    signer = Signer(A.ES256)
    options = SdJwtOptions("person", (("given_name",), ("address",), ("address", "street"), ("nationalities", None)), 3)
    made = signer.finish(MAKERS[CredentialFormat.DC_SD_JWT].prepare(content(), options, signer.issuer, holder(), ()))
    jwt, *disclosures, end = made.split("~")
    assert end == ""
    assert len(disclosures) == 5
    payload = json.loads(unb64url(jwt.split(".")[1]))
    assert len(payload["_sd"]) == 2 + 3
    assert payload["_sd"] == sorted(payload["_sd"])
    assert payload["family_name"] == "Müller"
    assert "given_name" not in payload
    assert all(set(element) == {"..."} for element in payload["nationalities"])
    trust = Trust(keys={signer.issuer.method: signer.public})
    full = verify_credential(made.encode(), trust, NOW).claims
    assert full["address"] == {"street": "Ringweg 1", "country": "DE"}
    assert full["nationalities"] == ["DE", "FR"]
    nothing = verify_credential(f"{jwt}~".encode(), trust, NOW).claims
    assert nothing["nationalities"] == []
    assert "address" not in nothing
    salts = {json.loads(unb64url(text))[0] for text in disclosures}
    assert len(salts) == 5
    assert all(len(unb64url(salt)) == 16 for salt in salts)


def test_sd_jwt_refuses_disclosures_that_belong_to_nothing() -> None:
    signer = Signer(A.ES256)
    made = signer.finish(SdJwtMaker().prepare(content(), SdJwtOptions("person"), signer.issuer, holder(), ()))
    trust = Trust(keys={signer.issuer.method: signer.public})
    stray = b64url(b'["c2FsdHNhbHRzYWx0c2FsdA","admin",true]')
    with pytest.raises(NotVerified, match="belongs to no digest"):
        verify_credential(f"{made}{stray}~".encode(), trust, NOW)
    first = made.split("~")[1]
    with pytest.raises(NotVerified, match="given twice"):
        verify_credential(f"{made}{first}~".encode(), trust, NOW)


@pytest.mark.parametrize("name", ["iss", "cnf", "vct", "status", "exp", "nbf", "_sd", "..."])
def test_data_never_overrides_what_an_sd_jwt_reserves(name: str) -> None:
    signer = Signer(A.ES256)
    with pytest.raises(InvalidArgument):
        SdJwtMaker().prepare(content(**{name: "x"}), SdJwtOptions("person"), signer.issuer, holder(), ())


@pytest.mark.parametrize("kind", [CredentialFormat.LDP_VC, CredentialFormat.JWT_VC_JSON])
@pytest.mark.parametrize("name", ["id", "@context"])
def test_data_never_overrides_what_a_vc_reserves(kind: CredentialFormat, name: str) -> None:
    signer = Signer(A.EDDSA)
    with pytest.raises(InvalidArgument):
        MAKERS[kind].prepare(content(**{name: "x"}), VC, signer.issuer, holder(), ())


def test_a_term_that_no_context_defines_is_refused_rather_than_left_unsigned() -> None:
    signer = Signer(A.EDDSA)
    with pytest.raises(InvalidArgument, match="given_name"):
        MAKERS[CredentialFormat.LDP_VC].prepare(
            content(), VcOptions(("X",), (), "eddsa-rdfc-2022"), signer.issuer, None, ()
        )


def test_a_context_is_never_fetched() -> None:
    signer = Signer(A.EDDSA)
    options = VcOptions(("X",), ("https://evil.example/context",), "eddsa-rdfc-2022")
    with pytest.raises(InvalidArgument, match="not bundled"):
        MAKERS[CredentialFormat.LDP_VC].prepare(content(), options, signer.issuer, None, ())


def test_mdoc_writes_the_types_of_the_standard() -> None:
    authority = Authority()
    signer = Signer(A.ES256, authority)
    made = signer.finish(
        MAKERS[CredentialFormat.MSO_MDOC].prepare(content(), MDL, signer.issuer, holder(), (TOKEN_STATUS,))
    )
    document = cbor2.loads(unb64url(made))
    assert set(document) == {"nameSpaces", "issuerAuth"}
    protected, unprotected, payload, _ = document["issuerAuth"]
    assert cbor2.loads(protected) == {1: -7}
    assert isinstance(unprotected[33], bytes)
    assert payload[:2] == b"\xd8\x18"
    raw = cbor2.loads(payload).value
    assert b"\xc0\x74" + NOW.strftime("%Y-%m-%dT%H:%M:%SZ").encode() in raw
    mso = cbor2.loads(raw)
    assert mso["status"] == {"status_list": {"idx": 42, "uri": TOKEN_STATUS.uri}}
    assert mso["deviceKeyInfo"]["deviceKey"][1] == 2
    items = [cbor2.loads(tagged.value) for tagged in document["nameSpaces"]["org.iso.18013.5.1"]]
    assert all(len(item["random"]) >= 16 for item in items)
    assert any(b"\xd9\x03\xec\x6a1990-12-10" in tagged.value for tagged in document["nameSpaces"]["org.iso.18013.5.1"])
    items_changed = document["nameSpaces"]["org.iso.18013.5.1"]
    items_changed[0] = cbor2.CBORTag(24, items_changed[0].value.replace(b"Ada", b"Eve").replace(b"Ring", b"Rung"))
    items_changed[1] = cbor2.CBORTag(24, items_changed[1].value.replace(b"Ada", b"Eve").replace(b"Ring", b"Rung"))
    trust = Trust(anchors=(authority.certificate(),))
    with pytest.raises(NotVerified, match="digest"):
        verify_credential(b64url(cbor2.dumps(document)).encode(), trust, NOW)


def test_an_mdoc_needs_a_document_signer_certificate_of_a_trusted_authority() -> None:
    authority = Authority()
    signer = Signer(A.ES256, authority)
    made = signer.finish(MAKERS[CredentialFormat.MSO_MDOC].prepare(content(), MDL, signer.issuer, holder(), ()))
    with pytest.raises(NotVerified, match="no trusted authority"):
        verify_credential(made.encode(), Trust(anchors=(Authority(name="Other").certificate(),)), NOW)
    with pytest.raises(NotVerified, match="not signed"):
        verify_credential(made.encode(), Trust(anchors=(Authority().certificate(),)), NOW)
    with pytest.raises(InvalidArgument):
        MAKERS[CredentialFormat.MSO_MDOC].prepare(content(), MDL, Signer(A.ES256).issuer, holder(), ())
