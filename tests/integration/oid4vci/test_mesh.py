"""The door in a real mesh: signer, rotator and certify as processes; certificates, issuance, revocation, the verbs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sealwright.certify.v1 import attestation_service_pb2 as attestations
from sealwright.certify.v1 import credential_issuer_service_pb2 as pb
from sealwright.certify.v1 import credential_service_pb2 as credentials
from sealwright.certify.v1 import definition_service_pb2 as definitions
from sealwright.certify.v1 import issuance_service_pb2 as issuance
from sealwright.certify.v1 import resources_pb2 as certify
from sealwright.certify.v1 import tenant_service_pb2 as tenants
from sealwright.common.v1 import keys_pb2
from sealwright.rotator.v1 import resources_pb2 as rotator_resources
from sealwright.rotator.v1 import rotator_service_pb2 as rotator
from sealwright_certify.adapters.formats import MAKERS
from sealwright_client.cli import app
from sealwright_client.client import Sealwright
from sealwright_common.domain.credentials import CredentialFormat
from sealwright_common.domain.errors import InvalidArgument
from sealwright_common.domain.keys import KeyAlgorithm
from sealwright_common.runtime.issuing_ca import IssuingCa
from sealwright_common.verify.credential import verify_credential
from sealwright_common.verify.jws import parse
from sealwright_common.verify.keys import from_jwk
from sealwright_common.verify.outcome import NotVerified
from sealwright_common.verify.status_list import verify_status_list
from sealwright_common.verify.trust import Trust
from sealwright_sandbox.mesh import Mesh
from sealwright_sandbox.mesh.options import Service
from sealwright_sandbox.oid4vci_wallet import Wallet, WalletKey
from typer.testing import CliRunner

from tests.support.certify import client_of, rid
from tests.support.mesh import open_mesh
from tests.support.oid4vci import PERSON, issuer_document
from tests.unit.certify_formats.keys import Signer, content, holder
from tests.unit.certify_formats.test_round_trip import ldp


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def mesh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mesh]:
    services = (Service.SIGNER, Service.ROTATOR, Service.CERTIFY)
    async with open_mesh(tmp_path_factory.mktemp("oid4vci"), services=services, sandbox=False) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client(mesh: Mesh) -> AsyncIterator[Sealwright]:
    opened = client_of(mesh)
    schedule = rotator_resources.Schedule(duration="P1D", buffer=1, overlap=1)
    for name, algorithm in (("es256", keys_pb2.KEY_ALGORITHM_ES256), ("eddsa", keys_pb2.KEY_ALGORITHM_EDDSA)):
        await opened.rotator.CreateIssuer(
            rotator.CreateIssuerRequest(
                request_id=rid(),
                issuer_type=name,
                schedule=schedule,
                algorithm=algorithm,
                purpose=keys_pb2.KEY_PURPOSE_ASSERTION,
            )
        )
    await opened.tenants.StoreTenant(tenants.StoreTenantRequest(request_id=rid(), key_issuer="es256"))
    stored = await opened.credential_issuers.StoreCredentialIssuer(
        pb.StoreCredentialIssuerRequest(request_id=rid(), document_json=json.dumps(issuer_document()))
    )
    assert stored.version == 1
    yield opened
    await opened.close()


async def offer(client: Sealwright, configuration: str, **options: Any) -> pb.CreateCredentialOfferResponse:
    request = pb.CreateCredentialOfferRequest(
        request_id=rid(),
        issuer="demo",
        configuration_ids=[configuration],
        claims_json=json.dumps({"person": PERSON}),
        **options,
    )
    made = await client.credential_issuers.CreateCredentialOffer(request)
    again = await client.credential_issuers.CreateCredentialOffer(request)
    assert again == made
    return made


async def issue(client: Sealwright, configuration: str, *anchors: bytes) -> tuple[Any, Trust]:
    made = await offer(client, configuration, transaction_code_length=4)
    async with Wallet(dpop=True) as wallet:
        opened = await wallet.open_offer(made.offer_uri)
        await wallet.redeem(opened, made.transaction_code)
        answer = await wallet.obtain(opened, configuration, [WalletKey()])
        trust = await wallet.trust(opened, *anchors)
        did = await wallet.get(f"{opened.issuer.rpartition('/')[0]}/default/did.json")
    # As a stranger would: what names a DID is checked by its document alone, whichever issuer's keys signed it.
    methods = {method["id"]: from_jwk(method["publicKeyJwk"]) for method in did["verificationMethod"]}
    return answer["credentials"][0]["credential"], Trust({**trust.keys, **methods}, anchors)


@pytest.mark.parametrize("configuration", ["person-sd", "person-ldp", "person-ldp-eddsa", "person-jwt"])
async def test_the_signers_keys_make_credentials_of_every_format(client: Sealwright, configuration: str) -> None:
    credential, trust = await issue(client, configuration)
    content = credential if isinstance(credential, str) else json.dumps(credential)
    verified = verify_credential(content.encode(), trust, datetime.now(UTC))
    assert "Ada" in str(verified.claims)


async def certified(client: Sealwright) -> bytes:
    """Has the active ES256 key certified by a new authority; its root."""
    authority = IssuingCa()
    asked = await client.credential_issuers.CreateCertificateRequest(
        pb.CreateCertificateRequestRequest(key_issuer="es256", common_name="Demo signer", country="DK")
    )
    chain = authority.certify(asked.certificate_request_pem)
    await client.credential_issuers.ImportCertificates(
        pb.ImportCertificatesRequest(request_id=rid(), key_issuer="es256", chain_pem=chain)
    )
    return authority.root


async def test_a_document_signer_certificate_from_request_to_mdoc(client: Sealwright) -> None:
    authority = IssuingCa()
    issuers = client.credential_issuers
    asked = await issuers.CreateCertificateRequest(
        pb.CreateCertificateRequestRequest(key_issuer="es256", common_name="Demo signer", country="DK")
    )
    chain = authority.certify(asked.certificate_request_pem)
    imported = await issuers.ImportCertificates(
        pb.ImportCertificatesRequest(request_id=rid(), key_issuer="es256", chain_pem=chain)
    )
    assert imported.key_id == asked.key_id
    credential, _ = await issue(client, "person-mdoc")
    verified = verify_credential(credential.encode(), Trust(anchors=(authority.root,)), datetime.now(UTC))
    assert verified.claims["org.iso.18013.5.1"]["given_name"] == "Ada"
    with_chain, _ = await issue(client, "person-sd")
    named = verify_credential(with_chain.encode(), Trust(anchors=(authority.root,)), datetime.now(UTC))
    assert named.types == ("https://issuer.example/demo/vct/person",)
    for wrong in ("no PEM", chain[:200]):
        with pytest.raises(InvalidArgument):
            await issuers.ImportCertificates(
                pb.ImportCertificatesRequest(request_id=rid(), key_issuer="es256", chain_pem=wrong)
            )
    with pytest.raises(InvalidArgument):
        await issuers.ImportCertificates(
            pb.ImportCertificatesRequest(request_id=rid(), key_issuer="eddsa", chain_pem=chain)
        )


async def sealwright(mesh: Mesh, *arguments: str) -> tuple[int, str]:
    """Exit code of a verb and what it printed, errors included."""
    tls = mesh.profile.tls
    assert tls is not None
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SEALWRIGHT_")}
    environment |= {f"SEALWRIGHT_TLS_{name.upper()}": tls[name] for name in ("cert", "key", "ca")}
    environment["SEALWRIGHT_CERTIFY"] = mesh.profile.services["certify"]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from sealwright_client.cli import main; main()", *arguments),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_the_verbs_make_and_show_an_offer(mesh: Mesh, client: Sealwright, tmp_path: Path) -> None:
    claims, picture = tmp_path / "claims.json", tmp_path / "offer.svg"
    claims.write_text(json.dumps({"person": PERSON}))
    create = ("offer", "create", "person-sd", "--issuer", "demo", "--claims", str(claims))
    code, out = await sealwright(mesh, *create, "--pin", "6", "--qr", str(picture), "--json")
    made = json.loads(out)
    assert (code, len(made["transaction_code"])) == (0, 6)
    assert picture.read_bytes().startswith(b"<?xml")

    code, out = await sealwright(mesh, "offer", "show", made["id"], "--json")
    shown = json.loads(out)
    assert (code, shown["state"], shown["link"]) == (0, "PENDING", made["link"])
    code, out = await sealwright(mesh, "offer", "show", made["id"])
    assert code == 0
    assert "█" in out

    async with Wallet() as wallet:
        opened = await wallet.open_offer(made["link"])
        await wallet.redeem(opened, made["transaction_code"])
    code, out = await sealwright(mesh, "offer", "show", made["id"], "--json")
    assert (code, json.loads(out)["state"], json.loads(out)["link"]) == (0, "REDEEMED", "")

    for size, refusal in ((300_000, "claims_json"), (1_048_576, "REQUEST_TOO_LARGE")):
        claims.write_text(json.dumps({"person": {**PERSON, "given_name": "x" * size}}))
        code, out = await sealwright(mesh, *create)
        assert code == 1
        assert refusal in out


async def test_a_revoked_credential_shows_in_the_token_status_list(client: Sealwright) -> None:
    credential, trust = await issue(client, "person-sd")
    reference = parse(credential.split("~")[0], "dc+sd-jwt").claims["status"]["status_list"]
    listed = await client.credentials.ListCredentials(credentials.ListCredentialsRequest(page_size=500))
    entries = {(e.list_uri, e.index): c.id for c in listed.credentials for e in c.status_entries}
    id_ = entries[(reference["uri"], reference["idx"])]
    await client.credentials.RevokeCredentials(credentials.RevokeCredentialsRequest(request_id=rid(), ids=[id_]))
    async with Wallet() as wallet:
        end = datetime.now(UTC) + timedelta(seconds=4)
        while True:
            assert wallet._http is not None
            async with wallet._http.get(reference["uri"]) as response:
                assert response.content_type == "application/statuslist+jwt"
                token = await response.text()
            found = verify_status_list(token, reference["uri"], trust, datetime.now(UTC))
            if found.status(reference["idx"]) == 1:
                break
            assert datetime.now(UTC) < end, "revoked within two seconds"
    assert found.bits == 2


async def test_the_status_of_an_mdoc_as_jwt_and_as_cwt(client: Sealwright) -> None:
    """One list, two forms by Accept; each verifies by the certificate alone, and caches can tell them apart."""
    anchors = (await certified(client),)
    credential, _ = await issue(client, "person-mdoc")
    trust = Trust(anchors=anchors)
    reference = verify_credential(credential.encode(), trust, datetime.now(UTC)).status[0]
    listed = await client.credentials.ListCredentials(credentials.ListCredentialsRequest(page_size=500))
    [id_] = [
        c.id
        for c in listed.credentials
        for e in c.status_entries
        if (e.list_uri, e.index) == (reference.uri, reference.index)
    ]
    async with Wallet() as wallet:
        assert wallet._http is not None
        for revoked in (0, 1):
            for form, kind in (("application/statuslist+jwt", str), ("application/statuslist+cwt", bytes)):
                async with asyncio.timeout(30):
                    while True:
                        async with wallet._http.get(reference.uri, headers={"Accept": form}) as response:
                            assert (response.status, response.content_type) == (200, form)
                            assert response.headers["Vary"].lower() == "accept"
                            etag, body = response.headers["ETag"], await response.read()
                        token = body.decode() if kind is str else body
                        # What was signed before this certificate was imported is served for a second more.
                        with contextlib.suppress(NotVerified):
                            found = verify_status_list(token, reference.uri, trust, datetime.now(UTC))
                            if found.status(reference.index) == revoked:
                                break
                        await asyncio.sleep(0.1)
                again = {"Accept": form, "If-None-Match": etag}
                async with wallet._http.get(reference.uri, headers=again) as response:
                    assert (response.status, response.headers["ETag"]) == (304, etag)
            if not revoked:
                revocation = credentials.RevokeCredentialsRequest(request_id=rid(), ids=[id_])
                await client.credentials.RevokeCredentials(revocation)
        async with wallet._http.get(reference.uri, params={"time": "1700000000"}) as response:
            assert response.status == 501


def test_the_verb_verify_checks_files_offline(tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    signer = Signer(KeyAlgorithm.ES256)
    valid = replace(content(), issued=now, valid_from=now, valid_until=now + timedelta(days=1))
    made = signer.finish(
        MAKERS[CredentialFormat.LDP_VC].prepare(valid, ldp("ecdsa-jcs-2019"), signer.issuer, holder(), ())
    )
    file, keys = tmp_path / "credential.json", tmp_path / "keys.json"
    file.write_text(json.dumps(made))
    keys.write_text(json.dumps({"keys": [{**signer.public.jwk, "kid": signer.issuer.method}]}))
    run = CliRunner()
    good = run.invoke(app, ["verify", str(file), "--key", str(keys), "--json"])
    assert good.exit_code == 0, good.output
    assert json.loads(good.stdout)["format"] == "ldp_vc"
    unknown = run.invoke(app, ["verify", str(file), "--json"])
    assert unknown.exit_code == 1
    file.write_text(json.dumps({**made, "name": "changed"}))
    changed = run.invoke(app, ["verify", str(file), "--key", str(keys), "--json"])
    assert changed.exit_code == 1
    assert json.loads(changed.stdout)["reason"] == "signature"


@pytest.mark.parametrize("format_", ["dc+sd-jwt", "ldp_vc", "jwt_vc_json"])
async def test_definitions_of_certify_are_issued_in_these_formats_too(client: Sealwright, format_: str) -> None:
    pushed = certify.AttestationDefinition(id="pushed", type="pushed", configuration_json="{}")
    await client.attestations.StoreAttestationDefinition(
        attestations.StoreAttestationDefinitionRequest(request_id=rid(), definition=pushed)
    )
    options: dict[str, Any] = {"suite": "ecdsa-jcs-2019"} if format_ == "ldp_vc" else {}
    body = {
        "id": f"member-{format_.replace('+', '-')}",
        "credentialType": "MemberCredential",
        "format": format_,
        "validity": 3600,
        "attestations": ["pushed"],
        "mappings": [{"input": "pushed.name", "output": "credentialSubject.name"}],
        "formatOptions": options,
    }
    await client.definitions.StoreDefinition(
        definitions.StoreDefinitionRequest(request_id=rid(), definition_json=json.dumps(body))
    )
    holder_did = WalletKey().public.did_key
    issued = await client.issuance.IssueCredential(
        issuance.IssueCredentialRequest(
            request_id=rid(),
            definition_id=body["id"],
            holder_did=holder_did,
            claims_json=json.dumps({"pushed": {"name": "Ada"}}),
        )
    )
    document = await client.tenants.GetDidDocument(tenants.GetDidDocumentRequest())
    methods = json.loads(document.document_json)["verificationMethod"]
    trust = Trust({method["id"]: from_jwk(method["publicKeyJwk"]) for method in methods})
    verified = verify_credential(issued.payload.encode(), trust, datetime.now(UTC))
    assert verified.format == format_
    assert verified.claims["name"] == "Ada"
    assert verified.subject == holder_did
    assert verified.status
