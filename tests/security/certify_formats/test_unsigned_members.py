"""Data Integrity over RDF signs statements, not JSON: nothing may stand in the JSON that the statements do not say."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sealwright_certify.adapters.formats import MAKERS
from sealwright_common.domain.credentials import CredentialFormat
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.formats import VcOptions
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.verify.credential import verify_credential
from sealwright_common.verify.outcome import NotVerified
from sealwright_common.verify.trust import Trust

from tests.unit.certify_formats.keys import NOW, Signer, content, holder


def _with(document: dict[str, Any], **changes: Any) -> dict[str, Any]:
    subject = {**document["credentialSubject"], **changes.pop("subject", {})}
    return {**document, **changes, "credentialSubject": subject}


@pytest.mark.promise(24)
@pytest.mark.parametrize("suite", ["ecdsa-rdfc-2019", "ecdsa-jcs-2019"])
def test_nothing_is_added_or_renamed_in_a_signed_document(suite: str) -> None:
    """What RDF does not carry is not signed: nulls, empty lists, silent keywords, and the names that contexts give."""
    signer = Signer(KeyAlgorithm.ES256)
    vocabulary = "https://issuer.example/vocabulary#"
    options = VcOptions(("PersonCredential",), ({"@vocab": vocabulary},), suite)
    maker = MAKERS[CredentialFormat.LDP_VC]
    made = signer.finish(maker.prepare(content(), options, signer.issuer, holder(), ()))
    trust = Trust(keys={signer.issuer.method: signer.public})
    assert verify_credential(json.dumps(made).encode(), trust, NOW).claims["given_name"] == "Ada"
    swapped = {"given_name": f"{vocabulary}family_name", "family_name": f"{vocabulary}given_name"}
    exchanged = {"given_name": "Müller", "family_name": "Ada"}
    forgeries = [
        *(_with(made, subject={name: "x"}) for name in ("@index", "@evil", "@version", "@none", "@nest", "")),
        *(_with(made, subject={"admin": value}) for value in (None, [], [None], [[]])),
        _with(made, subject={"@context": []}),
        _with(made, subject={**exchanged, "@context": swapped}),
        _with(made, **{"@context": [*made["@context"], swapped]}, subject=exchanged),
        _with(made, **{"@context": [*made["@context"], "https://evil.example/context"]}),
        _with(made, **{"@version": 1.1}),
        _with(made, **{"@included": []}),
    ]
    for forgery in forgeries:
        with pytest.raises(NotVerified):
            verify_credential(json.dumps(forgery).encode(), trust, NOW)


def test_inline_contexts_that_define_terms_must_be_known() -> None:
    signer = Signer(KeyAlgorithm.ES256)
    terms = {name: f"https://issuer.example/terms#{name}" for name in content().claims}
    terms |= {name: f"https://issuer.example/terms#{name}" for name in ("street", "country")}
    options = VcOptions((), (terms,), "ecdsa-rdfc-2019")
    made = signer.finish(MAKERS[CredentialFormat.LDP_VC].prepare(content(), options, signer.issuer, holder(), ()))
    keys = {signer.issuer.method: signer.public}
    with pytest.raises(NotVerified, match="inline context"):
        verify_credential(json.dumps(made).encode(), Trust(keys=keys), NOW)
    assert verify_credential(json.dumps(made).encode(), Trust(keys=keys, contexts=(terms,)), NOW).types


@pytest.mark.parametrize("suite", ["ecdsa-rdfc-2019", "ecdsa-jcs-2019"])
@pytest.mark.parametrize("name", ["@id", "@type", "@graph", "@reverse", "@context", "@index"])
def test_data_brings_no_keywords_at_any_depth(suite: str, name: str) -> None:
    signer = Signer(KeyAlgorithm.ES256)
    options = VcOptions(("X",), ({"@vocab": "https://issuer.example/vocabulary#"},), suite)
    for claims in ({name: "did:example:victim"}, {"a": {"b": [{name: "x"}]}}):
        with pytest.raises(InvalidArgument):
            MAKERS[CredentialFormat.LDP_VC].prepare(content(**claims), options, signer.issuer, None, ())


def test_nulls_and_empty_lists_are_no_claims_where_they_cannot_be_signed() -> None:
    signer = Signer(KeyAlgorithm.ES256)
    options = VcOptions(("X",), ({"@vocab": "https://issuer.example/vocabulary#"},), "ecdsa-rdfc-2019")
    claims = {"name": "Ada", "none": None, "no": [], "some": ["a", None, []], "deep": {"x": None, "y": 1}}
    made = signer.finish(MAKERS[CredentialFormat.LDP_VC].prepare(content(**claims), options, signer.issuer, None, ()))
    assert made["credentialSubject"] == {"name": "Ada", "some": ["a"], "deep": {"y": 1}}
